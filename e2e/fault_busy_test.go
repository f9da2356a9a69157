// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Daemons that have nothing to do on their own: whatever they do with an IKE_SA waits for the one that is busy, and
// takes a thread. So nothing is sent unasked, and nobody looks whether what was sent was answered.
const (
	quietConnections = `
ike-defaults {
	mobike = no
	dpd_delay = 0s
}`
	quietDaemon = `
charon {
	retransmit_timeout = 60
}`
)

// slowScript lets one child of a tunnel keep its IKE_SA busy for ten seconds whenever it comes up.
const slowScript = `
connections {
	gw-gw {
		children {
			host-host {
				updown = sleep 10
			}
		}
	}
}`

// deadName gives moon a connection to a name that nobody resolves.
const deadName = `
connections {
	gw-dns {
		remote_addrs = gateway.example
		local {
			auth = psk
		}
		remote {
			auth = psk
		}
		children {
			dns-net {
			}
		}
	}
}`

// An IKE_SA that the daemon is busy with is left out of listings, and stays what it was. We never wait for it in the
// daemon: its idle threads are as many as without us.
func TestBusy(t *testing.T) {
	lab.Require(t, faultyGenerations...)
	for _, generation := range faultyGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, generation, lab.WithStrongswan(quietDaemon), lab.WithSwanctl(quietConnections),
				lab.WithSwanctl(slowScript+deadName, lab.Moon))
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			e.awaitEvents(t)
			require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
			for what, child := range map[string]string{"updown script": "host-host", "dead name server": "dns-net"} {
				t.Run(what, func(t *testing.T) { requireHarmless(ctx, t, l.Moon, e, child) })
			}
		})
	}
}

// requireHarmless initiates a child, which takes its time, and scrapes meanwhile.
func requireHarmless(ctx context.Context, t *testing.T, g *lab.Gateway, e *exporter, child string) {
	t.Helper()
	const quiet, scraping, answer = time.Second, 2 * time.Second, 2 * time.Second
	second := dial(ctx, t, g)
	requireOneTunnel(t, e.scrape(t))
	atRest := watchWorkers(ctx, t, second, quiet, func() {})
	initiated := make(chan struct{})
	go func() {
		defer close(initiated)
		_ = g.Initiate(ctx, child) // without a name server it fails
	}()
	await(t, func() bool { return isBusy(ctx, t, second) }, "the daemon is busy")

	before := watchWorkers(ctx, t, second, quiet, func() {})
	during := watchWorkers(ctx, t, second, scraping, func() {
		p := e.scrapeWithin(t, answer)
		require.InDelta(t, 1, p.value(t, "strongswan_sweep_unlisted_ike_sas"), 0)
		requireOneTunnel(t, p)
		requireAllSucceed(t, p)
	})
	after := watchWorkers(ctx, t, second, quiet, func() {})
	require.True(t, isBusy(ctx, t, second), "all that was while the daemon was busy")
	t.Logf("idle threads: %v while we were quiet, %v while we scraped, %v afterwards", before, during, after)
	// If each of our requests waited, there would be none left after two seconds; the daemon's own work takes one or two.
	require.GreaterOrEqual(t, during.typical, before.typical-2, "one thread answers us, and none waits")
	requireSensitive(ctx, t, g, second, after)

	<-initiated
	await(t, func() bool { return !isBusy(ctx, t, second) }, "the daemon is done")
	await(t, func() bool {
		return watchWorkers(ctx, t, second, quiet/10, func() {}).typical >= atRest.typical-1
	}, "no thread is left behind")
	p := e.scrape(t)
	require.Zero(t, p.value(t, "strongswan_sweep_unlisted_ike_sas"))
	requireOneTunnel(t, p)
}

// isBusy reports whether the daemon has an IKE_SA that it does not list at once.
func isBusy(ctx context.Context, t *testing.T, s *vici.Session) bool {
	t.Helper()
	listed := uint64(0)
	for _, err := range s.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
		require.NoError(t, err)
		listed++
	}
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	return stats.IKESAs.Total.Or(0) > listed
}

// An idle tells how many of the daemon's threads waited for work. For an instant some of them do what has nothing to do
// with us: read from the network, run what was scheduled.
type idle struct{ typical, least int }

// watchWorkers does something again and again for a time, and counts idle threads after each.
func watchWorkers(ctx context.Context, t *testing.T, s *vici.Session, during time.Duration, do func()) idle {
	t.Helper()
	var counts []int
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for end := time.Now().Add(during); time.Now().Before(end); <-ticker.C {
		do()
		counts = append(counts, idleWorkers(ctx, t, s))
	}
	slices.Sort(counts)
	return idle{typical: counts[len(counts)/2], least: counts[0]}
}

// requireSensitive shows that the measurement would have found requests that wait: those of the kind that we never
// make take a thread each, and keep it after their client has gone.
func requireSensitive(ctx context.Context, t *testing.T, g *lab.Gateway, s *vici.Session, before idle) {
	t.Helper()
	const abandoned, patient, watched = 3, time.Second / 4, time.Second / 2
	for range abandoned {
		impatient, cancel := context.WithTimeout(ctx, patient)
		for _, err := range dial(ctx, t, g).ListSAs(impatient, vici.ListSAsRequest{}) {
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
		}
		cancel()
	}
	require.Less(t, watchWorkers(ctx, t, s, watched, func() {}).typical, before.typical)
}

// requireAllSucceed insists that no collector failed.
func requireAllSucceed(t *testing.T, p *page) {
	t.Helper()
	require.InDelta(t, 1, p.value(t, "strongswan_up"), 0)
	for id, success := range p.series.of("strongswan_scrape_collector_success") {
		require.InDelta(t, 1, success, 0, id)
	}
}
