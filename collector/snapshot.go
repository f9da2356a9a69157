// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
	"time"
)

// snapshot returns the state as it is at a moment.
func (t *tracker) snapshot(address string, now time.Time) *state {
	var e exposure
	e.updateEvents(t)
	s := t.heading(address, now)
	s.Connections, s.Children, s.Alerts = e.connections.all, e.children.all, e.alerts.all
	t.table.snapshot(&s)
	return &s
}

// snapshot adds to a state what makes it the whole one: sums without their floors, and what is in them of each SA.
func (t *saTable) snapshot(s *state) {
	index := make(map[*total]int, len(t.ledger.totals.bySeries)+len(t.ledger.peers.bySeries))
	s.Totals = t.ledger.totals.snapshot(index)
	s.Peers = t.ledger.peers.snapshot(index)
	s.Marks = make([]savedMark, 0, len(t.ledger.entries))
	for key, e := range t.ledger.entries {
		if e.unknown != ([4]bool{}) { // a part of its marks only would count what was not counted
			continue
		}
		m := savedMark{ID: key.id, SPI: key.spi, Total: index[e.total], Peer: -1, Mark: e.mark}
		if e.peer != nil {
			m.Peer = index[e.peer]
		}
		s.Marks = append(s.Marks, m)
	}
	s.Sessions = make([]savedSession, 0, len(t.lost)+len(t.ikes))
	keep := func(key ikeKey, session session) {
		if !session.start.IsZero() && !session.replaced {
			s.Sessions = append(s.Sessions, savedSession{key.id, key.initiator, session.start})
		}
	}
	for key, session := range t.lost {
		keep(key, session)
	}
	for key, r := range t.ikes {
		keep(key, r.session)
	}
}

func (ts *totals) snapshot(index map[*total]int) []savedTotal {
	saved := make([]savedTotal, 0, len(ts.bySeries))
	for _, t := range ts.sorted() {
		index[t] = len(saved)
		saved = append(saved, savedTotal{Connection: t.series.connection, Member: t.series.member, Sum: t.sum, Created: t.created})
	}
	return saved
}

// restore continues where a state was saved, without what the user has excluded meanwhile.
func (t *tracker) restore(s *state, now time.Time) {
	s.exclude(t.names.include)
	t.table.restore(s, now)
	t.counting = s.Began
	t.run, t.unidentified = s.Daemon, s.Daemon != nil
	maps.Copy(t.received, s.Received)
	for _, c := range s.Connections {
		e := &connectionEvents{
			name: c.Connection, labels: newLabels("connection", c.Connection), created: c.Created, used: now,
			established: c.Counts[0], terminated: c.Counts[1], failed: c.Counts[2], rekeyed: c.Counts[3], moved: c.Counts[4],
		}
		if c.Lengths != nil {
			e.sessions.saved = *c.Lengths.clone()
		}
		t.connections[c.Connection] = e
	}
	for _, c := range s.Children {
		t.children[series{c.Connection, c.Child}] = &childEvents{
			series: series{c.Connection, c.Child}, labels: newLabels("connection", c.Connection, "child", c.Child),
			created: c.Created, used: now,
			established: c.Counts[0], terminated: c.Counts[1], rekeyed: c.Counts[2],
		}
	}
	for _, a := range s.Alerts {
		t.alerts[alertSeries{a.Alert, a.Connection}] = a.Count
	}
}

// exclude takes connections out of a state. They are known by their labels only, which are not the names where these are no text.
func (s *state) exclude(include func(connection string) bool) {
	excluded := func(connection string) bool { return !include(connection) }
	s.Connections = slices.DeleteFunc(s.Connections, func(c savedConnection) bool { return excluded(c.Connection) })
	s.Children = slices.DeleteFunc(s.Children, func(c savedChild) bool { return excluded(c.Connection) })
	s.Alerts = slices.DeleteFunc(s.Alerts, func(a savedAlert) bool { return a.Connection != "" && excluded(a.Connection) })
	s.Marks = slices.DeleteFunc(s.Marks, func(m savedMark) bool { return excluded(s.Totals[m.Total].Connection) })
}

func (t *saTable) restore(s *state, now time.Time) {
	// SAs that were installed after the state was saved are new. A clock that has been set back meanwhile
	// must not make older ones look so.
	if since := now.Sub(s.Saved); since > 0 {
		t.watching = now.Add(-since)
	}
	t.evicted = s.Evicted
	all := t.ledger.totals.restore(s.Totals, "child", t.names.include)
	peers := t.ledger.peers.restore(s.Peers, "peer", t.names.include)
	for _, m := range s.Marks {
		e := &entry{mark: m.Mark, total: all[m.Total], at: t.watching.Sub(t.began), restored: true}
		e.total.entries++
		if m.Peer >= 0 && peers[m.Peer] != nil {
			e.peer = peers[m.Peer]
			e.peer.entries++
		}
		t.ledger.entries[childKey{m.ID, m.SPI}] = e
	}
	for _, saved := range s.Sessions {
		t.lost[ikeKey{saved.ID, saved.SPI}] = session{up: true, start: saved.Start}
	}
}

// restore returns the totals in their order, with nil in the place of those of connections that are not included.
func (ts *totals) restore(saved []savedTotal, label string, include func(connection string) bool) []*total {
	all := make([]*total, len(saved))
	for i, s := range saved {
		if !include(s.Connection) {
			continue
		}
		key := series{s.Connection, s.Member}
		all[i] = ts.get(account{key, newLabels("connection", key.connection, label, key.member)}, s.Created)
		all[i].sum, all[i].floor = s.Sum, s.floor
	}
	return all
}
