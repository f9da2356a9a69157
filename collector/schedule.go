// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"math"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// The counters of an SA that was replaced go on: packets that were under way arrive, and a peer that began the
// rekeying is sent to on the old SA until it says so. The daemon removes the old SA after five seconds, or
// at the end of its lifetime if that comes first. Most is found by the first look, the last one finds stragglers.
const (
	firstLookAfter  = 250 * time.Millisecond
	secondLookAfter = time.Second
	lastLookAfter   = 4500 * time.Millisecond
	lastTooLate     = 400 * time.Millisecond
)

// A daemon does not list an IKE_SA that is busy just then, so a look that finds nothing is repeated.
const (
	repeatAfter = 100 * time.Millisecond
	maxRepeats  = 3
)

// A daemon that begins a rekeying removes the old outbound SA at its end, without reading its counters again. What
// passed since the last look is lost then, so from when the rekeying is due until it has happened, looks are as
// dense as they may be. Daemons tell when it is due in whole seconds. Right after an SA came up that is how long
// it will last, and kernels are late by up to a second; a sweep at any other moment knows it less well.
const (
	dueBefore       = 100 * time.Millisecond
	dueAfter        = 2 * time.Second
	sweepDueBefore  = time.Second
	sweepDueAfter   = 3 * time.Second
	rekeyingAtMost  = 10 * time.Second // with a peer that is slow to answer
	urgentAtMost    = time.Second      // with one that is far away
	sameDueWithin   = 4 * time.Second
	longestSchedule = time.Minute
)

// announcedAtMost is how long a rekeying that the daemon's log announced is looked for. It has begun by then, but a daemon
// that is busy with its IKE_SA does not list it yet.
const announcedAtMost = 2 * time.Second

// A schedule knows which CHILD_SAs are to be looked at, and when. It is pure bookkeeping: no input or
// output, no clock. The gateway's lock guards it.
type schedule struct {
	config     LooksConfig
	wake       chan struct{} // holds a value when there is something earlier than rest
	rest       time.Time     // until when who makes the looks knew of nothing to do
	after      [3]queue      // looks at SAs that were replaced
	repeated   queue         // those of them that found nothing
	due        dueSAs        // SAs whose rekeying comes next
	room       int           // how many of these there may be before the next sweep
	announced  map[announcement]*dueSA
	planned    bool   // nothing is scheduled before a sweep told what daemon this is
	disallowed string // why there are no looks just now; "" while there are
	skipped    map[string]uint64

	allowed chan struct{} // holds a value when looks may have become allowed
	refuse  func()        // ends what is of use only while there are looks; nil if there is nothing
}

// A target is what to look at: a CHILD_SA by its unique id, or all of an IKE_SA that have a name. A daemon asked for one
// IKE_SA does not have to describe all others; where it is not known to which a CHILD_SA belongs, it is asked for all.
type target struct {
	child   uint32 // 0 if the name tells
	name    string
	ike     vici.Opt[uint32]
	repeats int
}

// announcement returns what announced the target, if something did.
func (t target) announcement() announcement { return announcement{t.ike.Or(0), t.name} }

// is reports whether a CHILD_SA is what is to be looked at.
func (t target) is(sa *vici.ChildSA) bool {
	if t.child != 0 {
		return sa.UniqueID.Or(0) == t.child
	}
	return sa.Name == t.name
}

func newSchedule(config LooksConfig) *schedule {
	return &schedule{
		config: config, wake: make(chan struct{}, 1),
		after: [...]queue{
			newQueue(firstLookAfter, secondLookAfter-firstLookAfter, config.PerSecond),
			newQueue(secondLookAfter, lastLookAfter-secondLookAfter, config.PerSecond),
			newQueue(lastLookAfter, lastTooLate, config.PerSecond),
		},
		repeated: newQueue(repeatAfter, lastTooLate, config.PerSecond),
		due:      newDueSAs(), announced: make(map[announcement]*dueSA), skipped: make(map[string]uint64),
		allowed: make(chan struct{}, 1),
	}
}

