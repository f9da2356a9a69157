// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"maps"
	"os"
	"syscall"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// A daemon that is not there is a page that says so and nothing else of it, told once in the log; when it comes
// back, the next scrape is right.
func TestAbsence(t *testing.T) {
	lab.Require(t)
	for _, generation := range lab.Generations() {
		t.Run(generation, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, generation)
			require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
			require.NoError(t, l.Moon.Stop(ctx))
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			requireAbsent(t, e)
			require.NoError(t, l.Moon.Start(ctx))
			require.NoError(t, l.Moon.LoadAll(ctx))
			requirePresent(t, e)
			require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
			requireOneTunnel(t, e.scrape(t))

			require.NoError(t, l.Moon.Kill(ctx))
			requireAbsent(t, e)
			require.NoError(t, l.Moon.Start(ctx))
			p := requirePresent(t, e)
			require.Zero(t, p.value(t, "strongswan_loaded_objects", "kind", "connection"), "nobody has loaded anything")
			require.Empty(t, p.series.of("strongswan_child_up", "strongswan_connection_up", "strongswan_ike_sas"))
			require.NoError(t, l.Moon.LoadAll(ctx))
			require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
			requireOneTunnel(t, e.scrape(t))

			require.Len(t, e.logged("The daemon does not answer"), 2)
			require.Len(t, e.logged("The daemon answers again"), 2)
			require.Empty(t, e.logged("Collector failed"))
		})
	}
}

// requireAbsent insists on two pages of an exporter whose daemon is not there.
func requireAbsent(t *testing.T, e *exporter) {
	t.Helper()
	await(t, func() bool {
		return e.scrape(t).value(t, "strongswan_event_stream_connected") == 0
	}, "the exporter notices that its subscription has ended")
	for range 2 {
		p := e.scrape(t)
		require.Zero(t, p.value(t, "strongswan_up"))
		for id, success := range p.series.of("strongswan_scrape_collector_success") {
			if id != seriesName("strongswan_scrape_collector_success", "collector", "events") {
				require.Zero(t, success, id)
			}
		}
		require.Empty(t, aboutDaemon(p))
	}
}

// aboutDaemon returns the series that tell how things are with the daemon. What the exporter itself has counted of
// events stays, and whether its subscriptions stand it knows without the daemon.
func aboutDaemon(p *page) series {
	found := p.daemonSeries()
	maps.DeleteFunc(found, func(id string, _ float64) bool {
		return p.families[metricOf(id)].GetType() == dto.MetricType_COUNTER
	})
	delete(found, "strongswan_event_stream_connected")
	delete(found, "strongswan_follow_up_log_subscribed")
	return found
}

func requirePresent(t *testing.T, e *exporter) *page {
	t.Helper()
	p := e.scrape(t)
	require.InDelta(t, 1, p.value(t, "strongswan_up"), 0)
	for id, success := range p.series.of("strongswan_scrape_collector_success") {
		require.InDelta(t, 1, success, 0, id)
	}
	return p
}

func requireOneTunnel(t *testing.T, p *page) {
	t.Helper()
	require.InDelta(t, 1, p.value(t, "strongswan_child_up", "connection", "gw-gw", "child", "net-net"), 0)
	require.Zero(t, p.value(t, "strongswan_child_up", "connection", "gw-cert", "child", "cert-net"))
	require.InDelta(t, 1, p.value(t, "strongswan_ike_sas", "connection", "gw-gw", "version", "2", "state", "ESTABLISHED"), 0)
}

// A socket that may not be opened is one line in the log that says what is missing and how to give it.
func TestNoPermission(t *testing.T) {
	const newest, nobody, stranger = "6.1.0", 65534, 64123
	lab.Require(t, newest)
	l := lab.New(t, newest)
	alone := &syscall.Credential{Uid: nobody, Gid: nobody}
	e := startExporterAs(t, alone, l.Moon.Address())
	requireAbsent(t, e)
	lines := e.logged("The daemon does not answer")
	require.Len(t, lines, 1, "whatever is scraped")
	require.Contains(t, lines[0]["err"], "permission denied")
	require.Contains(t, lines[0]["err"], l.Moon.Socket())
	require.Contains(t, lines[0]["hint"], "needs permission to write to the socket")
	require.Contains(t, lines[0]["hint"], "charon.group")
	require.Len(t, append(e.logged(`"level":"ERROR"`), e.logged(`"level":"WARN"`)...), 1)

	// What the hint says helps.
	require.NoError(t, os.Chown(l.Moon.Socket(), 0, stranger))
	requireAbsent(t, e)
	member := &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{stranger}}
	requirePresent(t, startExporterAs(t, member, l.Moon.Address()))
}
