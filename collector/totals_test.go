// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Totals go when their series has been neither configured nor in use for a day.
func TestEvictTotals(t *testing.T) {
	ts := newTotals()
	for _, name := range []string{"configured", "in use", "idle"} {
		ts.get(testAccount(name), time.Time{})
	}
	ts.bySeries[series{"gw", "in use"}].entries = 1
	configured := true
	keep := func(s series) bool { return configured && s.member == "configured" }
	for _, step := range []struct {
		at      time.Duration
		evicted int
		left    int
	}{{0, 0, 3}, {24 * time.Hour, 0, 3}, {24*time.Hour + 1, 1, 2}, {48 * time.Hour, 0, 2}} {
		require.Equal(t, step.evicted, ts.evict(step.at, keep), "at %v", step.at)
		require.Len(t, ts.sorted(), step.left)
	}
	configured = false
	ts.bySeries[series{"gw", "in use"}].leave(50 * time.Hour)
	require.Zero(t, ts.evict(72*time.Hour, keep), "the day begins when it was configured last")
	require.Equal(t, 1, ts.evict(72*time.Hour+1, keep))
	require.Equal(t, 1, ts.evict(74*time.Hour+1, keep), "the day begins when it was used last")
	require.Empty(t, ts.sorted())
}

// Of too many totals those go first that have been out of use for longest; those in use stay.
func TestTrimTotals(t *testing.T) {
	ts := newTotals()
	for i, name := range []string{"a", "b", "c", "d"} {
		total := ts.get(testAccount(name), time.Time{})
		total.entries = 1
		if name != "d" {
			total.leave(time.Duration(10-i) * time.Second)
		}
	}
	require.Zero(t, ts.trim(4))
	require.Equal(t, 2, ts.trim(2))
	require.Len(t, ts.sorted(), 2)
	require.Equal(t, "a", ts.sorted()[0].series.member)
	require.Equal(t, "d", ts.sorted()[1].series.member)
	require.Equal(t, 1, ts.trim(0))
	require.Equal(t, "d", ts.sorted()[0].series.member)
}

// What an earlier process exposed is the least that is exposed.
func TestFloor(t *testing.T) {
	total := &total{sum: traffic{10, 20, 30, 40}, floor: traffic{15, 15, 35, 35}}
	require.Equal(t, traffic{15, 20, 35, 40}, total.value())
}