// nudge wakes who makes the looks, unless they awake by themselves before there is something to do.
func (s *schedule) nudge(at time.Time) {
	if !at.Before(s.rest) {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// installed takes a CHILD_SA that came up at a moment. Between two sweeps there is room for as many as there may be IKE_SAs.
func (s *schedule) installed(ike *vici.IKESA, sa *vici.ChildSA, now time.Time) {
	id, known := sa.UniqueID.Get()
	rekey, ok := sa.RekeyTime.Get()
	if !known || !ok || !s.planned || s.disallowed != "" {
		return
	}
	if len(s.due.known) >= s.room {
		s.skipped[skippedSize]++
		return
	}
	due := now.Add(rekey)
	s.put(&dueSA{target: target{child: id, ike: ike.UniqueID}, begin: due.Add(-dueBefore), end: due.Add(dueAfter)})
}

// put takes an SA whose rekeying comes.
func (s *schedule) put(d *dueSA) {
	s.due.put(d)
	s.nudge(d.begin)
}

// announce takes a rekeying that begins just now. There is room for as many as can be looked at while they are of interest.
func (s *schedule) announce(a announcement, now time.Time) {
	switch {
	case !s.planned || s.disallowed != "":
		return
	case len(s.announced) >= 1+int(s.config.PerSecond*burstSpeed*announcedAtMost.Seconds()):
		s.skipped[skippedRate]++
		return
	}
	s.announced[a] = &dueSA{target: target{name: a.child, ike: vici.Some(a.ike)}, begin: now, end: now.Add(announcedAtMost)}
	s.nudge(now)
}

// closed takes a CHILD_SA that is no more.
func (s *schedule) closed(sa *vici.ChildSA) { s.due.remove(sa.UniqueID.Or(0)) }

// rekeyed takes a CHILD_SA that was replaced at a moment.
func (s *schedule) rekeyed(ike *vici.IKESA, sa *vici.ChildSA, now time.Time) {
	s.closed(sa)
	delete(s.announced, announcement{ike.UniqueID.Or(0), sa.Name})
	id, known := sa.UniqueID.Get()
	if !known || !s.planned {
		return
	}
	if s.disallowed != "" {
		s.skipped[s.disallowed] += uint64(len(s.after))
		return
	}
	t := target{child: id, ike: ike.UniqueID}
	for i := range s.after {
		if !s.after[i].add(t, now) {
			s.skipped[skippedRate]++
		}
	}
	s.nudge(now.Add(firstLookAfter))
}

// plan learns from a sweep which rekeyings come next, and whether looks are allowed.
func (s *schedule) plan(t *saTable, version string, total uint64) {
	s.planned, s.disallowed = true, s.reason(version, total)
	if s.disallowed != "" {
		s.due.clear()
		clear(s.announced)
		if s.refuse != nil {
			s.refuse()
		}
		return
	}
	select {
	case s.allowed <- struct{}{}:
	default:
	}
	for key, r := range t.ikes {
		for _, c := range r.children {
			if c.rekey != 0 && childUp(c.kind.state) {
				s.foresee(target{child: c.key.id, ike: vici.Some(key.id)}, time.Unix(c.rekey, 0))
			}
		}
	}
	s.room = len(s.due.known) + int(min(s.config.MaxIKESAs, math.MaxInt32))
}

// foresee takes what a sweep says of when an SA is due, unless that is known already and better.
func (s *schedule) foresee(t target, at time.Time) {
	d, known := s.due.known[t.child]
	if known && at.After(d.begin.Add(-sameDueWithin)) && at.Before(d.end.Add(sameDueWithin)) {
		d.ike = t.ike // it has another one after the IKE_SA was rekeyed
		return
	}
	s.put(&dueSA{target: t, begin: at.Add(-sweepDueBefore), end: at.Add(sweepDueAfter)})
}

// reason returns why there are to be no looks, or "".
func (s *schedule) reason(version string, total uint64) string {
	switch {
	case s.config.PerSecond <= 0:
		return skippedRate
	case total > s.config.MaxIKESAs:
		return skippedSize
	case !filtersChildren(version):
		return skippedVersion
	}
	return ""
}

// next returns what to look at now, or for how long there is nothing.
func (s *schedule) next(now time.Time) (t target, wait time.Duration) {
	defer func() { s.rest = now.Add(wait) }()
	wait = longestSchedule
	for _, q := range []*queue{&s.repeated, &s.after[0], &s.after[1], &s.after[2]} {
		if dropped := q.dropLate(now); dropped > 0 {
			s.skipped[skippedRate] += dropped
		}
		if len(q.looks) == 0 {
			continue
		}
		if d := q.looks[0].at.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		return q.take(), 0
	}
	return s.nextDue(now, wait)
}

// nextDue returns, of the SAs that may be rekeyed at any moment, the one that was not looked at for longest.
func (s *schedule) nextDue(now time.Time, wait time.Duration) (target, time.Duration) {
	chosen := s.due.next(now)
	maps.DeleteFunc(s.announced, func(_ announcement, d *dueSA) bool { return now.After(d.end) })
	for _, d := range s.announced { // which are few
		if chosen == nil || d.last.Before(chosen.last) {
			chosen = d
		}
	}
	switch {
	case chosen == nil:
		if coming := s.due.coming.first(); coming != nil {
			wait = min(wait, coming.begin.Sub(now))
		}
		return target{}, wait
	case chosen.in != nil:
		s.due.looked(chosen, now)
	default:
		chosen.last = now
	}
	return chosen.target, 0
}

// found takes what a look found: the SA's state, or "" if it was not listed. Then it may
// belong to another IKE_SA now, or the daemon is busy with that, which passes. It reports whether the next look is
// urgent: while the peer's answer is awaited, each may be the last that finds the outbound SA.
func (s *schedule) found(t target, state string, now time.Time) (urgent bool) {
	if t.child == 0 {
		return s.foundAnnounced(t, state, now)
	}
	d := s.due.known[t.child]
	switch {
	case state == "" && d != nil:
		d.ike = vici.Opt[uint32]{}
	case state == "":
		s.repeat(t, now)
	case d == nil:
	case state == vici.StateRekeying:
		d.begins(now)
	case !childUp(state):
		s.due.remove(t.child)
		return false
	}
	return d != nil && d.urgent(now)
}

// foundAnnounced takes the state of the CHILD_SA that is being rekeyed, that of another one if there is none, or "" if the
// daemon was busy with the IKE_SA.
func (s *schedule) foundAnnounced(t target, state string, now time.Time) (urgent bool) {
	d := s.announced[t.announcement()]
	switch {
	case d == nil:
		return false
	case state == "":
		return now.Sub(d.begin) < urgentAtMost
	case state == vici.StateRekeying:
		d.begins(now)
		return d.urgent(now)
	}
	delete(s.announced, t.announcement())
	return false
}

func (s *schedule) repeat(t target, now time.Time) {
	t.repeats++
	t.ike = vici.Opt[uint32]{}
	if t.repeats <= maxRepeats {
		s.repeated.add(t, now)
	}
}
