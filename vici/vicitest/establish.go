// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoSuchSA means that an SA does not exist, or no longer.
var ErrNoSuchSA = errors.New("no such SA")

// ErrNoSuchConfig means that a connection or child is not loaded.
var ErrNoSuchConfig = errors.New("no such configuration")

// A Peer tells how an IKE_SA is established. The zero value is this end initiating
// to the host and identity that the connection names, with all of its children.
type Peer struct {
	Responder bool     // the peer initiates
	Host      string   // its address; empty: the connection's
	ID        string   // its identity; empty: the connection's
	EAPID     string   // its EAP or XAuth identity
	NAT       bool     // it is behind a NAT, so ESP is encapsulated in UDP
	VIPs      []string // virtual IPs that it gets; nil: as a responder one from each pool of the connection
	Children  []string // CHILD_SAs to set up; nil: all children that are tunnels
	Suite     *Suite   // of the IKE_SA; nil: the connection's first proposal
	PPK       bool
}

// Establish brings up an IKE_SA of a connection with its CHILD_SAs, and returns its unique id.
func (d *Daemon) Establish(connection string, p Peer) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.connection(connection)
	if c == nil {
		return 0, fmt.Errorf("%w: connection %q", ErrNoSuchConfig, connection)
	}
	children, err := c.childrenNamed(p.Children)
	if err != nil {
		return 0, err
	}
	return d.establish(c, p, children).UniqueID, nil
}

// childrenNamed returns the children of those names, or all that can have a CHILD_SA.
func (c *Connection) childrenNamed(names []string) ([]*Child, error) {
	var children []*Child
	if names == nil {
		for i := range c.Children {
			if !c.Children[i].isShunt() {
				children = append(children, &c.Children[i])
			}
		}
	}
	for _, name := range names {
		child := c.child(name)
		if child == nil {
			return nil, fmt.Errorf("%w: child %q of connection %q", ErrNoSuchConfig, name, c.Name)
		}
		children = append(children, child)
	}
	return children, nil
}

func (d *Daemon) establish(c *Connection, p Peer, children []*Child) *IKESA {
	sa := d.newIKESA(c, p)
	d.connectEvents(sa, p)
	d.assignAddresses(sa, c, p)
	d.ikes = append(d.ikes, sa)
	d.countEstablished(sa, p.Responder)
	d.log("IKE", 0, sa, fmt.Sprintf("IKE_SA %s[%d] established between %s[%s]...%s[%s]",
		sa.Name, sa.UniqueID, sa.Local.Host, sa.Local.ID, sa.Remote.Host, sa.Remote.ID))
	d.raiseEstablished(sa, p)
	for _, child := range children {
		d.installChild(sa, child, p.Responder)
	}
	return sa
}

// connectEvents raises what a responder tells while the IKE_SA has no name yet: it floats to
// port 4500 with the first encrypted message.
func (d *Daemon) connectEvents(sa *IKESA, p Peer) {
	if !p.Responder || sa.Version != 2 {
		return
	}
	connecting := *sa
	connecting.Name, connecting.State = Unnamed, IKEConnecting
	connecting.Local.ID, connecting.Remote.ID, connecting.RemoteEAPID = "%any", "%any", ""
	connecting.Local.Port, connecting.Remote.Port = ikePort, ikePort
	connecting.IfIDIn, connecting.IfIDOut, connecting.PPK = 0, 0, false
	connecting.TasksPassive = []string{"IKE_CERT_PRE", "IKE_AUTH", "IKE_CERT_POST", "IKE_CONFIG", "IKE_MOBIKE"}
	if d.since(5, 9, 8) {
		connecting.TasksPassive = append(connecting.TasksPassive, "IKE_ESTABLISH")
	}
	connecting.TasksPassive = append(connecting.TasksPassive, "IKE_AUTH_LIFETIME", "CHILD_CREATE")
	d.RaiseIKEUpdate(&connecting, sa.Local, sa.Remote)
}

// raiseEstablished raises the up event; before 5.9.8 it can come before virtual IPs are assigned.
func (d *Daemon) raiseEstablished(sa *IKESA, p Peer) {
	shown := *sa
	shown.TasksQueued, shown.TasksActive, shown.TasksPassive = d.establishTasks(sa.Version, p.Responder)
	if !d.since(5, 9, 8) {
		shown.RemoteVIPs = nil
	}
	d.RaiseIKEUpDown(&shown, true)
}

