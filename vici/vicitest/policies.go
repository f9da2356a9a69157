// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A policy is a trap or shunt that is installed.
type policy struct {
	ike, child string
	reqid      uint32 // of traps
	mode       string // TUNNEL and so on for traps, PASS or DROP for shunts
	label      string
	localTS    []string
	remoteTS   []string
}

func (p *policy) kind() string {
	switch p.mode {
	case "PASS":
		return "pass"
	case "DROP":
		return "drop"
	}
	return "trap"
}

func (c *Child) isShunt() bool { return c.Mode == "PASS" || c.Mode == "DROP" }

// Install installs the trap or shunt of a child.
func (d *Daemon) Install(connection, child string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.install(connection, child)
}

func (d *Daemon) install(connection, child string) error {
	conn, c := d.findConfig(connection, child)
	if c == nil {
		return fmt.Errorf("%w: child %q", ErrNoSuchConfig, child)
	}
	if d.policyIndex(conn.Name, child) >= 0 {
		return fmt.Errorf("policy of child %q is installed already", child)
	}
	p := policy{ike: conn.Name, child: c.Name, mode: c.Mode, label: c.Label, localTS: c.LocalTS, remoteTS: c.RemoteTS}
	if !c.isShunt() {
		p.reqid = d.reqid(conn.Name, c.Name, c.RemoteTS)
	}
	d.policies = append(d.policies, p)
	return nil
}

// Uninstall removes the trap or shunt of a child and reports whether there was one.
func (d *Daemon) Uninstall(connection, child string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.uninstall(connection, child)
}

func (d *Daemon) uninstall(connection, child string) bool {
	i := d.policyIndex(connection, child)
	if i < 0 {
		return false
	}
	d.policies = slices.Delete(d.policies, i, i+1)
	return true
}

// policyIndex finds a policy; an empty connection means the first with such a child.
func (d *Daemon) policyIndex(connection, child string) int {
	return slices.IndexFunc(d.policies, func(p policy) bool {
		return p.child == child && (connection == "" || p.ike == connection)
	})
}

// findConfig finds a child's configuration, in any connection if none is named.
func (d *Daemon) findConfig(connection, child string) (*Connection, *Child) {
	for _, c := range d.conns {
		if connection != "" && c.Name != connection {
			continue
		}
		if found := c.child(child); found != nil {
			return c, found
		}
	}
	return nil, nil
}

// startActions does what a connection's children are to do when it is loaded.
func (d *Daemon) startActions(c *Connection) {
	for i := range c.Children {
		child := &c.Children[i]
		switch {
		case child.StartAction == "trap" && d.policyIndex(c.Name, child.Name) < 0:
			_ = d.install(c.Name, child.Name) // it exists and is not installed
		case child.StartAction == "start" && !child.isShunt():
			d.initiateChild(c, child)
		}
	}
}

// initiateChild sets a CHILD_SA up, under the connection's IKE_SA if there is one.
func (d *Daemon) initiateChild(c *Connection, child *Child) (*IKESA, *ChildSA) {
	for _, sa := range d.ikes {
		if sa.Name == c.Name && sa.State == IKEEstablished {
			return sa, d.installChild(sa, child, false)
		}
	}
	sa := d.establish(c, Peer{}, []*Child{child})
	return sa, sa.Children[0]
}

// listPolicies streams the kinds of policies that the request asks for by the mere presence of keys.
func (d *Daemon) listPolicies(c *Call) (*vici.Message, error) {
	ike, byIKE := text(c.Request, "ike")
	child, byChild := text(c.Request, "child")
	d.mu.Lock()
	policies := slices.Clone(d.policies)
	d.mu.Unlock()
	for _, kind := range []string{"trap", "pass", "drop"} {
		if !present(c.Request, kind) {
			continue
		}
		for i := range policies {
			p := &policies[i]
			if p.kind() != kind || byIKE && p.ike != ike || byChild && p.child != child {
				continue
			}
			if err := c.EventMessage("list-policy", d.policyMessage(p)); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil //nolint:nilnil // the empty answer
}

func (d *Daemon) policyMessage(p *policy) *vici.Message {
	m := new(vici.Message)
	section := p.child
	if d.since(5, 5, 2) {
		section = p.ike + "/" + p.child
	}
	m.Add("child", p.child)
	if p.reqid != 0 && d.since(6, 0, 2) {
		m.Add("reqid", strconv.FormatUint(uint64(p.reqid), 10))
	}
	if d.since(5, 5, 2) {
		m.Add("ike", p.ike)
	}
	m.Add("mode", p.mode)
	if p.label != "" && d.since(5, 9, 6) {
		m.Add("label", p.label)
	}
	m.AddList("local-ts", p.localTS...).AddList("remote-ts", p.remoteTS...)
	return new(vici.Message).AddSection(section, m)
}

func (d *Daemon) installCommand(request *vici.Message) (*vici.Message, error) {
	child, ok := text(request, "child")
	if !ok {
		return nil, errors.New("missing configuration name")
	}
	ike, _ := text(request, "ike")
	if err := d.install(ike, child); err != nil {
		return nil, err
	}
	return success(), nil
}

func (d *Daemon) uninstallCommand(request *vici.Message) (*vici.Message, error) {
	child, ok := text(request, "child")
	if !ok {
		return nil, errors.New("missing configuration name")
	}
	ike, _ := text(request, "ike")
	if !d.uninstall(ike, child) {
		return nil, fmt.Errorf("policy '%s' not found", child)
	}
	return success(), nil
}
