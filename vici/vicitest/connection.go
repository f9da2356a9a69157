// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"slices"
	"time"
)

// A Connection is a configuration that is loaded into a [Daemon], by [Daemon.Load] or by a
// client's load-conn.
type Connection struct {
	Name        string
	LocalAddrs  []string // none: %any
	RemoteAddrs []string // none: %any
	LocalPort   uint16   // 0: 500
	RemotePort  uint16   // 0: 500
	Version     int      // of IKE: 1, 2 or 0 for both
	ReauthTime  time.Duration
	RekeyTime   time.Duration // 0: off
	Unique      string        // no (also if empty), never, keep or replace
	DPDDelay    time.Duration
	DPDTimeout  time.Duration
	PPKID       string
	PPKRequired bool
	Proposals   []Proposal // none: the usual one
	Pools       []string   // from which road warriors get their addresses
	VIPs        []string   // virtual IPs to ask for; 0.0.0.0 and :: mean any
	IfIDIn      uint32     // XFRM interface: a number, Unique or UniqueDir
	IfIDOut     uint32
	Local       []Auth // rounds; none: one that tells nothing
	Remote      []Auth
	Children    []Child

	// OtherBackend is a connection that did not come over VICI: it is listed, but get-conns does not
	// name it and unload-conn does not find it.
	OtherBackend bool
}

// An Auth is an authentication round. Empty fields are left out of listings.
type Auth struct {
	ID, CAID, AAAID, EAPID, XAuthID string

	Class      string // public key, pre-shared key, EAP, XAuth
	EAPType    string // such as EAP_MSCHAPV2
	EAPVendor  string
	XAuth      string // backend
	Revocation string
	Groups     []string
	CertPolicy []string
	Certs      []string // subjects
	CACerts    []string
}

// A Child is the configuration of a CHILD_SA or policy.
type Child struct {
	Name         string
	Mode         string // TUNNEL if empty
	Label        string // security label in hex digits
	RekeyTime    time.Duration
	LifeTime     time.Duration // 0: a tenth more than RekeyTime
	RekeyBytes   uint64
	RekeyPackets uint64
	DPDAction    string // none (also if empty), trap or start
	CloseAction  string
	StartAction  string   // trap and start act when the connection is loaded
	LocalTS      []string // none: dynamic
	RemoteTS     []string
	Interface    string
	Priority     int
	Proposals    []Proposal // none: the usual one
	MarkIn       Mark       // its value can be Unique or UniqueDir
	MarkOut      Mark
	IfIDIn       uint32 // XFRM interface: a number, Unique or UniqueDir; 0: the connection's
	IfIDOut      uint32
	PerCPU       bool // one CHILD_SA for each CPU
}

// A Proposal is a set of algorithms to choose from, named as in listings, sizes included:
// AES_CBC_256.
type Proposal struct {
	Encryption []string
	Integrity  []string
	PRF        []string
	KE         []string
	AKE        [7][]string
	ESN        []string // of CHILD_SAs: NO_EXT_SEQ, EXT_SEQ
	AH         bool     // of CHILD_SAs: AH and not ESP
}

func usualIKE() []Proposal {
	return []Proposal{{
		Encryption: []string{"AES_CBC_256"},
		Integrity:  []string{"HMAC_SHA2_256_128"},
		PRF:        []string{"PRF_HMAC_SHA2_256"},
		KE:         []string{"CURVE_25519"},
	}}
}

func usualESP() []Proposal {
	return []Proposal{{Encryption: []string{"AES_GCM_16_256"}, ESN: []string{"NO_EXT_SEQ"}}}
}

// Load adds a connection, or replaces the one of that name, and carries out the start
// actions of its children: traps and shunts are installed, SAs established.
func (d *Daemon) Load(c Connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.load(c)
}

func (d *Daemon) load(c Connection) {
	loaded := withDefaults(c)
	i := slices.IndexFunc(d.conns, func(old *Connection) bool { return old.Name == c.Name })
	if i >= 0 {
		d.conns[i] = loaded
	} else {
		d.conns = append(d.conns, loaded)
	}
	d.log("CFG", 1, nil, "added vici connection: "+c.Name)
	d.startActions(loaded)
}

// Unload removes a connection and the policies that are installed for it; its SAs stay. It reports
// whether there was one.
func (d *Daemon) Unload(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unload(name)
}

func (d *Daemon) unload(name string) bool {
	i := slices.IndexFunc(d.conns, func(c *Connection) bool { return c.Name == name && !c.OtherBackend })
	if i < 0 {
		return false
	}
	d.conns = slices.Delete(d.conns, i, i+1)
	d.policies = slices.DeleteFunc(d.policies, func(p policy) bool { return p.ike == name })
	d.log("CFG", 1, nil, "removed vici connection: "+name)
	return true
}

func (d *Daemon) connection(name string) *Connection {
	for _, c := range d.conns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (c *Connection) child(name string) *Child {
	for i := range c.Children {
		if c.Children[i].Name == name {
			return &c.Children[i]
		}
	}
	return nil
}

// withDefaults returns a copy in which everything that a listing shows is set.
func withDefaults(c Connection) *Connection {
	c.LocalAddrs = orElse(c.LocalAddrs, "%any")
	c.RemoteAddrs = orElse(c.RemoteAddrs, "%any")
	c.LocalPort, c.RemotePort = cmp.Or(c.LocalPort, ikePort), cmp.Or(c.RemotePort, ikePort)
	if len(c.Proposals) == 0 {
		c.Proposals = usualIKE()
	}
	if len(c.Local) == 0 {
		c.Local = []Auth{{}}
	}
	if len(c.Remote) == 0 {
		c.Remote = []Auth{{}}
	}
	c.Children = slices.Clone(c.Children)
	for i := range c.Children {
		c.Children[i].setDefaults()
	}
	return &c
}

func (c *Child) setDefaults() {
	c.Mode = cmp.Or(c.Mode, "TUNNEL")
	c.LifeTime = cmp.Or(c.LifeTime, c.RekeyTime+c.RekeyTime/10)
	c.LocalTS = orElse(c.LocalTS, "dynamic")
	c.RemoteTS = orElse(c.RemoteTS, "dynamic")
	if len(c.Proposals) == 0 {
		c.Proposals = usualESP()
	}
}

func orElse(list []string, fallback string) []string {
	if len(list) == 0 {
		return []string{fallback}
	}
	return list
}

const (
	ikePort = 500
	natPort = 4500
)
