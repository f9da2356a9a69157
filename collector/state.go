// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A state is what outlives the process: totals and counters, and the marks up to which the traffic of each SA
// is in them.
type state struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Address string    `json:"address"` // of the daemon
	Saved   time.Time `json:"saved"`

	Totals      []savedTotal      `json:"totals"`
	Peers       []savedTotal      `json:"peers,omitempty"`
	Marks       []savedMark       `json:"marks"`
	Sessions    []savedSession    `json:"sessions"`
	Connections []savedConnection `json:"connections"`
	Children    []savedChild      `json:"children"`
	Alerts      []savedAlert      `json:"alerts"`
	Received    map[string]uint64 `json:"received"`
	Evicted     int               `json:"evicted"`
}

const (
	stateFormat  = "strongswan_exporter state"
	stateVersion = 1
)

// A savedTotal is a total of traffic.
type savedTotal struct {
	Connection string    `json:"connection"`
	Member     string    `json:"member"`
	Sum        traffic   `json:"sum"`
	Created    time.Time `json:"created"`
}

// A savedMark is what is counted of one CHILD_SA.
type savedMark struct {
	ID    uint32   `json:"id"`
	SPI   vici.SPI `json:"spi"`
	Total int      `json:"total"` // index
	Peer  int      `json:"peer"`  // index, or -1
	Mark  traffic  `json:"mark"`
}

// A savedSession is the start of an IKE_SA's session.
type savedSession struct {
	ID    uint32      `json:"id"`
	SPI   vici.IKESPI `json:"spi"`
	Start time.Time   `json:"start"`
}

type savedConnection struct {
	Connection string    `json:"connection"`
	Counts     [5]uint64 `json:"counts"` // established, terminated, failed, rekeyed, moved
	Created    time.Time `json:"created"`
}

type savedChild struct {
	Connection string    `json:"connection"`
	Child      string    `json:"child"`
	Counts     [3]uint64 `json:"counts"` // established, terminated, rekeyed
	Created    time.Time `json:"created"`
}

type savedAlert struct {
	Alert      string `json:"alert"`
	Connection string `json:"connection"`
	Count      uint64 `json:"count"`
}

// parseState reads a saved state and checks all that restoring it relies on.
func parseState(data []byte, address string) (*state, error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	switch {
	case s.Format != stateFormat:
		return nil, errors.New("not a state of strongswan_exporter")
	case s.Version != stateVersion:
		return nil, fmt.Errorf("of version %d, and this program knows version %d", s.Version, stateVersion)
	case s.Address != address:
		return nil, fmt.Errorf("of another daemon, at %s", s.Address)
	case s.Saved.IsZero():
		return nil, errors.New("damaged: it does not say when it was saved")
	}
	for _, m := range s.Marks {
		if m.Total < 0 || m.Total >= len(s.Totals) || m.Peer < -1 || m.Peer >= len(s.Peers) {
			return nil, fmt.Errorf("damaged: the mark of CHILD_SA %d names no total", m.ID)
		}
	}
	return &s, nil
}

// snapshot returns the state as it is at a moment.
func (t *tracker) snapshot(address string, now time.Time) *state {
	s := &state{
		Format: stateFormat, Version: stateVersion, Address: address, Saved: now,
		Received: make(map[string]uint64, len(t.received)), Evicted: t.table.evicted,
	}
	maps.Copy(s.Received, t.received)
	for _, e := range t.connections {
		s.Connections = append(s.Connections, savedConnection{
			e.name, [5]uint64{e.established, e.terminated, e.failed, e.rekeyed, e.moved}, e.created,
		})
	}
	for series, e := range t.children {
		s.Children = append(s.Children, savedChild{
			series.connection, series.member, [3]uint64{e.established, e.terminated, e.rekeyed}, e.created,
		})
	}
	for a, n := range t.alerts {
		s.Alerts = append(s.Alerts, savedAlert{a.alert, a.connection, n})
	}
	t.table.snapshot(s)
	return s
}

func (t *saTable) snapshot(s *state) {
	index := make(map[*total]int)
	s.Totals = t.ledger.totals.snapshot(index)
	s.Peers = t.ledger.peers.snapshot(index)
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
	for key, r := range t.ikes {
		if !r.session.start.IsZero() && !r.session.replaced {
			s.Sessions = append(s.Sessions, savedSession{key.id, key.initiator, r.session.start})
		}
	}
}

func (ts *totals) snapshot(index map[*total]int) []savedTotal {
	var saved []savedTotal
	for _, t := range ts.sorted() {
		index[t] = len(saved)
		saved = append(saved, savedTotal{t.series.connection, t.series.member, t.sum, t.created})
	}
	return saved
}

// restore continues where a state was saved.
func (t *tracker) restore(s *state, now time.Time) {
	t.table.restore(s, now)
	maps.Copy(t.received, s.Received)
	for _, c := range s.Connections {
		t.connections[c.Connection] = &connectionEvents{
			name: c.Connection, labels: newLabels("connection", c.Connection), created: c.Created, sessions: newSessionLengths(),
			established: c.Counts[0], terminated: c.Counts[1], failed: c.Counts[2], rekeyed: c.Counts[3], moved: c.Counts[4],
		}
	}
	for _, c := range s.Children {
		t.children[series{c.Connection, c.Child}] = &childEvents{
			labels: newLabels("connection", c.Connection, "child", c.Child), created: c.Created,
			established: c.Counts[0], terminated: c.Counts[1], rekeyed: c.Counts[2],
		}
	}
	for _, a := range s.Alerts {
		t.alerts[alertSeries{a.Alert, a.Connection}] = a.Count
	}
}

func (t *saTable) restore(s *state, now time.Time) {
	// SAs that were installed after the state was saved are new. A clock that has been set back meanwhile
	// must not make older ones look so.
	if since := now.Sub(s.Saved); since > 0 {
		t.watching = now.Add(-since)
	}
	t.evicted = s.Evicted
	all := t.ledger.totals.restore(s.Totals, "child")
	peers := t.ledger.peers.restore(s.Peers, "peer")
	for _, m := range s.Marks {
		e := &entry{mark: m.Mark, total: all[m.Total]}
		e.total.entries++
		if m.Peer >= 0 {
			e.peer = peers[m.Peer]
			e.peer.entries++
		}
		t.ledger.entries[childKey{m.ID, m.SPI}] = e
	}
	for _, saved := range s.Sessions {
		t.starts[ikeKey{saved.ID, saved.SPI}] = saved.Start
	}
}

func (ts *totals) restore(saved []savedTotal, label string) []*total {
	all := make([]*total, len(saved))
	for i, s := range saved {
		key := series{s.Connection, s.Member}
		all[i] = ts.get(account{key, newLabels("connection", key.connection, label, key.member)}, s.Created)
		all[i].sum = s.Sum
	}
	return all
}
