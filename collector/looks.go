// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of looks.
var (
	looksTotal = counter("follow_up_looks_total",
		"Number of looks at single CHILD_SAs around their rekeying, which keep the traffic totals exact.")
	looksSkipped = counter("follow_up_looks_skipped_total",
		"Number of looks that were due and not made: too many at once, too many SAs, or a daemon too old for them. "+
			"Totals may miss some traffic then.",
		"reason")
)

// Reasons for a look that was not made.
const (
	skippedRate    = "rate"
	skippedSize    = "size"
	skippedVersion = "version"
	skippedFailed  = "failed"
)

// The counters of an SA that was replaced go on: inbound packets that were under way arrive for five seconds
// more. The last of these looks comes just before the daemon removes the old SA.
const (
	firstLookAfter = time.Second
	lastLookAfter  = 4500 * time.Millisecond
)

// A daemon that begins a rekeying removes the old outbound SA at its end, without reading its counters again. What
// passed since the last look is lost then, so from shortly before the rekeying is due until it
// has happened, looks are as dense as they may be.
const (
	watchBefore = 300 * time.Millisecond
	watchAfter  = 1700 * time.Millisecond // the due time is told in whole seconds
)

// tooLate is by how much a look may be late and still see the SA.
const tooLate = 400 * time.Millisecond

// maxHot is for how long looks are denser.
const maxHot = time.Second

// daemonShare bounds the time that looks take of the daemon: each walks its whole table of SAs, so
// on a daemon with many they are the rarer the longer they take.
const daemonShare = 20

// LooksConfig bounds the looks at single SAs.
type LooksConfig struct {
	PerSecond float64 // 0 means none
	MaxIKESAs uint64  // there are none while the daemon has more
}

// looks schedules and makes looks. Rounds and the tracker add to the schedule under the
// gateway's lock; one goroutine makes them.
type looks struct {
	config  LooksConfig
	gateway *gateway
	wake    chan struct{}

	// Guarded by the gateway's lock.
	after      []look            // at SAs that were replaced
	due        map[uint32]*dueSA // SAs whose rekeying comes next, by unique id
	disallowed string            // why there are no looks just now; "" while there are
	made       uint64
	skipped    map[string]uint64
}

// A look is due at a moment.
type look struct {
	at time.Time
	id uint32 // of the CHILD_SA
}

// A dueSA is a CHILD_SA whose rekeying is due at a moment.
type dueSA struct {
	at       time.Time
	last     time.Time // look
	rekeying time.Time // when a look found it so
}

func newLooks(g *gateway, config LooksConfig) *looks {
	return &looks{
		config: config, gateway: g, wake: make(chan struct{}, 1),
		due: make(map[uint32]*dueSA), skipped: make(map[string]uint64),
	}
}

// rekeyed schedules looks at a CHILD_SA that was replaced just now.
func (l *looks) rekeyed(id vici.Opt[uint32]) {
	v, ok := id.Get()
	if !ok {
		return
	}
	delete(l.due, v)
	if l.disallowed != "" {
		l.skipped[l.disallowed] += 2
		return
	}
	now := l.gateway.now()
	l.after = append(l.after, look{now.Add(firstLookAfter), v}, look{now.Add(lastLookAfter), v})
	l.nudge()
}

// nudge makes the goroutine look at the schedule again.
func (l *looks) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// plan learns from a sweep which rekeyings come next, and whether looks are allowed.
func (l *looks) plan(t *saTable, version string, total uint64) {
	l.disallowed = l.reason(version, total)
	known := l.due
	l.due = make(map[uint32]*dueSA)
	if l.disallowed != "" {
		return
	}
	for key, r := range t.children {
		if r.rekey == 0 || !childUp(r.kind.state) {
			continue
		}
		d := known[key.id]
		if d == nil {
			d = new(dueSA)
		}
		d.at = time.Unix(r.rekey, 0)
		l.due[key.id] = d
	}
	l.nudge()
}

// reason returns why there are to be no looks, or "".
func (l *looks) reason(version string, total uint64) string {
	switch {
	case l.config.PerSecond <= 0:
		return skippedRate
	case total > l.config.MaxIKESAs:
		return skippedSize
	case !filtersChildren(version):
		return skippedVersion
	}
	return ""
}

