// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// The counters of an SA that was replaced go on: inbound packets that were under way arrive for five seconds
// more. The last of these looks comes just before the daemon removes the old SA.
const (
	firstLookAfter = time.Second
	lastLookAfter  = 4500 * time.Millisecond
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
	sameDueWithin   = 4 * time.Second
	longestSchedule = time.Minute
)

// tooLate is by how much a look may be late and still see the SA.
const tooLate = 400 * time.Millisecond

// A schedule knows which CHILD_SAs are to be looked at, and when. It is pure bookkeeping: no input or
// output, no clock. The gateway's lock guards it.
type schedule struct {
	config     LooksConfig
	wake       chan struct{}     // holds a value when there is something new
	first      []look            // at SAs that were replaced, in the order of their times
	last       []look            // likewise
	due        map[uint32]*dueSA // SAs whose rekeying comes next, by unique id
	disallowed string            // why there are no looks just now; "" while there are
	skipped    map[string]uint64
}

// A target is a CHILD_SA to look at. A daemon asked for one IKE_SA does not have to describe all
// others; where it is not known to which the CHILD_SA belongs, it is asked for all.
type target struct {
	child uint32
	ike   vici.Opt[uint32]
}

// A look is due at a moment.
type look struct {
	target
	at time.Time
}

// A dueSA is a CHILD_SA whose rekeying comes in a span of time.
type dueSA struct {
	target
	begin, end time.Time
	last       time.Time // look
	rekeying   bool      // a look found it so
}

func newSchedule(config LooksConfig) *schedule {
	return &schedule{
		config: config, wake: make(chan struct{}, 1),
		due: make(map[uint32]*dueSA), skipped: make(map[string]uint64),
	}
}

// nudge wakes who makes the looks.
func (s *schedule) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// installed takes a CHILD_SA that came up at a moment.
func (s *schedule) installed(ike *vici.IKESA, sa *vici.ChildSA, now time.Time) {
	id, known := sa.UniqueID.Get()
	rekey, ok := sa.RekeyTime.Get()
	if !known || !ok || s.disallowed != "" {
		return
	}
	due := now.Add(rekey)
	s.due[id] = &dueSA{target: target{id, ike.UniqueID}, begin: due.Add(-dueBefore), end: due.Add(dueAfter)}
	s.nudge()
}

// closed takes a CHILD_SA that is no more.
func (s *schedule) closed(sa *vici.ChildSA) { delete(s.due, sa.UniqueID.Or(0)) }

// rekeyed takes a CHILD_SA that was replaced at a moment.
func (s *schedule) rekeyed(ike *vici.IKESA, sa *vici.ChildSA, now time.Time) {
	s.closed(sa)
	id, known := sa.UniqueID.Get()
	if !known {
		return
	}
	if s.disallowed != "" {
		s.skipped[s.disallowed] += 2
		return
	}
	t := target{id, ike.UniqueID}
	s.first = s.later(s.first, look{t, now.Add(firstLookAfter)}, firstLookAfter)
	s.last = s.later(s.last, look{t, now.Add(lastLookAfter)}, lastLookAfter)
	s.nudge()
}

// later puts a look into a queue, unless it holds as many already as can be made until then.
func (s *schedule) later(queue []look, l look, wait time.Duration) []look {
	if float64(len(queue)) >= 1+s.config.PerSecond*wait.Seconds() {
		s.skipped[skippedRate]++
		return queue
	}
	return append(queue, l)
}

// plan learns from a sweep which rekeyings come next, and whether looks are allowed.
func (s *schedule) plan(t *saTable, version string, total uint64) {
	s.disallowed = s.reason(version, total)
	if s.disallowed != "" {
		clear(s.due)
		return
	}
	for key, r := range t.ikes {
		for _, c := range r.children {
			if c.rekey != 0 && childUp(c.kind.state) {
				s.foresee(target{c.id, vici.Some(key.id)}, time.Unix(c.rekey, 0))
			}
		}
	}
	s.nudge()
}

// foresee takes what a sweep says of when an SA is due, unless that is known already and better.
func (s *schedule) foresee(t target, at time.Time) {
	d, known := s.due[t.child]
	if known && at.After(d.begin.Add(-sameDueWithin)) && at.Before(d.end.Add(sameDueWithin)) {
		d.ike = t.ike // it has another one after the IKE_SA was rekeyed
		return
	}
	s.due[t.child] = &dueSA{target: t, begin: at.Add(-sweepDueBefore), end: at.Add(sweepDueAfter)}
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
	wait = longestSchedule
	for _, queue := range []*[]look{&s.first, &s.last} {
		s.dropLate(queue, now)
		if len(*queue) == 0 {
			continue
		}
		l := (*queue)[0]
		if d := l.at.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		*queue = (*queue)[1:]
		return l.target, 0
	}
	return s.nextDue(now, wait)
}

// dropLate removes looks whose time has passed.
func (s *schedule) dropLate(queue *[]look, now time.Time) {
	for len(*queue) > 0 && now.Sub((*queue)[0].at) > tooLate {
		*queue = (*queue)[1:]
		s.skipped[skippedRate]++
	}
}

// nextDue returns, of the SAs that may be rekeyed at any moment, the one that was not looked at for longest.
func (s *schedule) nextDue(now time.Time, wait time.Duration) (target, time.Duration) {
	var chosen *dueSA
	for id, d := range s.due {
		switch {
		case now.After(d.end):
			delete(s.due, id)
		case now.Before(d.begin):
			wait = min(wait, d.begin.Sub(now))
		case chosen == nil || d.last.Before(chosen.last):
			chosen = d
		}
	}
	if chosen == nil {
		return target{}, wait
	}
	chosen.last = now
	return chosen.target, 0
}

// found takes what a look found: the SA's state, or "" if it was not listed.
func (s *schedule) found(id uint32, state string, now time.Time) {
	d := s.due[id]
	switch {
	case d == nil:
	case state == "":
		d.ike = vici.Opt[uint32]{} // it may belong to another one now; or the daemon is busy with it, and that passes
	case state == vici.StateRekeying && !d.rekeying:
		d.rekeying, d.end = true, now.Add(rekeyingAtMost)
	case !childUp(state):
		delete(s.due, id)
	}
}
