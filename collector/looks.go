// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"context"
	"fmt"
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
	logSubscribed = gauge("follow_up_log_subscribed",
		"Whether the daemon's log is read, which announces rekeyings that no timer foretells.")
)

// Reasons for a look that was not made.
const (
	skippedRate    = "rate"
	skippedSize    = "size"
	skippedVersion = "version"
	skippedFailed  = "failed"
)

// LooksConfig bounds the looks at single SAs.
type LooksConfig struct {
	// PerSecond is how many there may be on average; for some seconds there may be four times as many. 0 means none.
	PerSecond float64

	// MaxIKESAs: there are no looks while the daemon has more.
	MaxIKESAs uint64

	// Log allows to subscribe to the daemon's log while there are looks: it announces rekeyings that no timer foretells.
	Log bool
}

// looks makes the looks that are scheduled. One goroutine makes them.
type looks struct {
	schedule *schedule
	gateway  *gateway
	pace     pace

	// The gateway's lock guards these.
	made      uint64
	listening bool // to the daemon's log
}

func newLooks(g *gateway, s *schedule) *looks {
	return &looks{schedule: s, gateway: g, pace: newPace(s.config.PerSecond)}
}

// run makes looks until the context ends.
func (l *looks) run(ctx context.Context) {
	timer := time.NewTimer(longestSchedule)
	defer timer.Stop()
	for {
		wake := l.schedule.wake
		wait, looked := l.step(ctx)
		if looked {
			wake = nil // however much is due, the pace holds
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
	}
}

// step makes the look that is due, if any, and returns for how long to rest.
func (l *looks) step(ctx context.Context) (wait time.Duration, looked bool) {
	var t target
	l.gateway.locked(func() { t, wait = l.schedule.next(l.gateway.now()) })
	if wait > 0 {
		return wait, false
	}
	state, took, err := l.look(ctx, t)
	now, urgent := l.gateway.now(), false
	l.gateway.locked(func() {
		if err != nil {
			l.schedule.skipped[skippedFailed]++
			return
		}
		l.made++
		urgent = l.schedule.found(t, state, now)
	})
	return l.pace.rest(now, took, urgent), true
}

// look asks for one CHILD_SA, or for those with one name, takes their traffic into account, and returns the state, or "" if
// nothing was listed, and how long the daemon took. Of several the state is that of one that is being rekeyed, if there is one.
func (l *looks) look(ctx context.Context, t target) (state string, took time.Duration, err error) {
	r := &round{gateway: l.gateway}
	request := vici.ListSAsRequest{NoBlock: true, IKEID: t.ike, Child: t.name}
	if t.child != 0 {
		request.ChildID = vici.Some(t.child)
	}
	err = r.query(ctx, "list-sas", func(ctx context.Context, s *vici.Session) error {
		start := l.gateway.now()
		defer func() { took = l.gateway.now().Sub(start) }()
		for sa, err := range s.ListSAs(ctx, request) {
			if err != nil {
				return err
			}
			if found := l.see(t, sa); state != vici.StateRekeying && found != "" {
				state = found
			}
		}
		return nil
	})
	return state, took, err
}

// see takes the traffic of the CHILD_SAs that are looked at into account and returns their state.
func (l *looks) see(t target, sa *vici.IKESA) (state string) {
	if t.child == 0 {
		state = vici.StateDeleted // the IKE_SA is not busy; where it does not have them, it has them no more or not yet
	}
	for i := range sa.Children {
		c := &sa.Children[i]
		if !t.is(c) {
			continue
		}
		if state != vici.StateRekeying {
			state = c.State
		}
		l.gateway.locked(func() { l.gateway.tracker.observe(sa, c, false) })
	}
	return state
}

// emit adds the metrics of looks.
func (l *looks) emit(out *Page, began time.Time) {
	out.Gauge(logSubscribed, float64(btoi(l.listening)), nil)
	out.Counter(looksTotal, float64(l.made), began, nil)
	for _, reason := range []string{skippedFailed, skippedRate, skippedSize, skippedVersion} {
		out.Counter(looksSkipped, float64(l.schedule.skipped[reason]), began, newLabels("reason", reason))
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