// next returns the CHILD_SA to look at now, or for how long there is none.
func (l *looks) next(now time.Time) (id uint32, wait time.Duration) {
	wait = time.Minute
	for i, k := range l.after { // in the order of their rekeyings, so nearly in that of their times
		if d := k.at.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		l.after = slices.Delete(l.after, i, i+1)
		if now.Sub(k.at) > tooLate {
			l.skipped[skippedRate]++
			return l.next(now)
		}
		return k.id, 0
	}
	var chosen *dueSA
	for k, d := range l.due {
		switch begin, end := d.at.Add(-watchBefore), d.at.Add(watchAfter); {
		case now.After(end):
			delete(l.due, k)
		case now.Before(begin):
			wait = min(wait, begin.Sub(now))
		case chosen == nil || d.last.Before(chosen.last):
			id, chosen = k, d
		}
	}
	if chosen == nil {
		return 0, wait
	}
	chosen.last = now
	return id, 0
}

// run makes looks until the context ends.
func (l *looks) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var pause <-chan time.Time
	for {
		wake := l.wake
		if pause != nil {
			wake = nil // however much is due, the rate holds
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-pause:
		case <-timer.C:
		}
		wait, looked := l.step(ctx)
		pause = nil
		if looked {
			pause = time.After(wait)
		}
		timer.Reset(max(wait, time.Millisecond))
	}
}

// step makes the look that is due, if any, and returns for how long to rest.
func (l *looks) step(ctx context.Context) (wait time.Duration, looked bool) {
	var id uint32
	l.gateway.locked(func() { id, wait = l.next(l.gateway.now()) })
	if wait > 0 {
		return wait, false
	}
	start := l.gateway.now()
	state, err := l.look(ctx, id)
	took := l.gateway.now().Sub(start)
	interval := time.Duration(float64(time.Second) / l.config.PerSecond)
	l.gateway.locked(func() {
		if err != nil {
			l.skipped[skippedFailed]++
			return
		}
		l.made++
		if l.hot(id, state) {
			interval /= 4
		}
	})
	return max(interval, daemonShare*took), true
}

// hot notes what a look found, and reports whether the rekeying is under way: it takes as long
// as a message to the peer and its answer, so looks are denser then, but not for long.
func (l *looks) hot(id uint32, state string) bool {
	d := l.due[id]
	switch {
	case d == nil:
		return false
	case state == "":
		delete(l.due, id)
		return false
	case state != vici.StateRekeying:
		return false
	case d.rekeying.IsZero():
		d.rekeying = l.gateway.now()
	}
	return l.gateway.now().Sub(d.rekeying) < maxHot
}

// look asks for one CHILD_SA, takes its traffic into account, and returns its state, or "" if it is no more.
func (l *looks) look(ctx context.Context, id uint32) (state string, err error) {
	r := &round{gateway: l.gateway}
	err = r.query(ctx, "list-sas", func(ctx context.Context, s *vici.Session) error {
		for sa, err := range s.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true, ChildID: vici.Some(id)}) {
			if err != nil {
				return err
			}
			for i := range sa.Children {
				if c := &sa.Children[i]; c.UniqueID.Or(0) == id {
					state = c.State
					l.gateway.locked(func() { l.gateway.tracker.child(sa, c) })
				}
			}
		}
		return nil
	})
	return state, err
}

// emit adds the metrics of looks.
func (l *looks) emit(out *Page, began time.Time) {
	out.Counter(looksTotal, float64(l.made), began, nil)
	for _, reason := range []string{skippedFailed, skippedRate, skippedSize, skippedVersion} {
		out.Counter(looksSkipped, float64(l.skipped[reason]), began, newLabels("reason", reason))
	}
}

// filtersChildren reports whether a daemon knows how to list one CHILD_SA alone: since 5.9.6. Older ones list all.
func filtersChildren(version string) bool {
	var major, minor, patch int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); n < 2 {
		return false
	}
	return cmp.Or(cmp.Compare(major, 5), cmp.Compare(minor, 9), cmp.Compare(patch, 6)) >= 0
}