func (d *Daemon) establishTasks(version int, responder bool) (queued, active, passive []string) {
	if version == 1 {
		if responder {
			return nil, nil, []string{"MAIN_MODE"}
		}
		return []string{"QUICK_MODE"}, []string{"MAIN_MODE"}, nil
	}
	tasks := []string{"CHILD_CREATE"}
	if d.since(5, 9, 8) {
		tasks = []string{"IKE_ESTABLISH", "CHILD_CREATE"}
	}
	if responder {
		return nil, nil, tasks
	}
	return nil, tasks, nil
}

// newIKESA makes an established IKE_SA of a configuration.
func (d *Daemon) newIKESA(c *Connection, p Peer) *IKESA {
	now := d.now()
	sa := &IKESA{
		Name:         c.Name,
		UniqueID:     next(&d.ids.ike),
		Version:      2,
		State:        IKEEstablished,
		Local:        Endpoint{Host: concrete(c.LocalAddrs, "192.0.2.1"), Port: natPort},
		Remote:       Endpoint{Host: concrete(c.RemoteAddrs, "192.0.2.2"), Port: natPort},
		Initiator:    !p.Responder,
		InitiatorSPI: d.random.Uint64(),
		ResponderSPI: d.random.Uint64(),
		NATRemote:    p.NAT || d.config.UserSpaceESP,
		NATAny:       p.NAT || d.config.UserSpaceESP,
		Suite:        c.Proposals[0].suite(),
		PPK:          p.PPK || c.PPKID != "",
		Established:  now,
		RekeyAt:      after(now, c.RekeyTime),
		ReauthAt:     after(now, c.ReauthTime),
		RemoteEAPID:  p.EAPID,
	}
	if c.Version == 1 {
		sa.Version = 1
	}
	sa.IfIDIn, sa.IfIDOut = unique(&d.ids.interfaces, c.IfIDIn, c.IfIDOut)
	if p.Host != "" {
		sa.Remote.Host = p.Host
	}
	if p.Suite != nil {
		sa.Suite = *p.Suite
	}
	sa.Local.ID = cmp.Or(firstID(c.Local), sa.Local.Host)
	sa.Remote.ID = cmp.Or(p.ID, cmp.Or(firstID(c.Remote), sa.Remote.Host))
	return sa
}

// concrete returns the first address that is one, and not a wildcard, range or subnet.
func concrete(addrs []string, fallback string) string {
	for _, a := range addrs {
		if !strings.ContainsAny(a, "%/-") {
			return a
		}
	}
	return fallback
}

func firstID(rounds []Auth) string {
	for _, a := range rounds {
		if a.ID != "" && !strings.ContainsAny(a.ID, "%*") {
			return a.ID
		}
	}
	return ""
}

func after(t time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return t.Add(d)
}

