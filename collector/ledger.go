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
// It is pure bookkeeping: no input or output, no clock, no lock. Its times are durations since any one moment, on a clock that
// never goes back.
type ledger struct {
	entries    map[childKey]*entry
	totals     *totals // per connection and child
	peers      *totals // per connection and peer
	sweep      uint32
	forgotten  time.Duration      // no SA that was forgotten was installed later
	recognized int                // SAs that were seen again after their marks were restored
	purged     time.Duration      // when entries were last looked through
	reject     func(field string) // told of a value that cannot be
}

// A series names a total: a connection with a child or a peer.
type series struct{ connection, member string }

// An entry is what is known of one CHILD_SA.
type entry struct {
	mark      traffic
	unknown   [4]bool // counters whose first value is only where counting begins
	restored  bool    // the SA was not seen since its mark was restored
	doubtful  bool    // see ledger.doubt
	forgotten bool    // it is no longer in the ledger
	seen      uint32  // the sweep that listed it last
	total     *total
	peer      *total        // nil unless peers are counted
	at        time.Duration // when it was last observed
	gone      time.Duration // when a sweep missed it first, or its end was reported; 0 while it is there
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
	at       time.Duration
	age      vici.Opt[time.Duration] // of the SA
	wall     time.Time               // the time of day, for totals that begin here

	// fresh says that the SA was installed while the exporter watched. Then all that it counts is new; else the
	// first value seen is where counting begins, since what came before may have been counted already.
	fresh bool
}

// lingering is how long an SA is remembered that is no more. Events come over another
// connection and can be late; one of an SA that is forgotten can no longer be told from one of an SA that was never seen.
const lingering = 2 * time.Minute

func newLedger() *ledger {
	return &ledger{
		entries: make(map[childKey]*entry),
		totals:  newTotals(),
		peers:   newTotals(),
		reject:  func(string) {},
	}
}

// observe takes values into account.
func (l *ledger) observe(o *observation) { l.observeIn(l.entries[o.key], o) }

// observeIn is observe for an SA whose entry is known, or nil. It returns the entry.
func (l *ledger) observeIn(e *entry, o *observation) *entry {
	known, since := e != nil, o.age
	if known && e.restored {
		known = l.recognize(e, o)
	}
	if known {
		since = vici.Some(o.at - e.at)
	} else {
		e = l.open(o)
	}
	l.assign(e, o)
	e.at = max(e.at, o.at)
	for i, c := range o.counters {
		value, ok := c.Get()
		switch {
		case !ok:
		case !possible(i, value, e.mark[i], since):
			l.reject(counterKey(i))
		case e.unknown[i]:
			e.mark[i], e.unknown[i] = value, false
		case value > e.mark[i]:
			e.add(i, value-e.mark[i])
			e.mark[i] = value
		}
	}
	return e
}

// counterKey returns the daemon's name of a counter.
func counterKey(counter int) string {
	return [...]string{"bytes-in", "bytes-out", "packets-in", "packets-out"}[counter]
}

// No SA carries more in a second. Daemons that do ESP themselves (kernel-libipsec) can report what happens to
// be in memory when they are asked for an SA that is just being removed; that would stay in a total for ever.
const (
	maxBytesPerSecond   = 1 << 37 // a terabit
	maxPacketsPerSecond = maxBytesPerSecond / 64
)

// possible reports whether a counter can have come from its mark to a value in that time; the time is known to a few seconds only.
func possible(counter int, value, mark uint64, since vici.Opt[time.Duration]) bool {
	d, known := since.Get()
	if !known || value <= mark {
		return true
	}
	const slack = 5
	seconds := slack + max(0, d.Seconds())
	if counter == receivedBytes || counter == sentBytes {
		return float64(value-mark) <= seconds*maxBytesPerSecond
	}
	return float64(value-mark) <= seconds*maxPacketsPerSecond
}

// open makes an entry for an SA that was not seen before, or is forgotten.
func (l *ledger) open(o *observation) *entry {
	e := &entry{seen: l.sweep}
	if !o.fresh || l.mayBeForgotten(o) {
		e.unknown = [4]bool{true, true, true, true}
	}
	l.entries[o.key] = e
	return e
}

// mayBeForgotten reports whether an SA is so old that it may have been known and forgotten. Its age is
// in whole seconds, so it may be up to a second more than it says.
func (l *ledger) mayBeForgotten(o *observation) bool {
	age, known := o.age.Get()
	return l.forgotten > 0 && (!known || o.at-age-time.Second < l.forgotten)
}

// assign makes an SA's traffic count for what it is said to belong to now: before the configuration and
// the peer are known, that may be something else.
func (l *ledger) assign(e *entry, o *observation) {
	if e.total == nil || e.total.series != o.child.series {
		e.total.leave(o.at)
		e.total = l.totals.get(o.child, o.wall)
		e.total.entries++
	}
	if o.peer != nil && (e.peer == nil || e.peer.series != o.peer.series) {
		e.peer.leave(o.at)
		e.peer = l.peers.get(*o.peer, o.wall)
		e.peer.entries++
	}
}

func (e *entry) add(counter int, n uint64) {
	e.total.sum[counter] += n
	if e.peer != nil {
		e.peer.sum[counter] += n
	}
}

// ended takes note that an SA's end was reported. It is not forgotten yet, since more may be said of it.
func (l *ledger) ended(key childKey, now time.Duration) {
	if e := l.entries[key]; e != nil && e.gone == 0 {
		e.gone = now
	}
}

// begin starts a sweep.
func (l *ledger) begin() { l.sweep++ }

// list takes a row of the sweep and returns the SA's entry, which is the last one that was returned for it, if there is one.
func (l *ledger) list(o *observation, last *entry) *entry {
	if last == nil || last.forgotten {
		last = l.entries[o.key]
	}
	e := l.observeIn(last, o)
	e.seen, e.gone = l.sweep, 0
	return e
}

// end closes a sweep. Held SAs are those that are there although the sweep did not list them.
func (l *ledger) end(now time.Duration, held func(childKey) bool) {
	for key, e := range l.entries {
		if e.gone == 0 && e.seen != l.sweep && !held(key) {
			e.gone = now
		}
		l.forget(key, e, now)
	}
	l.purged = now
}

// purge forgets SAs that are no more. It is called from time to time also while there are no sweeps.
func (l *ledger) purge(now time.Duration) {
	l.purged = now
	for key, e := range l.entries {
		l.forget(key, e, now)
	}
}

// forget removes an entry if it is time for that.
func (l *ledger) forget(key childKey, e *entry, now time.Duration) {
	if e.gone == 0 || now-e.gone <= lingering {
		return
	}
	l.drop(key, e, now)
	l.forgotten = max(l.forgotten, e.gone)
}

// drop removes an entry.
func (l *ledger) drop(key childKey, e *entry, now time.Duration) {
	delete(l.entries, key)
	e.forgotten = true
	e.total.leave(now)
	e.peer.leave(now)
}
