// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A traffic holds the four counters of a CHILD_SA, or sums of them.
type traffic [4]uint64

// What the elements of a traffic are.
const (
	receivedBytes = iota
	sentBytes
	receivedPackets
	sentPackets
)

// A ledger adds up the traffic of CHILD_SAs that come and go. The daemon counts per SA, and replaces SAs at
// every rekeying; the ledger keeps the highest value that it saw of each counter of each SA and adds
// to the totals by what a value exceeds that. So it does not matter in which order values arrive, how
// often, or from where: rows of a sweep, events, looks at a single SA.
//
// It is pure bookkeeping: no input or output, no clock, no lock.
type ledger struct {
	entries map[childKey]*entry
	totals  *totals // per connection and child
	peers   *totals // per connection and peer
	sweep   uint32
}

// A series names a total: a connection with a child or a peer.
type series struct{ connection, member string }

// An entry is what is known of one CHILD_SA.
type entry struct {
	mark    traffic
	unknown [4]bool // counters whose first value is only where counting begins
	total   *total
	peer    *total        // nil unless peers are counted
	seen    uint32        // the sweep that listed it last
	gone    time.Duration // since when sweeps do not list it; 0 while they do
}

// An account is where an SA's traffic is added up.
type account struct {
	series series
	labels Labels
}

// An observation is what some source says of a CHILD_SA's counters.
type observation struct {
	key      childKey
	child    account
	peer     *account // nil unless peers are counted
	counters [4]vici.Opt[uint64]

	// fresh says that the SA was installed while the exporter watched. Then all that it counts is new; else the
	// first value seen is where counting begins, since what came before may have been counted already.
	fresh bool
}

// lingering is how long an SA is remembered that sweeps no longer list. Events come over another
// connection and can be late; a late one of a forgotten SA would count its traffic again.
const lingering = 2 * time.Minute

func newLedger() *ledger {
	return &ledger{
		entries: make(map[childKey]*entry),
		totals:  newTotals(),
		peers:   newTotals(),
	}
}

// observe takes values into account and returns the SA's entry. Wall is the time of day, for totals that begin here.
func (l *ledger) observe(o *observation, wall time.Time) *entry {
	e, known := l.entries[o.key]
	if !known {
		e = l.open(o, wall)
	}
	for i, c := range o.counters {
		value, ok := c.Get()
		switch {
		case !ok:
		case e.unknown[i]:
			e.mark[i], e.unknown[i] = value, false
		case value > e.mark[i]:
			e.add(i, value-e.mark[i])
			e.mark[i] = value
		}
	}
	return e
}

// open makes an entry for an SA that was not seen before.
func (l *ledger) open(o *observation, wall time.Time) *entry {
	e := &entry{total: l.totals.get(o.child, wall), seen: l.sweep}
	if !o.fresh {
		e.unknown = [4]bool{true, true, true, true}
	}
	e.total.entries++
	if o.peer != nil {
		e.peer = l.peers.get(*o.peer, wall)
		e.peer.entries++
	}
	l.entries[o.key] = e
	return e
}

func (e *entry) add(counter int, n uint64) {
	e.total.sum[counter] += n
	if e.peer != nil {
		e.peer.sum[counter] += n
	}
}

// begin starts a sweep.
func (l *ledger) begin() { l.sweep++ }

// list takes a row of the sweep.
func (l *ledger) list(o *observation, wall time.Time) {
	e := l.observe(o, wall)
	e.seen, e.gone = l.sweep, 0
}

// end closes a sweep. Held SAs are those that are there although the sweep
// did not list them. Now is a time that never goes back.
func (l *ledger) end(now time.Duration, held func(childKey) bool) {
	for key, e := range l.entries {
		switch {
		case e.seen == l.sweep, held(key):
		case e.gone == 0:
			e.gone = now
		case now-e.gone > lingering:
			l.close(key, e, now)
		}
	}
}

func (l *ledger) close(key childKey, e *entry, now time.Duration) {
	delete(l.entries, key)
	e.total.leave(now)
	if e.peer != nil {
		e.peer.leave(now)
	}
}