// suite is the result of a negotiation in which each first choice wins.
func (p *Proposal) suite() Suite {
	var s Suite
	s.Encryption, s.EncryptionBits = splitKeySize(first(p.Encryption))
	s.Integrity = first(p.Integrity)
	s.PRF, s.KE, s.ESN = first(p.PRF), first(p.KE), first(p.ESN) == "EXT_SEQ"
	for i, names := range p.AKE {
		if len(names) > 0 {
			s.AKE = append(s.AKE, make([]string, i+1-len(s.AKE))...)
			s.AKE[i] = names[0]
		}
	}
	return s
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// childSuite is what a CHILD_SA gets: one that is made in IKE_AUTH has no key exchange of its own.
func childSuite(c *Child, inAuth bool) Suite {
	s := c.Proposals[0].suite()
	s.PRF = ""
	if inAuth {
		s.KE, s.AKE = "", nil
	}
	return s
}

// installChild makes a CHILD_SA of a configuration and raises its event.
func (d *Daemon) installChild(sa *IKESA, c *Child, responder bool) *ChildSA {
	inAuth := len(sa.Children) == 0 && sa.Version == 2
	child := d.newChildSA(sa, c, inAuth)
	sa.Children = append(sa.Children, child)
	d.count(sa.Name, d.childExchange(sa, responder, inAuth)...)
	d.log("IKE", 0, sa, fmt.Sprintf("CHILD_SA %s{%d} established with SPIs %08x_i %08x_o and TS %s === %s",
		child.Name, child.UniqueID, child.SPIIn, child.SPIOut,
		strings.Join(child.LocalTS, " "), strings.Join(child.RemoteTS, " ")))
	shown := *sa
	task := "CHILD_CREATE"
	if sa.Version == 1 {
		task = "QUICK_MODE"
	}
	if responder {
		shown.TasksPassive = []string{task}
	} else {
		shown.TasksActive = []string{task}
	}
	d.RaiseChildUpDown(&shown, child, true)
	return child
}

func (d *Daemon) newChildSA(sa *IKESA, c *Child, inAuth bool) *ChildSA {
	child := &ChildSA{
		Name:     c.Name,
		UniqueID: next(&d.ids.child),
		State:    ChildInstalled,
		Mode:     c.Mode,
		Label:    c.Label,
		Protocol: "ESP",
		Encap:    sa.NATAny,
		MarkIn:   c.MarkIn,
		MarkOut:  c.MarkOut,
		PerCPU:   c.PerCPU && d.since(6, 0, 2),
		CPU:      -1, // the first one is for all
		Suite:    childSuite(c, inAuth),
		LocalTS:  dynamic(c.LocalTS, sa.LocalVIPs, sa.Local.Host),
		RemoteTS: dynamic(c.RemoteTS, sa.RemoteVIPs, sa.Remote.Host),
	}
	if c.Proposals[0].AH {
		child.Protocol = "AH"
	}
	child.MarkIn.Value, child.MarkOut.Value = unique(&d.ids.marks, c.MarkIn.Value, c.MarkOut.Value)
	in, out := unique(&d.ids.interfaces, c.IfIDIn, c.IfIDOut)
	child.IfIDIn, child.IfIDOut = cmp.Or(in, sa.IfIDIn), cmp.Or(out, sa.IfIDOut)
	child.ReqID = d.reqid(sa.Name, c.Name, child.RemoteTS)
	d.key(child, c.RekeyTime, c.LifeTime)
	return child
}

// unique replaces what stands for a number that the daemon makes up: the same one in both directions, or another in each.
func unique(last *uint32, in, out uint32) (uint32, uint32) {
	if in == Unique || out == Unique {
		n := next(last)
		return either(in == Unique, n, in), either(out == Unique, n, out)
	}
	if in == UniqueDir {
		in = next(last)
	}
	if out == UniqueDir {
		out = next(last)
	}
	return in, out
}

func either(first bool, a, b uint32) uint32 {
	if first {
		return a
	}
	return b
}

// key gives a CHILD_SA fresh SPIs and lifetimes.
func (d *Daemon) key(child *ChildSA, rekey, life time.Duration) {
	now := d.now()
	child.SPIIn, child.SPIOut = d.random.Uint32(), d.random.Uint32()
	child.Installed = now
	child.RekeyAt, child.ExpireAt = after(now, rekey), after(now, life)
}

// reqid is the same for all CHILD_SAs, and the trap, with the same selectors.
func (d *Daemon) reqid(ike, child string, remoteTS []string) uint32 {
	key := strings.Join(append([]string{ike, child}, remoteTS...), "\x00")
	if d.reqids == nil {
		d.reqids = make(map[string]uint32)
	}
	if d.reqids[key] == 0 {
		d.reqids[key] = next(&d.ids.reqid)
	}
	return d.reqids[key]
}

// dynamic replaces the selector that stands for an end's own addresses.
func dynamic(selectors, vips []string, host string) []string {
	i := slices.Index(selectors, "dynamic")
	if i < 0 {
		return selectors
	}
	own := vips
	if len(own) == 0 {
		own = []string{host}
	}
	out := slices.Clone(selectors[:i])
	for _, address := range own {
		out = append(out, singleHost(address))
	}
	return append(out, selectors[i+1:]...)
}

func singleHost(address string) string {
	if strings.Contains(address, ":") {
		return address + "/128"
	}
	return address + "/32"
}
