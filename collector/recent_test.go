// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What happened lately is remembered, however much it was up to a limit, and nothing much longer than needed.
func TestRecent(t *testing.T) {
	now := time.Now()
	var r recent[int]
	remembered := func() int { return len(r.young) + len(r.old) }
	for i := range 3 * maxRecent {
		require.True(t, r.add(i, now))
		require.False(t, r.add(i, now.Add(time.Second)))
		require.LessOrEqual(t, remembered(), maxRecent)
	}
	at, known := r.get(3*maxRecent - maxRecent/2)
	require.True(t, known)
	require.Equal(t, now, at)

	const perMinute = 100
	for i := range 10 * perMinute {
		r.add(-1-i, now.Add(time.Duration(i)*time.Minute/perMinute))
		for back := range min(i, perMinute/2) {
			_, known := r.get(-1 - i + back)
			require.True(t, known, "half a minute")
		}
	}
	require.LessOrEqual(t, remembered(), 2*perMinute+2)
}

// A rekeying counts once, however a daemon reports that both ends began it, and each of two that follow each other counts.
func TestRekeyingsCountOnce(t *testing.T) {
	type report struct {
		from, to  int
		collision bool
		after     time.Duration
	}
	const rtt = 80 * time.Millisecond
	for name, test := range map[string]struct {
		reports []report
		want    int
	}{
		"the same again":                     {[]report{{1, 2, false, 0}, {1, 2, false, rtt}}, 1},
		"a collision, before 6.0":            {[]report{{1, 2, true, 0}, {1, 3, false, rtt}}, 1},
		"a collision, from 6.0":              {[]report{{1, 2, true, 0}, {2, 3, false, rtt}}, 1},
		"a collision, and a rekeying":        {[]report{{1, 2, true, 0}, {2, 3, false, collisionTime}}, 2},
		"one after the other, for a volume":  {[]report{{1, 2, false, 0}, {2, 3, false, rtt}, {3, 4, false, rtt}}, 3},
		"of two SAs":                         {[]report{{1, 2, true, 0}, {11, 12, true, 0}, {1, 3, false, rtt}, {11, 13, false, 0}}, 2},
		"a collision after another rekeying": {[]report{{1, 2, false, 0}, {2, 3, true, rtt}, {2, 4, false, rtt}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			now, counted := time.Now(), 0
			var r rekeyings[int]
			for _, report := range test.reports {
				now = now.Add(report.after)
				if r.counts(report.from, report.to, report.collision, now) {
					counted++
				}
			}
			require.Equal(t, test.want, counted)
		})
	}
}
