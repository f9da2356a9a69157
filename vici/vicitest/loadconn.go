// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"encoding/hex"
	"errors"
	"fmt"
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
		c, err := d.readConnection(e.Name, e.Section)
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

func (d dialect) readConnection(name string, m *vici.Message) (Connection, error) {
	c := Connection{Name: name, RekeyTime: defaultIKERekey}
	for e := range m.All() {
		var err error
		var a Auth
		switch {
		case e.Kind == vici.SectionStart && e.Name == "children":
			err = d.readChildren(&c, e.Section)
		case e.Kind == vici.SectionStart && strings.HasPrefix(e.Name, "local"):
			a, err = d.readAuth(e.Section)
			c.Local = append(c.Local, a)
		case e.Kind == vici.SectionStart && strings.HasPrefix(e.Name, "remote"):
			a, err = d.readAuth(e.Section)
			c.Remote = append(c.Remote, a)
		case e.Kind == vici.SectionStart:
			err = fmt.Errorf("invalid section: %s", e.Name)
		default:
			if err = d.check(connectionOptions[:], e); err == nil {
				d.set(&c, e)
			}
		}
		if err != nil {
			return c, err
		}
	}
	err := checkMediation(&c, m)
	return c, err
}

// checkMediation refuses what daemons refuse. (Those before 6.0 do it in a way that lets them crash later.)
func checkMediation(c *Connection, m *vici.Message) error {
	if _, mediated := m.Value("mediated_by"); !mediated {
		return nil
	}
	if boolean(m, "mediation") {
		return errors.New("a mediation connection cannot be a mediated connection, config discarded")
	}
	if _, ok := m.Value("mediation_peer"); !ok && firstID(c.Remote) == "" {
		return errors.New("mediation peer or remote identity missing for mediated connection, config discarded")
	}
	return nil
}

// set applies a key of a connection's own level that was found to be valid.
func (d dialect) set(c *Connection, e vici.Element) {
	switch e.Name {
	case "local_addrs":
		c.LocalAddrs = values(e)
	case "remote_addrs":
		c.RemoteAddrs = values(e)
	case "local_port":
		c.LocalPort = uint16(numberOf(e))
	case "remote_port":
		c.RemotePort = uint16(numberOf(e))
	case "version":
		c.Version = int(int32(numberOf(e)))
	case "rekey_time":
		c.RekeyTime, _ = duration(e.Value)
	case "reauth_time":
		c.ReauthTime, _ = duration(e.Value)
	case "dpd_delay":
		c.DPDDelay, _ = duration(e.Value)
	case "dpd_timeout":
		c.DPDTimeout, _ = duration(e.Value)
	case "unique":
		c.Unique = strings.ToLower(e.Value)
	case "ppk_id":
		c.PPKID = e.Value
	case "ppk_required":
		c.PPKRequired, _ = flag(e.Value)
	case "proposals":
		c.Proposals = d.proposals(e, ikeProposal)
	case "pools":
		c.Pools = values(e)
	case "vips":
		c.VIPs = values(e)
	case "if_id_in":
		c.IfIDIn, _ = interfaceID(e.Value)
	case "if_id_out":
		c.IfIDOut, _ = interfaceID(e.Value)
	}
}

func numberOf(e vici.Element) uint64 {
	n, _ := number(e.Value)
	return n
}

// proposals reads a list that was found to be valid.
func (d dialect) proposals(e vici.Element, kind proposalKind) []Proposal {
	var list []Proposal
	for _, text := range values(e) {
		p, _ := d.readProposal(text, kind)
		list = append(list, p)
	}
	return list
}

func (d dialect) readChildren(c *Connection, m *vici.Message) error {
	for e := range m.All() {
		if e.Kind != vici.SectionStart {
			return unknownOption(e.Name)
		}
		child := Child{Name: e.Name, RekeyTime: defaultChildRekey}
		for key := range e.Section.All() {
			if key.Kind == vici.SectionStart {
				continue // daemons do not look into it
			}
			if err := d.check(childOptions[:], key); err != nil {
				return err
			}
			d.setChild(&child, key)
		}
		c.Children = append(c.Children, child)
	}
	return nil
}

// setChild applies a key that was found to be valid.
func (d dialect) setChild(c *Child, e vici.Element) {
	switch e.Name {
	case "mode":
		c.Mode = strings.ToUpper(e.Value)
	case "local_ts":
		c.LocalTS = values(e)
	case "remote_ts":
		c.RemoteTS = values(e)
	case "esp_proposals":
		c.Proposals = append(c.Proposals, d.proposals(e, espProposal)...)
	case "ah_proposals":
		c.Proposals = append(c.Proposals, d.proposals(e, ahProposal)...)
	case "rekey_time":
		c.RekeyTime, _ = duration(e.Value)
	case "life_time":
		c.LifeTime, _ = duration(e.Value)
	case "rekey_bytes":
		c.RekeyBytes, _ = amount(e.Value)
	case "rekey_packets":
		c.RekeyPackets = numberOf(e)
	case "start_action":
		c.StartAction, _ = action(e.Value)
	case "dpd_action":
		c.DPDAction, _ = action(e.Value)
	case "close_action":
		c.CloseAction, _ = action(e.Value)
	case "label":
		c.Label = hex.EncodeToString(append([]byte(e.Value), 0)) // SELinux's have a 0 at the end
	case "interface":
		c.Interface = e.Value
	default:
		setChildNumber(c, e)
	}
}

func setChildNumber(c *Child, e vici.Element) {
	switch e.Name {
	case "priority":
		c.Priority = int(uint32(numberOf(e)))
	case "mark_in":
		c.MarkIn, _ = mark(e.Value)
	case "mark_out":
		c.MarkOut, _ = mark(e.Value)
	case "if_id_in":
		c.IfIDIn, _ = interfaceID(e.Value)
	case "if_id_out":
		c.IfIDOut, _ = interfaceID(e.Value)
	case "per_cpu_sas":
		no, known := flag(e.Value)
		c.PerCPU = no || !known
	}
}
