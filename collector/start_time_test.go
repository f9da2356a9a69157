// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func TestMoments(t *testing.T) {
	seconds := func(n int) vici.Opt[time.Duration] { return vici.Some(time.Duration(n) * time.Second) }
	const now = 1_000_000
	require.EqualValues(t, now-10, past(0, now, seconds(10)))
	require.EqualValues(t, now+10, future(0, now, seconds(10)))
	require.EqualValues(t, now-10, future(0, now, seconds(-10)), "overdue")
	require.Zero(t, past(now, now, vici.Opt[time.Duration]{}), "not known any longer")
	require.Zero(t, future(now, now, vici.Opt[time.Duration]{}))

	for _, drift := range []int{-2, -1, 0, 1, 2} {
		require.EqualValues(t, now-10, past(now-10, now, seconds(10+drift)), "it does not flicker")
		require.EqualValues(t, now+10, future(now+10, now, seconds(10+drift)))
	}
	require.EqualValues(t, now-7, past(now-10, now, seconds(7)), "it was rekeyed")
	require.EqualValues(t, now-13, past(now-10, now, seconds(13)), "the clock was set back")
}

// An SA's moment stays the same through any number of sweeps at odd moments: ages are cut to whole seconds.
func TestMomentsAreSteady(t *testing.T) {
	established := time.Unix(1_000_000, 700e6)
	var known int64
	for i := range 1000 {
		at := established.Add(time.Duration(i) * 777 * time.Millisecond)
		moment := past(known, at.Unix(), vici.Some(at.Sub(established).Truncate(time.Second)))
		if i > 0 {
			require.Equal(t, known, moment)
		}
		known = moment
	}
}

// said is what a daemon in a zone says of its start, with the uptime in the unit that it chooses.
func said(start, now time.Time, zone *time.Location) vici.Uptime {
	age, unit, name := now.Sub(start), time.Second, "second"
	switch {
	case age > 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case age > 2*time.Hour:
		unit, name = time.Hour, "hour"
	case age > 2*time.Minute:
		unit, name = time.Minute, "minute"
	}
	return vici.Uptime{
		Running: fmt.Sprintf("%d %ss", age/unit, name),
		Since:   start.In(zone).Format("Jan 02 15:04:05 2006"),
	}
}

func zones() map[string]*time.Location {
	zones := make(map[string]*time.Location)
	for name, hours := range map[string]float64{
		"UTC": 0, "Zurich": 2, "New York": -5, "Kathmandu": 5.75, "Chatham": 13.75, "Newfoundland": -2.5, "Kiritimati": 14, "Baker": -12,
	} {
		zones[name] = time.FixedZone(name, int(hours*3600))
	}
	return zones
}

// As long as the uptime is told in seconds or minutes, one answer is enough, whatever the zone.
func TestStartTimeAtOnce(t *testing.T) {
	start := recordedAt
	for name, zone := range zones() {
		for _, age := range []time.Duration{0, time.Second, 59 * time.Second, 2 * time.Minute, 3 * time.Minute, time.Hour, 2 * time.Hour} {
			t.Run(fmt.Sprint(name, " after ", age), func(t *testing.T) {
				var s startTime
				s.learn(said(start, start.Add(age), zone), start.Add(age))
				got, ok := s.known()
				require.True(t, ok)
				require.True(t, start.Equal(got), "%v", got)
			})
		}
	}
}

// Told in hours or days, several zones would fit: the moment is left out until the unit's number changes.
func TestStartTimeLater(t *testing.T) {
	for name, zone := range zones() {
		for _, age := range []time.Duration{5*time.Hour + 20*time.Minute, 47 * time.Hour, 50 * time.Hour, 100*24*time.Hour + 7*time.Hour} {
			t.Run(fmt.Sprint(name, " after ", age), func(t *testing.T) {
				start := recordedAt
				var s startTime
				for elapsed := time.Duration(0); elapsed < 27*time.Hour; elapsed += time.Minute {
					now := start.Add(age + elapsed)
					s.learn(said(start, now, zone), now)
					if got, ok := s.known(); ok {
						require.True(t, start.Equal(got), "right or not there; said %v after %v", got, elapsed)
					}
				}
				_, ok := s.known()
				require.True(t, ok, "after a day every unit has changed")
			})
		}
	}
}

func TestStartTimeUnknown(t *testing.T) {
	var s startTime
	s.learn(said(recordedAt, recordedAt.Add(100*time.Hour), time.UTC), recordedAt.Add(100*time.Hour))
	_, ok := s.known()
	require.False(t, ok, "it may be in any zone")
}

// The start is computed anew for each answer, and so may be off by a second.
func TestStartTimeIsSteady(t *testing.T) {
	var s startTime
	for i, jitter := range []time.Duration{0, time.Second, -time.Second, 0, time.Second} {
		now := recordedAt.Add(time.Duration(i+1) * time.Minute)
		s.learn(said(recordedAt.Add(jitter), now, time.UTC), now)
		got, ok := s.known()
		require.True(t, ok)
		require.True(t, recordedAt.Equal(got))
	}
}

func TestStartTimeAfterRestart(t *testing.T) {
	var s startTime
	zone := time.FixedZone("", 3600)
	s.learn(said(recordedAt, recordedAt.Add(time.Minute), zone), recordedAt.Add(time.Minute))
	again := recordedAt.Add(300 * time.Hour)
	s.learn(said(again, again.Add(5*time.Second), zone), again.Add(5*time.Second))
	got, ok := s.known()
	require.True(t, ok)
	require.True(t, again.Equal(got))
}

// When the daemon's clock is set, or its zone changes for the summer, it says another start.
func TestStartTimeAfterClockStep(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, 17 * time.Second} {
		var s startTime
		s.learn(said(recordedAt, recordedAt.Add(time.Hour), time.UTC), recordedAt.Add(time.Hour))
		uptime := said(recordedAt, recordedAt.Add(90*time.Minute), time.UTC)
		uptime.Since = recordedAt.Add(step).Format("Jan 02 15:04:05 2006")
		now := recordedAt.Add(90*time.Minute + step)
		s.learn(uptime, now)
		got, ok := s.known()
		require.True(t, ok)
		require.True(t, recordedAt.Add(step).Equal(got), "%v", got)
	}
}

func TestStartTimeNotUnderstood(t *testing.T) {
	for _, uptime := range []vici.Uptime{
		{},
		{Running: "5 seconds", Since: "yesterday"},
		{Running: "5 fortnights", Since: "Nov 22 18:09:10 2026"},
		{Running: "-5 seconds", Since: "Nov 22 18:09:10 2026"},
		{Running: "many", Since: "Nov 22 18:09:10 2026"},
		{Running: "99999999999 days", Since: "Nov 22 18:09:10 2026"},
	} {
		var s startTime
		s.learn(uptime, recordedAt)
		_, ok := s.known()
		require.False(t, ok, "%v", uptime)
	}
}

func TestSameProcess(t *testing.T) {
	at := func(since string) vici.Uptime { return vici.Uptime{Since: since} }
	require.True(t, sameProcess(at("Nov 22 18:09:10 2026"), at("Nov 22 18:09:11 2026")))
	require.False(t, sameProcess(at("Nov 22 18:09:10 2026"), at("Nov 22 18:09:15 2026")))
	require.True(t, sameProcess(at("odd"), at("odd")))
	require.False(t, sameProcess(at("odd"), at("Nov 22 18:09:15 2026")))
}
