// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Totals of traffic never fall, never exceed what was really carried, and take no more memory than the SAs that there are, whatever
// happens to SAs, to what is said of them, to the daemon and to the exporter.
func TestTotalsInAnyHistory(t *testing.T) {
	for seed := range uint64(1500) {
		w := newWorld(t, seed, false)
		for range 150 {
			w.step()
		}
		w.finish()
		require.Len(t, w.exporter.table.ledger.entries, w.children(), "history %d", seed)
		requireEntriesCounted(t, w.exporter.table.ledger.totals)
	}
}

// Where each SA was looked at after its last packet, totals are exact.
func TestTotalsAreExact(t *testing.T) {
	for seed := range uint64(700) {
		w := newWorld(t, seed, true)
		w.now = w.now.Add(time.Minute) // what comes now was installed while the exporter watched
		for range 150 {
			w.step()
		}
		w.finish()
		for s, truth := range w.truth {
			require.Equal(t, *truth, w.shown[s], "history %d, %v", seed, s)
		}
	}
}

// requireEntriesCounted holds that each total knows how many SAs add to it.
func requireEntriesCounted(t *testing.T, ts *totals) {
	t.Helper()
	for s, total := range ts.bySeries {
		require.GreaterOrEqual(t, total.entries, 0, "%v", s)
	}
}
