// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// tick is how often the fleet looks at the clock. What is due in between
// happens together.
const tick = 50 * time.Millisecond

// A fleetLife lets time pass for a fleet: rekeyings, churn and further events.
type fleetLife struct {
	f        *fleet
	d        *vicitest.Daemon
	rekeyed  int // rekeyings so far, all members in turn
	churned  int
	happened int
}

// run goes on until the context ends.
func (l *fleetLife) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			l.step(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// step does what is due at a moment, counted from the beginning so that no rounding adds up.
func (l *fleetLife) step(now time.Time) {
	o := &l.f.o
	passed := now.Sub(l.f.began).Seconds()
	n := len(l.f.members)
	if n == 0 {
		return
	}
	if o.rekeyInterval > 0 && o.children > 0 {
		due := int(passed / o.rekeyInterval.Seconds() * float64(n))
		for ; l.rekeyed < due; l.rekeyed++ {
			l.rekey(l.rekeyed, now)
		}
	}
	for due := int(passed * o.churn); l.churned < due; l.churned++ {
		l.replace(int(l.f.spi(1<<44|uint64(l.churned))%uint64(n)), now)
	}
	for due := int(passed * o.events); l.happened < due; l.happened++ {
		l.happen(l.happened%n, now)
	}
}

// rekeyIKEEvery is the number of rounds of CHILD_SA rekeyings after which an IKE_SA is rekeyed.
const rekeyIKEEvery = 4

// rekey rekeys a member's CHILD_SAs, and its IKE_SA in every fourth round. This
// end is the responder, so that the event has the right counters.
func (l *fleetLife) rekey(turn int, now time.Time) {
	i := turn % len(l.f.members)
	before, after := l.change(i, func(m *member) {
		m.former, m.formerAt = m.child, m.installed
		m.child, m.installed = l.f.newChildren(), now.UnixMilli()
	})
	old := newRenderer(l.f).render(i, before, now)
	replaced := newRenderer(l.f).render(i, after, now)
	for n := range l.f.o.children {
		dying := *old.Children[n]
		dying.State = vicitest.ChildDeleted
		l.d.RaiseChildRekey(replaced, &dying, replaced.Children[n])
		for _, counter := range rekeyCounters {
			l.d.Count(replaced.Name, counter, 1)
		}
	}
	if round := turn / len(l.f.members); round%rekeyIKEEvery == rekeyIKEEvery-1 {
		l.rekeyIKE(i, now)
	}
}

// What a daemon counts when the peer rekeys a CHILD_SA.
var rekeyCounters = [...]string{
	"child-rekey", "create-child-in-req", "create-child-out-resp", "info-in-req", "info-out-resp",
}

func (l *fleetLife) rekeyIKE(i int, now time.Time) {
	before, after := l.change(i, func(m *member) {
		m.ike, m.established, m.wasRekeyed = l.f.ids.NextIKEID(), now.UnixMilli(), true
	})
	old := newRenderer(l.f).render(i, before, now)
	old.State = vicitest.IKERekeying
	l.d.RaiseIKERekey(old, newRenderer(l.f).render(i, after, now))
}

// replace takes a member down and brings it up again.
func (l *fleetLife) replace(i int, now time.Time) {
	before, after := l.change(i, func(m *member) { *m = l.f.newMember(now.UnixMilli()) })
	down := newRenderer(l.f).render(i, before, now)
	down.State = vicitest.IKEDeleting
	l.raise(down, false)
	l.raise(newRenderer(l.f).render(i, after, now), true)
	l.f.conns[i%len(l.f.conns)].countEstablished(l.d, 1)
}

func (l *fleetLife) raise(sa *vicitest.IKESA, up bool) {
	l.d.RaiseIKEUpDown(sa, up)
	for _, c := range sa.Children {
		if c.State == vicitest.ChildInstalled {
			l.d.RaiseChildUpDown(sa, c, up)
		}
	}
}

// happen raises an event that changes nothing.
func (l *fleetLife) happen(i int, now time.Time) {
	l.f.mu.RLock()
	m := l.f.members[i]
	l.f.mu.RUnlock()
	raiseIdle(l.d, newRenderer(l.f).render(i, m, now))
}

// raiseIdle raises an event about an IKE_SA that changes nothing.
func raiseIdle(d *vicitest.Daemon, sa *vicitest.IKESA) {
	if d.HasEvent("alert") {
		d.RaiseAlert("retransmit-receive", sa)
		return
	}
	d.RaiseIKEUpdate(sa, sa.Local, sa.Remote)
}

func (l *fleetLife) change(i int, f func(*member)) (before, after member) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	before = l.f.members[i]
	f(&l.f.members[i])
	return before, l.f.members[i]
}
