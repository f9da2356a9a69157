// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// play makes looks at a pace for a while, each of which takes some time of the daemon, and returns how many there were.
func play(p *pace, now *time.Time, d, took time.Duration) (looks int) {
	for end := now.Add(d); now.Before(end); looks++ {
		*now = now.Add(took)
		*now = now.Add(p.rest(*now, took, false))
	}
	return looks
}

// In a spell there are four times as many looks as on average, for a few seconds; after a rest there is the next spell.
func TestPaceOfSpells(t *testing.T) {
	p, now := newPace(10), noon
	require.InDelta(t, 39, play(&p, &now, time.Second, time.Millisecond), 2)
	require.InDelta(t, 21, play(&p, &now, time.Second, time.Millisecond), 2)
	require.InDelta(t, 100, play(&p, &now, 10*time.Second, time.Millisecond), 2)
	now = now.Add(time.Minute)
	require.InDelta(t, 39, play(&p, &now, time.Second, time.Millisecond), 2)
	require.InDelta(t, 600, play(&p, &now, time.Minute, time.Millisecond), 20)
}

// Looks take no more than a twentieth of a daemon's time, and less than they could where it takes long for one.
func TestPaceOfSlowDaemon(t *testing.T) {
	p, now := newPace(10), noon
	play(&p, &now, time.Minute, 50*time.Millisecond)
	require.InDelta(t, 57, play(&p, &now, time.Minute, 50*time.Millisecond), 2)
}

// One look that took long, since the daemon or the machine was held up, is no reason to miss what comes next.
func TestPaceAfterObstacle(t *testing.T) {
	p, now := newPace(10), noon
	play(&p, &now, time.Second, time.Millisecond)
	require.LessOrEqual(t, p.rest(now.Add(3*time.Second), 3*time.Second, false), 40*time.Millisecond)
	require.LessOrEqual(t, p.rest(now.Add(4*time.Second), time.Millisecond, false), 25*time.Millisecond)
}

// While a rekeying is under way looks are densest.
func TestPaceOfUrgentLooks(t *testing.T) {
	p := newPace(10)
	require.Equal(t, 25*time.Millisecond, p.rest(noon, time.Millisecond, false))
	require.Equal(t, 10*time.Millisecond, p.rest(noon, time.Millisecond, true))
	for range 10 {
		p.rest(noon, 10*time.Millisecond, true)
	}
	require.Equal(t, 50*time.Millisecond, p.rest(noon.Add(time.Minute), 10*time.Millisecond, true))
}
