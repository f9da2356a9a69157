// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// listConns streams the connections, or the one that the request names.
func (d *Daemon) listConns(c *Call) (*vici.Message, error) {
	filter, filtered := text(c.Request, "ike")
	d.mu.Lock()
	conns := append([]*Connection(nil), d.conns...)
	d.mu.Unlock()
	for _, conn := range conns { // a connection is not changed once it is loaded
		if filtered && conn.Name != filter {
			continue
		}
		if err := c.Event("list-conn", func(e *vici.Encoder) { connWriter{d.dialect, e}.connection(conn) }); err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // the empty answer
}

func (d *Daemon) getConns(*vici.Message) (*vici.Message, error) {
	names := make([]string, 0, len(d.conns))
	for _, c := range d.conns {
		if !c.OtherBackend {
			names = append(names, c.Name)
		}
	}
	return new(vici.Message).AddList("conns", names...), nil
}

// A connWriter writes configurations in the daemon's order of keys.
type connWriter struct {
	dialect

	e *vici.Encoder
}

func (w connWriter) connection(c *Connection) {
	w.e.Section(c.Name)
	w.e.List("local_addrs", c.LocalAddrs...)
	w.e.List("remote_addrs", c.RemoteAddrs...)
	if w.since(6, 0, 3) {
		w.e.KeyValue("local_port", strconv.Itoa(int(c.LocalPort)))
		w.e.KeyValue("remote_port", strconv.Itoa(int(c.RemotePort)))
	}
	w.e.KeyValue("version", ikeVersion(c.Version))
	if w.since(5, 5, 0) {
		w.seconds("reauth_time", c.ReauthTime)
		w.seconds("rekey_time", c.RekeyTime)
	}
	if w.since(5, 5, 2) {
		w.e.KeyValue("unique", "UNIQUE_"+strings.ToUpper(cmp.Or(c.Unique, "no")))
	}
	w.optional(c)
	if w.since(6, 1, 0) {
		w.proposals("proposals", c.Proposals)
	}
	w.auths("local-", c.Local)
	w.auths("remote-", c.Remote)
	w.e.Section("children")
	for i := range c.Children {
		w.child(&c.Children[i])
	}
	w.e.EndSection()
	w.e.EndSection()
}

func (w connWriter) optional(c *Connection) {
	if w.since(5, 6, 2) {
		if c.DPDDelay > 0 {
			w.seconds("dpd_delay", c.DPDDelay)
		}
		if c.DPDTimeout > 0 {
			w.seconds("dpd_timeout", c.DPDTimeout)
		}
	}
	if w.since(5, 7, 0) {
		w.unlessEmpty("ppk_id", c.PPKID)
		if c.PPKRequired {
			w.e.KeyValue("ppk_required", "yes")
		}
	}
}

func ikeVersion(v int) string {
	switch v {
	case 1:
		return "IKEv1"
	case 2:
		return "IKEv2"
	}
	return "IKEv1/2"
}

func (w connWriter) auths(prefix string, rounds []Auth) {
	for i := range rounds {
		name := prefix + strconv.Itoa(i+1)
		if !w.since(5, 3, 0) {
			name = strings.TrimSuffix(prefix, "-")
		}
		w.e.Section(name)
		w.auth(&rounds[i])
		w.e.EndSection()
	}
}

func (w connWriter) auth(a *Auth) {
	w.unlessEmpty("id", a.ID)
	if w.since(5, 8, 2) {
		w.unlessEmpty("ca_id", a.CAID)
	}
	w.unlessEmpty("aaa_id", a.AAAID)
	w.unlessEmpty("eap_id", a.EAPID)
	w.unlessEmpty("xauth_id", a.XAuthID)
	w.unlessEmpty("eap-vendor", a.EAPVendor)
	w.unlessEmpty("eap-type", a.EAPType)
	w.unlessEmpty("xauth", a.XAuth)
	w.unlessEmpty("class", a.Class)
	w.unlessEmpty("revocation", a.Revocation)
	w.e.List("groups", a.Groups...)
	if w.since(5, 7, 0) {
		w.e.List("cert_policy", a.CertPolicy...)
	}
	w.e.List("certs", a.Certs...)
	w.e.List("cacerts", a.CACerts...)
}

func (w connWriter) child(c *Child) {
	w.e.Section(c.Name)
	w.e.KeyValue("mode", c.Mode)
	if w.since(5, 9, 6) {
		w.unlessEmpty("label", c.Label)
	}
	if w.since(5, 5, 0) {
		w.seconds("rekey_time", c.RekeyTime)
		w.e.KeyValue("rekey_bytes", strconv.FormatUint(c.RekeyBytes, 10))
		w.e.KeyValue("rekey_packets", strconv.FormatUint(c.RekeyPackets, 10))
	}
	if w.since(5, 6, 2) {
		w.e.KeyValue("dpd_action", w.action(c.DPDAction))
		w.e.KeyValue("close_action", w.action(c.CloseAction))
	}
	if w.since(6, 1, 0) {
		esp, ah := byProtocol(c.Proposals)
		w.proposals("esp_proposals", esp)
		w.proposals("ah_proposals", ah)
	}
	w.e.List("local-ts", c.LocalTS...)
	w.e.List("remote-ts", c.RemoteTS...)
	if w.since(5, 5, 0) {
		w.unlessEmpty("interface", c.Interface)
		if c.Priority != 0 {
			w.e.KeyValue("priority", strconv.Itoa(c.Priority))
		}
	}
	w.e.EndSection()
}

func byProtocol(proposals []Proposal) (esp, ah []Proposal) {
	for _, p := range proposals {
		if p.AH {
			ah = append(ah, p)
		} else {
			esp = append(esp, p)
		}
	}
	return esp, ah
}

// action is the name of what happens at DPD or close, which 5.9.6 changed.
func (w connWriter) action(a string) string {
	a = cmp.Or(a, "none")
	if w.since(5, 9, 6) {
		return a
	}
	switch a {
	case "trap":
		return "hold"
	case "start":
		return "restart"
	}
	return "clear"
}

func (w connWriter) proposals(name string, proposals []Proposal) {
	w.e.Section(name)
	for i, p := range proposals {
		w.e.Section(strconv.Itoa(i))
		w.list("encr", p.Encryption)
		w.list("integ", p.Integrity)
		w.list("prf", p.PRF)
		w.list("ke", p.KE)
		for k, names := range p.AKE {
			w.list(akeKeys[k], names)
		}
		w.list("sn", p.ESN)
		w.e.EndSection()
	}
	w.e.EndSection()
}

func (w connWriter) list(name string, items []string) {
	if len(items) > 0 {
		w.e.List(name, items...)
	}
}

func (w connWriter) seconds(key string, d time.Duration) {
	w.e.KeyValue(key, strconv.FormatInt(int64(d/time.Second), 10))
}

func (w connWriter) unlessEmpty(key, value string) {
	if value != "" {
		w.e.KeyValue(key, value)
	}
}
