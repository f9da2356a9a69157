// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A startTime finds the moment at which the daemon started. The daemon tells it in its local time without the
// zone, and beside that, in one rounded unit, how long ago it was. Zones differ from UTC by multiples of a
// quarter of an hour; each pair of the two values rules some of them out. While more than one is left, the moment
// is not known: with an uptime told in minutes that is never so, with one told in days it lasts until the
// number of days changes.
type startTime struct {
	since    string // as last told
	told     time.Time
	moment   time.Time
	possible []time.Duration // offsets from UTC that agree with all that was told
}

// Offsets from UTC that zones have.
const (
	firstOffset = -12 * time.Hour
	lastOffset  = 14 * time.Hour
	offsetStep  = 15 * time.Minute
)

// jitter is by how much the daemon's own start may differ between two answers.
const jitter = 2 * time.Second

// learn takes what the daemon said at a moment.
func (s *startTime) learn(u vici.Uptime, now time.Time) {
	local, err := u.SinceIn(time.UTC)
	if err != nil {
		*s = startTime{}
		return
	}
	moved, known := s.moved(local)
	switch {
	case known && moved.Abs() <= jitter:
	case known && (moved-clockStep(s.told, now)).Abs() <= jitter:
		s.move(moved)
	default:
		s.possible = allOffsets()
		s.moment = time.Time{}
	}
	s.since, s.told = u.Since, now
	least, most, ok := uptimeRange(u.Running)
	if !ok {
		return
	}
	s.possible = agreeing(s.possible, local, now, least, most)
	if len(s.possible) == 0 { // the zone changed, or the wall clock of another machine was set
		s.possible = agreeing(allOffsets(), local, now, least, most)
		s.moment = time.Time{}
	}
	if len(s.possible) == 1 && s.moment.IsZero() {
		s.moment = local.Add(-s.possible[0])
	}
}

// known returns the start if it is known.
func (s *startTime) known() (time.Time, bool) { return s.moment, !s.moment.IsZero() }

// moved returns by how much the start that the daemon tells differs from the one that it told last.
func (s *startTime) moved(local time.Time) (d time.Duration, known bool) {
	last, err := vici.Uptime{Since: s.since}.SinceIn(time.UTC)
	return local.Sub(last), err == nil
}

// move takes it that the clock was set: the daemon tells its start by the clock as it is now.
func (s *startTime) move(by time.Duration) {
	if !s.moment.IsZero() {
		s.moment = s.moment.Add(by)
	}
}

// clockStep returns by how much the wall clock was set between two moments that were read from it, which is what their
// monotonic readings do not explain.
func clockStep(before, after time.Time) time.Duration {
	return after.Round(0).Sub(before.Round(0)) - after.Sub(before)
}

// sameProcess reports whether two answers come from the same run of the daemon, as far as can be told.
func sameProcess(a, b vici.Uptime) bool {
	first, err1 := a.SinceIn(time.UTC)
	second, err2 := b.SinceIn(time.UTC)
	if err1 != nil || err2 != nil {
		return a.Since == b.Since
	}
	return first.Sub(second).Abs() <= jitter
}

func allOffsets() []time.Duration {
	var all []time.Duration
	for o := firstOffset; o <= lastOffset; o += offsetStep {
		all = append(all, o)
	}
	return all
}

// agreeing returns the offsets with which a start at that local time lies between least and most ago.
func agreeing(offsets []time.Duration, local, now time.Time, least, most time.Duration) []time.Duration {
	var left []time.Duration
	for _, o := range offsets {
		if age := now.Sub(local.Add(-o)); least-jitter <= age && age <= most+jitter {
			left = append(left, o)
		}
	}
	return left
}

// uptimeRange understands "13 seconds", "1 minute" and so on: the least and the most that it can
// stand for. The daemon rounds down.
func uptimeRange(running string) (least, most time.Duration, ok bool) {
	number, name, _ := strings.Cut(running, " ")
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 0 {
		return 0, 0, false
	}
	unit, ok := map[string]time.Duration{
		"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}[strings.TrimSuffix(name, "s")]
	if !ok {
		return 0, 0, false
	}
	return time.Duration(n) * unit, time.Duration(n+1) * unit, true
}
