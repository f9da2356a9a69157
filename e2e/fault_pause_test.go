// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"flag"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

var pauseTime = flag.Duration("pause", 15*time.Second, "how long a daemon is stopped by SIGSTOP; scripts/soak takes more")

// A daemon that is stopped is an outage that each scrape tells in time. However long it lasts and however often it
// is scraped, one request waits in the daemon, and one connection for a sign of life; when it goes on, the next scrape is right.
func TestPaused(t *testing.T) {
	lab.Require(t, faultyGenerations...)
	for _, generation := range faultyGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, generation)
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			e.awaitEvents(t)
			require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
			requireOneTunnel(t, requirePresent(t, e))

			before := commandsSent(e.scrape(t))
			pause(t, l.Moon)
			scrapes, last := requireOutage(t, e, *pauseTime)
			require.LessOrEqual(t, commandsSent(last)-before, 1.0, "commands that were sent to a stopped daemon")
			connections, requests := waitingAt(ctx, t, l.Moon)
			require.LessOrEqual(t, requests, 1, "requests that were not answered")
			require.LessOrEqual(t, connections, 1, "the one that waits for a sign of life")
			require.NoError(t, l.Moon.Continue())

			p := requirePresent(t, e)
			requireOneTunnel(t, p)
			require.InDelta(t, 1, p.value(t, "strongswan_event_stream_connects_total"), 0, "the subscription outlives it")
			require.Len(t, e.logged("The daemon does not answer"), 1)
			require.Len(t, e.logged("The daemon answers again"), 1)
			t.Logf("%d scrapes in %v; then %d connections to accept, %d with an unread request", scrapes, *pauseTime, connections, requests)
		})
	}
}

// requireOutage scrapes for some time, in which each scrape has to say in time that there is nobody.
func requireOutage(t *testing.T, e *exporter, during time.Duration) (scrapes int, last *page) {
	t.Helper()
	const timeout = 2 * time.Second
	for end := time.Now().Add(during); time.Now().Before(end); scrapes++ {
		last = e.scrapeWithin(t, timeout)
		require.Zero(t, last.value(t, "strongswan_up"))
		about := aboutDaemon(last)
		maps.DeleteFunc(about, func(id string, _ float64) bool { return metricOf(id) == "strongswan_event_supported" })
		require.Empty(t, about, "all but the subscription, which stands")
	}
	return scrapes, last
}
