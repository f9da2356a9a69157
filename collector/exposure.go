// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
	"time"
)

// An exposure is the part of the state that can be seen from outside. It is kept from round to round, to know whether there is anything
// new to save, and for its memory. Rounds, of which there is one at a time, use it.
type exposure struct {
	state

	totals, peers rows[savedTotal]
	connections   rows[savedConnection]
	children      rows[savedChild]
	alerts        rows[savedAlert]
}

// update makes the exposure that of a moment. It reports whether anything is new, apart from the moment.
func (e *exposure) update(t *tracker, address string, now time.Time) (changed bool) {
	changed = e.totals.update(len(t.table.ledger.totals.bySeries), t.table.ledger.totals.exposed)
	changed = e.peers.update(len(t.table.ledger.peers.bySeries), t.table.ledger.peers.exposed) || changed
	changed = e.updateEvents(t) || changed
	before := e.state
	e.state = t.heading(address, now)
	e.Totals, e.Peers = e.totals.all, e.peers.all
	e.Connections, e.Children, e.Alerts = e.connections.all, e.children.all, e.alerts.all
	return changed || !e.sameHeading(&before)
}

func (e *exposure) updateEvents(t *tracker) (changed bool) {
	changed = e.connections.update(len(t.connections), t.exposedConnections)
	changed = e.children.update(len(t.children), t.exposedChildren) || changed
	return e.alerts.update(len(t.alerts), t.exposedAlerts) || changed
}

// sameHeading reports whether two states are the same apart from their rows and when they were saved.
func (s *state) sameHeading(other *state) bool {
	return s.Began.Equal(other.Began) && s.Evicted == other.Evicted && maps.Equal(s.Received, other.Received) &&
		(s.Daemon == nil) == (other.Daemon == nil) && (s.Daemon == nil || s.Daemon.Since == other.Daemon.Since)
}

// exposed returns the part of the state that can be seen from outside.
func (t *tracker) exposed(address string, now time.Time) *state {
	var e exposure
	e.update(t, address, now)
	return &e.state
}

// heading returns a state without rows.
func (t *tracker) heading(address string, now time.Time) state {
	return state{
		Format: stateFormat, Version: stateVersion, Address: address, Daemon: t.run, Saved: now, Began: t.counting,
		Received: maps.Clone(t.received), Evicted: t.table.evicted,
	}
}

func (ts *totals) exposed(add func(savedTotal)) {
	for _, t := range ts.sorted() {
		add(savedTotal{Connection: t.series.connection, Member: t.series.member, Sum: t.value(), Created: t.created})
	}
}

func (t *tracker) exposedConnections(add func(savedConnection)) {
	for _, e := range t.sortedConnections() {
		add(savedConnection{
			e.name, [5]uint64{e.established, e.terminated, e.failed, e.rekeyed, e.moved}, e.sessions.copy(), e.created,
		})
	}
}

func (t *tracker) exposedChildren(add func(savedChild)) {
	for _, e := range t.sortedChildren() {
		add(savedChild{e.series.connection, e.series.member, [3]uint64{e.established, e.terminated, e.rekeyed}, e.created})
	}
}

func (t *tracker) exposedAlerts(add func(savedAlert)) {
	for _, a := range slices.SortedFunc(maps.Keys(t.alerts), compareAlerts) {
		add(savedAlert{a.alert, a.connection, t.alerts[a]})
	}
}

// rows are the rows of one kind, which mostly are the same again, or differ in their numbers.
type rows[T comparable] struct{ all []T }

// update replaces the rows by those that exposed adds, which are so many. It reports whether any is new.
func (r *rows[T]) update(count int, exposed func(add func(T))) (changed bool) {
	r.all = slices.Grow(r.all, max(0, count-len(r.all)))
	n := 0
	exposed(func(row T) {
		switch {
		case n == len(r.all):
			r.all = append(r.all, row)
			changed = true
		case r.all[n] != row:
			r.all[n] = row
			changed = true
		}
		n++
	})
	if n < len(r.all) {
		clear(r.all[n:])
		r.all = r.all[:n]
		changed = true
	}
	return changed
}
