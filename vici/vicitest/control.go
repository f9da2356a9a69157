// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A controlLog collects what the daemon logs while it executes a command.
type controlLog struct{ lines []logLine }

// controlled executes a command that streams control-log: it runs under the daemon's
// lock, and its lines go out afterwards, since a slow client must hold up only itself.
func (d *Daemon) controlled(c *Call, f func() (*vici.Message, error)) (*vici.Message, error) {
	d.mu.Lock()
	d.control = new(controlLog)
	answer, err := f()
	lines := d.control.lines
	d.control = nil
	d.mu.Unlock()
	level := integer(c.Request, "loglevel", 1)
	if integer(c.Request, "timeout", 0) == -1 {
		return answer, err // the client does not want to wait, so there is no log
	}
	for i := range lines {
		if int64(lines[i].level) > level {
			continue
		}
		if err := c.Event("control-log", func(e *vici.Encoder) { lines[i].encode(e, "") }); err != nil {
			return nil, err
		}
	}
	return answer, err
}

// initiate sets up a CHILD_SA, or, where only ike is given, an IKE_SA without one.
func (d *Daemon) initiate(c *Call) (*vici.Message, error) {
	child, byChild := text(c.Request, "child")
	ike, byIKE := text(c.Request, "ike")
	if !byChild && (!byIKE || !d.since(5, 8, 0)) {
		return nil, errors.New("missing configuration name")
	}
	if !d.since(5, 4, 0) {
		ike = ""
	}
	return d.controlled(c, func() (*vici.Message, error) {
		if !byChild {
			return d.initiateIKE(ike)
		}
		conn, config := d.findConfig(ike, child)
		if config == nil {
			return nil, fmt.Errorf("CHILD_SA config '%s' not found", child)
		}
		sa, installed := d.initiateChild(conn, config)
		d.log("CFG", 1, sa, fmt.Sprintf("CHILD_SA %s{%d} is installed", installed.Name, installed.UniqueID))
		return success(), nil
	})
}

func (d *Daemon) initiateIKE(name string) (*vici.Message, error) {
	conn := d.connection(name)
	if conn == nil {
		return nil, fmt.Errorf("IKE_SA config '%s' not found", name)
	}
	d.establish(conn, Peer{}, nil)
	return success(), nil
}

// selection waits for every IKE_SA that is in use, as charon does, and returns a filter that names something.
func (d *Daemon) selection(c *Call, what string) (filter, error) {
	f := newFilter(c.Request)
	if f.empty() {
		return f, errors.New("missing " + what + " selector")
	}
	for _, sa := range d.newestFirst() {
		d.available(c, sa, false)
	}
	if c.Context().Err() != nil {
		return f, ErrNoAnswer
	}
	return f, nil
}

// A selected SA is a CHILD_SA, or an IKE_SA where child is nil.
type selected struct {
	sa    *IKESA
	child *ChildSA
}

// selectSAs returns CHILD_SAs if the filter names them, else IKE_SAs.
func (d *Daemon) selectSAs(f filter) []selected {
	var found []selected
	for _, sa := range d.ikes {
		if !f.ikeSA(sa) {
			continue
		}
		if !f.byChild && f.childID == 0 {
			found = append(found, selected{sa: sa})
			continue
		}
		for _, c := range sa.Children {
			if f.childSA(c) && carriesTraffic(c.State) {
				found = append(found, selected{sa, c})
			}
		}
	}
	return found
}

func (d *Daemon) terminate(c *Call) (*vici.Message, error) {
	f, err := d.selection(c, "terminate")
	if err != nil {
		return nil, err
	}
	return d.controlled(c, func() (*vici.Message, error) {
		found := d.selectSAs(f)
		for _, s := range found {
			if s.child != nil {
				d.downChild(s.sa, s.child)
			} else {
				d.down(s.sa, deleteTask(s.sa.Version))
			}
		}
		return matched(len(found), "terminate", "terminated"), nil
	})
}

// matched is the answer of a command that acts on several SAs, with a second
// count of those that were done where the command has one.
func matched(n int, verb, done string) *vici.Message {
	m := success()
	if n == 0 {
		m = refusal(errors.New("no matching SAs to " + verb + " found"))
	}
	m.Add("matches", strconv.Itoa(n))
	if done != "" {
		m.Add(done, strconv.Itoa(n))
	}
	return m
}

func (d *Daemon) rekey(c *Call) (*vici.Message, error) {
	f, err := d.selection(c, "rekey")
	if err != nil {
		return nil, err
	}
	reauth := boolean(c.Request, "reauth") && d.since(5, 7, 0)
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.selectSAs(f)
	for _, s := range found {
		switch {
		case s.child != nil:
			d.rekeyChild(s.sa, s.child, Rekeying{})
		case reauth:
			d.reauthenticate(s.sa)
		default:
			d.rekeyIKE(s.sa, Rekeying{})
		}
	}
	return matched(len(found), "rekey", ""), nil
}

// redirect sends peers to another gateway: they leave.
func (d *Daemon) redirect(c *Call) (*vici.Message, error) {
	if _, ok := text(c.Request, "gateway"); !ok {
		return nil, errors.New("missing target gateway")
	}
	f := newFilter(c.Request)
	peerIP, byIP := text(c.Request, "peer-ip")
	peerID, byID := text(c.Request, "peer-id")
	if !f.byIKE && f.ikeID == 0 && !byIP && !byID {
		return nil, errors.New("missing redirect selector")
	}
	if byIP {
		if _, err := parseRange(peerIP); err != nil {
			return nil, errors.New("parsing peer-ip failed")
		}
	}
	for _, sa := range d.newestFirst() {
		d.available(c, sa, false)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	leaving := slices.DeleteFunc(slices.Clone(d.ikes), func(sa *IKESA) bool {
		return !f.ikeSA(sa) || byIP && !within(peerIP, sa.Remote.Host) || byID && !matchesID(peerID, sa.Remote.ID)
	})
	for _, sa := range leaving {
		d.down(sa, "IKE_DELETE")
	}
	return matched(len(leaving), "redirect", ""), nil
}

// matchesID compares identities; an asterisk stands for anything.
func matchesID(pattern, id string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(id, "/", "|"))
	return err == nil && ok || pattern == id || pattern == "%any"
}

// parseRange reads an address, a subnet or a range.
func parseRange(s string) ([2]netip.Addr, error) {
	if from, to, ok := strings.Cut(s, "-"); ok {
		first, err := netip.ParseAddr(from)
		if err != nil {
			return [2]netip.Addr{}, err
		}
		last, err := netip.ParseAddr(to)
		return [2]netip.Addr{first, last}, err
	}
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return [2]netip.Addr{prefix.Masked().Addr(), lastOf(prefix)}, nil
	}
	a, err := netip.ParseAddr(s)
	return [2]netip.Addr{a, a}, err
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

func within(s, host string) bool {
	r, err := parseRange(s)
	a, hostErr := netip.ParseAddr(host)
	return err == nil && hostErr == nil && r[0].Compare(a) <= 0 && a.Compare(r[1]) <= 0
}
