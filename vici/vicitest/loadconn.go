// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// loadConn loads the connections of a request, up to the first with a key or value that
// is not known.
func (d *Daemon) loadConn(request *vici.Message) (*vici.Message, error) {
	for e := range request.All() {
		if e.Kind != vici.SectionStart {
			continue
		}
		c, err := readConnection(e.Name, e.Section)
		if err != nil {
			return nil, err
		}
		d.load(c)
	}
	return success(), nil
}

func unknownOption(name string) error {
	return fmt.Errorf("unknown option: %s, config discarded", name)
}

func invalidValue(name string) error {
	return fmt.Errorf("invalid value for: %s, config discarded", name)
}

// Defaults of charon for connections that do not say.
const (
	defaultIKERekey   = 4 * time.Hour
	defaultChildRekey = time.Hour
)

func readConnection(name string, m *vici.Message) (Connection, error) {
	c := Connection{Name: name, RekeyTime: defaultIKERekey}
	for e := range m.All() {
		var err error
		switch {
		case e.Kind == vici.SectionStart && e.Name == "children":
			err = readChildren(&c, e.Section)
		case e.Kind == vici.SectionStart && strings.HasPrefix(e.Name, "local"):
			c.Local, err = appendAuth(c.Local, e.Section)
		case e.Kind == vici.SectionStart && strings.HasPrefix(e.Name, "remote"):
			c.Remote, err = appendAuth(c.Remote, e.Section)
		case e.Kind == vici.SectionStart:
			err = unknownOption(e.Name)
		default:
			err = c.set(e)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// set applies a key of a connection's own level.
func (c *Connection) set(e vici.Element) (err error) {
	switch e.Name {
	case "local_addrs":
		c.LocalAddrs = values(e)
	case "remote_addrs":
		c.RemoteAddrs = values(e)
	case "local_port":
		c.LocalPort, err = port(e)
	case "remote_port":
		c.RemotePort, err = port(e)
	case "version":
		c.Version, err = ikeVersionNumber(e)
	case "rekey_time":
		c.RekeyTime, err = duration(e)
	case "reauth_time":
		c.ReauthTime, err = duration(e)
	case "dpd_delay":
		c.DPDDelay, err = duration(e)
	case "dpd_timeout":
		c.DPDTimeout, err = duration(e)
	case "unique":
		c.Unique, err = oneOf(e, "no", "never", "keep", "replace")
	case "ppk_id":
		c.PPKID = e.Value
	case "ppk_required":
		c.PPKRequired, err = flag(e)
	case "proposals":
		c.Proposals, err = readProposals(values(e), ikeProposal)
	case "pools":
		c.Pools = values(e)
	default:
		return accepted(e.Name, connectionKeys[:])
	}
	return err
}

// Keys that are accepted and change nothing that the fake shows.
var connectionKeys = [...]string{
	"vips", "aggressive", "pull", "dscp", "encap", "mobike", "fragmentation", "childless", "send_certreq", "send_cert",
	"ocsp", "keyingtries", "over_time", "rand_time", "if_id_in", "if_id_out", "mediation", "mediated_by", "mediation_peer",
}

var authKeys = [...]string{"round", "pubkeys"}

var childKeys = [...]string{
	"updown", "hostaccess", "policies", "policies_fwd_out", "replay_window", "rand_time", "life_bytes", "rand_bytes",
	"life_packets", "rand_packets", "ipcomp", "inactivity", "reqid", "mark_in_sa", "set_mark_in", "set_mark_out",
	"label_mode", "tfc_padding", "hw_offload", "sha256_96", "copy_df", "copy_ecn", "copy_dscp", "per_cpu_sas", "icmp",
}

func accepted(name string, known []string) error {
	if slices.Contains(known, name) {
		return nil
	}
	return unknownOption(name)
}

func appendAuth(rounds []Auth, m *vici.Message) ([]Auth, error) {
	var a Auth
	for e := range m.All() {
		if e.Kind == vici.SectionStart && (strings.HasPrefix(e.Name, "cert") || strings.HasPrefix(e.Name, "cacert")) {
			continue // a certificate on a token or in a file
		}
		if err := a.set(e); err != nil {
			return nil, err
		}
	}
	return append(rounds, a), nil
}

func (a *Auth) set(e vici.Element) error {
	switch e.Name {
	case "auth":
		return a.setClass(e)
	case "id":
		a.ID = e.Value
	case "ca_id":
		a.CAID = e.Value
	case "aaa_id":
		a.AAAID = e.Value
	case "eap_id":
		a.EAPID = e.Value
	case "xauth_id":
		a.XAuthID = e.Value
	case "revocation":
		return a.setRevocation(e)
	case "groups":
		a.Groups = values(e)
	case "cert_policy":
		a.CertPolicy = values(e)
	case "certs":
		a.Certs = subjects(values(e))
	case "cacerts":
		a.CACerts = subjects(values(e))
	default:
		return accepted(e.Name, authKeys[:])
	}
	return nil
}

func (a *Auth) setClass(e vici.Element) error {
	method, variant, _ := strings.Cut(e.Value, "-")
	switch method {
	case "psk":
		a.Class = "pre-shared key"
	case "pubkey", "rsa", "ecdsa", "ed25519", "ed448", "ike":
		a.Class = "public key"
	case "eap":
		a.Class = "EAP"
		a.EAPType = "EAP_" + strings.ToUpper(cmp.Or(variant, "dynamic"))
	case "xauth":
		a.Class, a.XAuth = "XAuth", variant
	case "any":
		a.Class = "any"
	default:
		return invalidValue(e.Name)
	}
	return nil
}

func (a *Auth) setRevocation(e vici.Element) error {
	switch e.Value {
	case "strict":
		a.Revocation = "GOOD"
	case "ifuri":
		a.Revocation = "SKIPPED"
	case "relaxed":
	default:
		return invalidValue(e.Name)
	}
	return nil
}

func readChildren(c *Connection, m *vici.Message) error {
	for e := range m.All() {
		if e.Kind != vici.SectionStart {
			return unknownOption(e.Name)
		}
		child := Child{Name: e.Name, RekeyTime: defaultChildRekey}
		for key := range e.Section.All() {
			if err := child.set(key); err != nil {
				return err
			}
		}
		c.Children = append(c.Children, child)
	}
	return nil
}

func (c *Child) set(e vici.Element) (err error) {
	switch e.Name {
	case "mode":
		c.Mode, err = oneOf(e, "tunnel", "transport", "transport_proxy", "beet", "pass", "drop", "iptfs")
		c.Mode = strings.ToUpper(c.Mode)
	case "local_ts":
		c.LocalTS = values(e)
	case "remote_ts":
		c.RemoteTS = values(e)
	case "esp_proposals":
		c.Proposals, err = readProposals(values(e), espProposal)
	case "ah_proposals":
		c.Proposals, err = readProposals(values(e), ahProposal)
	case "rekey_time":
		c.RekeyTime, err = duration(e)
	case "life_time":
		c.LifeTime, err = duration(e)
	case "rekey_bytes":
		c.RekeyBytes, err = number(e)
	case "rekey_packets":
		c.RekeyPackets, err = number(e)
	case "start_action":
		c.StartAction, err = action(e)
	case "dpd_action":
		c.DPDAction, err = action(e)
	case "close_action":
		c.CloseAction, err = action(e)
	case "label":
		c.Label = e.Value
	case "interface":
		c.Interface = e.Value
	default:
		return c.setNumber(e)
	}
	return err
}

func (c *Child) setNumber(e vici.Element) error {
	var n uint64
	var err error
	switch e.Name {
	case "priority":
		n, err = number(e)
		c.Priority = int(n)
	case "mark_in":
		c.MarkIn, err = mark(e)
	case "mark_out":
		c.MarkOut, err = mark(e)
	case "if_id_in":
		n, err = number(e)
		c.IfIDIn = uint32(n)
	case "if_id_out":
		n, err = number(e)
		c.IfIDOut = uint32(n)
	default:
		return accepted(e.Name, childKeys[:])
	}
	return err
}

func mark(e vici.Element) (Mark, error) {
	value, mask, masked := strings.Cut(e.Value, "/")
	v, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return Mark{}, invalidValue(e.Name)
	}
	m := Mark{Value: uint32(v), Mask: ^uint32(0)}
	if masked {
		v, err = strconv.ParseUint(mask, 0, 32)
		if err != nil {
			return Mark{}, invalidValue(e.Name)
		}
		m.Mask = uint32(v)
	}
	return m, nil
}
