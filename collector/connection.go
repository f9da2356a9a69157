// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A connection is the series of one connection label: what all IKE_SAs of that name add up to.
type connection struct {
	name     string
	labels   Labels
	names    *names
	children map[string]*child // by label value
	raw      map[rawChild]*child

	configured bool

	connectionSums

	sides  [len(sides)]Labels  // nil until they are needed
	queues [len(queues)]Labels // likewise
}

// connectionSums are what is made anew with each sweep.
type connectionSums struct {
	total       int // records, in whatever state
	up          int // established ones
	kinds       tally[*ikeKind]
	suites      tally[*suite]
	initiated   int
	nat         [len(sides)]int
	vips        [len(sides)]int
	tasks       [len(queues)]int
	established int64 // newest; 0 where there is none, as with all moments
	rekey       int64 // earliest
	reauth      int64 // earliest
}

// What the elements of a connection's sums are.
var (
	sides  = [...]string{"local", "remote"}
	queues = [...]string{"active", "passive", "queued"}
)

// A rawChild names a child as the daemon does: the IKE_SA that carries it and its own name.
type rawChild struct{ ike, name string }

// A child is the series of one child label of a connection.
type child struct {
	name   string
	series series
	labels Labels // with the connection's

	configured bool

	childSums
}

// childSums are what is made anew with each sweep.
type childSums struct {
	total        int
	up           int // those that carry traffic
	encap        int
	kinds        tally[*childKind]
	suites       tally[*suite]
	installed    int64 // newest
	rekey        int64 // earliest
	expiry       int64 // earliest
	lastReceived int64 // latest
	lastSent     int64 // latest
}

func newConnection(names *names, label string) *connection {
	return &connection{
		name:     label,
		labels:   newLabels("connection", label),
		names:    names,
		children: make(map[string]*child),
		raw:      make(map[rawChild]*child),
	}
}

// child returns the child with that label.
func (c *connection) child(label string) *child {
	k, ok := c.children[label]
	if !ok {
		label = strings.Clone(label)
		k = &child{name: label, series: series{c.name, label}, labels: c.labels.with(pair("child", label))}
		c.children[label] = k
		c.names.childOrder.outdated()
	}
	return k
}

// labelEach returns the connection's labels with each value of one more, which it makes once.
func (c *connection) labelEach(known []Labels, name string, values []string) []Labels {
	if known[0] == nil {
		for i, value := range values {
			known[i] = c.labels.with(c.names.pairs.pair(name, value))
		}
	}
	return known
}

// account returns where the child's traffic is added up.
func (k *child) account() account { return account{series: k.series, labels: k.labels} }

// prune forgets children without SAs.
func (c *connection) prune() {
	unused := func(k *child) bool { return k.total == 0 && !k.configured }
	before := len(c.children)
	maps.DeleteFunc(c.children, func(_ string, k *child) bool { return unused(k) })
	if len(c.children) < before {
		c.names.childOrder.outdated()
	}
	maps.DeleteFunc(c.raw, func(_ rawChild, k *child) bool { return k == nil || unused(k) })
}

// reset empties the sums before they are made anew at a moment.
func (c *connection) reset(now int64) {
	c.kinds.reset()
	c.suites.reset()
	c.connectionSums = connectionSums{kinds: c.kinds, suites: c.suites}
	for _, k := range c.children {
		k.reset(now)
	}
}

// reset keeps when the last packets passed as long as there are SAs: an SA that replaced another knows of none at first.
func (k *child) reset(now int64) {
	sums := childSums{kinds: k.kinds, suites: k.suites}
	sums.kinds.reset()
	sums.suites.reset()
	if k.total > 0 {
		sums.lastReceived, sums.lastSent = passed(k.lastReceived, now), passed(k.lastSent, now)
	}
	k.childSums = sums
}

// add adds what one IKE_SA contributes.
func (c *connection) add(r *ikeRecord) {
	c.total++
	c.kinds.add(r.kind)
	if r.suite != nil {
		c.suites.add(r.suite)
	}
	c.initiated += btoi(r.initiator)
	for i := range sides {
		c.nat[i] += btoi(r.nat[i])
		c.vips[i] += int(r.vips[i])
	}
	for i := range queues {
		c.tasks[i] += int(r.tasks[i])
	}
	c.rekey = earliest(c.rekey, r.rekey)
	c.reauth = earliest(c.reauth, r.reauth)
	c.established = max(c.established, r.established)
	c.up += btoi(ikeUp(r.kind.state))
	for _, k := range r.children {
		k.child.add(k)
	}
}

func (k *child) add(r *childRecord) {
	k.total++
	k.kinds.add(r.kind)
	if r.suite != nil {
		k.suites.add(r.suite)
	}
	k.encap += btoi(r.encap)
	k.installed = max(k.installed, r.installed)
	k.lastReceived = max(k.lastReceived, r.lastReceived)
	k.lastSent = max(k.lastSent, r.lastSent)
	if childUp(r.kind.state) {
		k.up++
		k.rekey = earliest(k.rekey, r.rekey)
		k.expiry = earliest(k.expiry, r.expiry)
	}
}

// ikeUp tells whether an IKE_SA in that state is established: one that is being rekeyed still is.
func ikeUp(state string) bool {
	return state == vici.StateEstablished || state == vici.StateRekeying
}

// childUp tells whether a CHILD_SA in that state carries traffic. One that was replaced or
// deleted is listed for some seconds longer and does not.
func childUp(state string) bool {
	return state == vici.StateInstalled || state == vici.StateRekeying || state == vici.StateUpdating
}

// earliest returns the earlier of two moments of which each may be unknown.
func earliest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// aggregate adds up the records of a sweep that ended at a moment.
func (t *saTable) aggregate(now int64) {
	for _, c := range t.names.connections {
		c.reset(now)
	}
	if t.peers != nil {
		t.peers.reset(now)
	}
	for r := range t.roster.records(t.ikes) {
		r.conn.add(r)
		if r.peer != nil {
			r.peer.add(r)
		}
	}
	if t.peers != nil {
		t.peers.prune()
	}
	t.names.prune()
}
