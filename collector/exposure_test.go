// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever changes what is exposed is noticed, and that time passes is not.
func TestExposureChanges(t *testing.T) {
	now := noon
	tracker := liveTracker(t, &now)
	text := func(s *state) string { return strings.ReplaceAll(string(encode(t, s)), ":null", ":[]") }
	var e exposure
	require.True(t, e.update(tracker, "", now))
	for name, change := range map[string]func(){
		"traffic":  func() { tracker.table.ledger.totals.sorted()[0].sum[0]++ },
		"a peer's": func() { tracker.table.ledger.peers.sorted()[0].sum[0]++ },
		"a floor":  func() { tracker.table.ledger.totals.sorted()[0].floor[1] += 1 << 40 },
		"a new total": func() {
			tracker.table.ledger.totals.get(account{series{"new", "new"}, newLabels("connection", "new")}, now)
		},
		"connections":    func() { tracker.sortedConnections()[0].moved++ },
		"sessions":       func() { tracker.sortedConnections()[0].sessions.observe(time.Second) },
		"children":       func() { tracker.sortedChildren()[0].rekeyed++ },
		"alerts":         func() { tracker.alerts[alertSeries{"auth-failed", "gw"}]++ },
		"received":       func() { tracker.received["alert"]++ },
		"evicted":        func() { tracker.table.evicted++ },
		"counting since": func() { tracker.counting = tracker.counting.Add(time.Second) },
		"another run":    func() { tracker.run = &daemonRun{Since: "Jan 02 00:00:00 2026"} },
		"fewer alerts":   func() { clear(tracker.alerts) },
	} {
		now = now.Add(time.Second)
		require.False(t, e.update(tracker, "", now), "before %s", name)
		change()
		require.True(t, e.update(tracker, "", now), name)
		require.JSONEq(t, text(tracker.exposed("", now)), text(&e.state), name)
	}
}
