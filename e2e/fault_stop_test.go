// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// Charon waits at its end for clients that do not read. We are connected, subscribed and in the middle of scrapes, and
// it ends as fast as if we were not there.
func TestStopWhileScraping(t *testing.T) {
	lab.Require(t, faultyGenerations...)
	for _, generation := range faultyGenerations {
		t.Run(generation, func(t *testing.T) {
			const stops = 10
			ctx := bounded(t)
			l := lab.New(t, generation)
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			slowest := time.Duration(0)
			for range stops {
				require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
				require.NoError(t, l.Moon.Initiate(ctx, "cert-net"))
				e.awaitEvents(t)
				slowest = max(slowest, requireQuickStop(ctx, t, l.Moon, e))
				require.Zero(t, e.scrape(t).value(t, "strongswan_up"))
				require.NoError(t, l.Moon.Start(ctx))
				require.NoError(t, l.Moon.LoadAll(ctx))
			}
			requirePresent(t, e)
			t.Logf("the slowest of %d stops took %v", stops, slowest)
		})
	}
}

// requireQuickStop stops the daemon while two scrapers ask as fast as they can.
func requireQuickStop(ctx context.Context, t *testing.T, g *lab.Gateway, e *exporter) time.Duration {
	t.Helper()
	const often, limit = time.Millisecond, 2 * time.Second
	scrapers := []*recorder{record(t, e, often), record(t, e, often)}
	await(t, func() bool { return e.scrape(t).value(t, "strongswan_up") == 1 }, "scrapes go on")
	start := time.Now()
	require.NoError(t, g.Stop(ctx))
	took := time.Since(start)
	require.Less(t, took, limit)
	for _, r := range scrapers {
		require.InDelta(t, 1, r.stop(t)[0].value(t, "strongswan_up"), 0)
	}
	return took
}
