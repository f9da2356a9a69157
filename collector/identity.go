// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A daemonRun says which run of a daemon something is of: when it started. The daemon tells that in its local
// time without a zone, to a second or two, by the clock as it is set when it is asked.
type daemonRun struct {
	Since   string    `json:"since"`
	Running string    `json:"running"` // for how long, rounded down to one unit
	Told    time.Time `json:"told"`
}

// An identity is what a restored state turns out to be of.
type identity int

const (
	sameRun    identity = iota // this run of the daemon, or nothing tells otherwise
	earlierRun                 // an earlier run of it, for certain
	maybeOther                 // an earlier run, or this one, with a clock that was set or stood still meanwhile
	maybeOwn                   // another daemon, or this run, if the clock was set meanwhile
)

// identify compares the run that a state is of with what the daemon tells at a moment.
//
// A daemon that ran already when another run gave the state is another daemon, as long as no clock was set; then it may
// be the same, so the SAs decide. Else a run that is younger than that of the state was is a later one, whatever clocks and
// zones did; one that is older may be the same one, where clocks stood still while the machine was asleep.
func (a *daemonRun) identify(u vici.Uptime, now time.Time) identity {
	before, err1 := vici.Uptime{Since: a.Since}.SinceIn(time.UTC)
	start, err2 := u.SinceIn(time.UTC)
	if err1 != nil || err2 != nil {
		return sameRun
	}
	moved, elapsed := start.Sub(before), now.Sub(a.Told)
	least, most, known := uptimeRange(u.Running)
	age, _, knownToo := uptimeRange(a.Running)
	setBack, younger := elapsed < -jitter, known && knownToo && most < age
	switch {
	case moved.Abs() <= jitter:
		return sameRun
	case known && least > elapsed+jitter && !setBack, !known && moved < 0:
		return maybeOwn
	case younger, moved > elapsed+jitter:
		return earlierRun
	}
	return maybeOther
}

// meet takes what the daemon tells of its run, and decides with it what a restored state is of. It reports whether that is an
// earlier run, as far as can be told.
func (t *tracker) meet(u vici.Uptime, now time.Time) (restarted bool) {
	run := &daemonRun{Since: u.Since, Running: u.Running, Told: now}
	if t.suspect != nil {
		t.suspect = run
		return false
	}
	was, unknown := t.run, t.unidentified
	t.run, t.unidentified = run, false
	if !unknown || was == nil {
		return false
	}
	switch was.identify(u, now) {
	case earlierRun:
		t.table.ledger.void(now.Sub(t.table.began))
		clear(t.table.lost)
		return true
	case maybeOther:
		t.table.ledger.doubt()
		return true
	case maybeOwn:
		t.run, t.suspect = was, run
		t.table.watching = now // what another daemon's SAs have carried is not to be counted
	case sameRun:
	}
	return false
}

// settle decides after a complete sweep whether a state is of another daemon, which is so if none of its SAs is there. Then
// nothing of it is kept.
func (t *tracker) settle(now time.Time) (foreign bool) {
	if t.suspect == nil {
		return false
	}
	t.run, t.suspect = t.suspect, nil
	if t.table.ledger.recognized > 0 {
		return false
	}
	clear(t.connections)
	clear(t.children)
	clear(t.alerts)
	clear(t.received)
	clear(t.table.lost)
	t.connectionOrder.outdated()
	t.childOrder.outdated()
	t.counting, t.table.evicted = now, 0
	t.table.ledger.void(now.Sub(t.table.began))
	t.table.ledger.restart(now)
	return true
}

// identify asks the daemon which run of it this is, if a restored state waits for that: before its SAs are listed,
// since it depends on that what of them is new.
func (r *round) identify(ctx context.Context) error {
	waiting := false
	r.locked(func() { waiting = r.tracker.unidentified })
	if !waiting {
		return nil
	}
	return r.query(ctx, "stats", func(ctx context.Context, s *vici.Session) error {
		stats, err := s.Stats(ctx)
		if err == nil {
			r.meet(stats.Uptime)
		}
		return err
	})
}

// meet takes what the daemon tells of its run.
func (r *round) meet(u vici.Uptime) {
	restarted := false
	r.locked(func() { restarted = r.tracker.meet(u, r.now()) })
	if restarted {
		r.log.Info("The daemon was restarted since the state was saved, or a clock was set; totals and counters go on")
	}
}

// void forgets the restored marks of SAs that were not seen since.
func (l *ledger) void(now time.Duration) {
	for key, e := range l.entries {
		if e.restored {
			l.drop(key, e, now)
		}
	}
}

// doubt makes restored marks hold only for SAs that have carried at least as much.
func (l *ledger) doubt() {
	for _, e := range l.entries {
		e.doubtful = e.restored
	}
}

// recognize takes the first observation of an SA with a restored mark, and reports whether it is the SA of the mark.
func (l *ledger) recognize(e *entry, o *observation) bool {
	e.restored = false
	for i, c := range o.counters {
		if e.doubtful && c.Or(e.mark[i]) < e.mark[i] {
			l.drop(o.key, e, o.at)
			return false
		}
	}
	l.recognized++
	return true
}

// restart begins all totals at zero, for the SAs that are there with what they carry from now on.
func (l *ledger) restart(wall time.Time) {
	totals, peers := newTotals(), newTotals()
	for _, e := range l.entries {
		e.total = totals.get(e.total.account, wall)
		e.total.entries++
		if e.peer != nil {
			e.peer = peers.get(e.peer.account, wall)
			e.peer.entries++
		}
	}
	l.totals, l.peers = totals, peers
}
