// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// requireDaemon compares what a page tells of the daemon itself. The page has to have the collector capabilities.
func requireDaemon(ctx context.Context, t *testing.T, g *lab.Gateway, p *page) {
	t.Helper()
	e := newExpectation()
	version := ask(ctx, t, g, "--version", "--daemon")[0].values
	e.exact.add(1, "strongswan_daemon_info", "daemon", version["daemon"], "version", version["version"],
		"sysname", version["sysname"], "release", version["release"], "machine", version["machine"])

	stats := ask(ctx, t, g, "--stats")[0]
	since, err := time.Parse("Jan 02 15:04:05 2006", stats.section("uptime").values["since"])
	require.NoError(t, err)
	e.moments.add(float64(since.Unix()), "strongswan_start_time_seconds") // the trees have no zone but UTC
	for _, n := range []struct{ section, key, metric string }{
		{"workers", "total", "strongswan_worker_threads"},
		{"ikesas", "total", "strongswan_daemon_ike_sas"},
		{"ikesas", "half-open", "strongswan_daemon_ike_sas_half_open"},
		{"mallinfo", "mmap", "strongswan_malloc_mmap_bytes"},
	} {
		value, ok := stats.section(n.section).number(t, n.key)
		require.True(t, ok, n)
		e.exact.add(value, n.metric)
	}
	for _, plugin := range stats.lists["plugins"] {
		e.exact.add(1, "strongswan_plugin_loaded", "plugin", plugin)
	}
	e.expectAlgorithmsLoaded(ask(ctx, t, g, "--list-algs")[0])
	e.require(t, p)
	requireLoad(t, stats, p)
}

// requireLoad compares numbers that move all the time, and so can be compared only roughly.
func requireLoad(t *testing.T, stats *section, p *page) {
	t.Helper()
	idle, _ := stats.section("workers").number(t, "idle")
	require.InDelta(t, idle, p.value(t, "strongswan_worker_threads_idle"), 3)
	scheduled, _ := stats.number(t, "scheduled")
	require.InEpsilon(t, scheduled, p.value(t, "strongswan_scheduled_jobs"), 0.5) // many live for seconds only
	for _, kind := range []string{"sbrk", "used", "free"} {
		size, _ := stats.section("mallinfo").number(t, kind)
		require.InEpsilon(t, size, p.value(t, "strongswan_malloc_"+kind+"_bytes"), 0.5, kind)
	}
	for _, priority := range []string{"critical", "high", "medium", "low"} {
		active, _ := stats.section("workers").section("active").number(t, priority)
		require.InDelta(t, active, p.value(t, "strongswan_worker_threads_active", "priority", priority), 3)
		require.Less(t, p.value(t, "strongswan_queued_jobs", "priority", priority), 5.0)
	}
}

func (e *expectation) expectAlgorithmsLoaded(kinds *section) {
	for _, kind := range kinds.sections {
		name := strings.ReplaceAll(kind.name, "-", "_")
		if name == "ke" || name == "dh" {
			name = "key_exchange"
		}
		for algorithm, plugin := range kind.values {
			e.exact.add(1, "strongswan_algorithm_loaded", "type", name, "algorithm", algorithm, "plugin", plugin)
		}
	}
}

// requirePools compares what a page tells of pools.
func requirePools(ctx context.Context, t *testing.T, g *lab.Gateway, p *page) {
	t.Helper()
	e := newExpectation()
	for _, pool := range ask(ctx, t, g, "--list-pools")[0].sections {
		e.exact.add(1, "strongswan_pool_info", "pool", pool.name, "base", pool.values["base"])
		size, _ := pool.number(t, "size")
		e.exact.add(size, "strongswan_pool_addresses", "pool", pool.name)
		for _, state := range []string{"online", "offline"} {
			n, ok := pool.number(t, state)
			require.True(t, ok, state)
			e.exact.add(n, "strongswan_pool_leases", "pool", pool.name, "state", state)
		}
	}
	require.NotEmpty(t, e.exact)
	e.require(t, p)
}

// requireCounters compares the counters of the daemon's own plugin, for the daemon and for each connection. Peers may
// talk at any time, so it compares a page before and after which swanctl says the same.
func requireCounters(ctx context.Context, t *testing.T, g *lab.Gateway, e *exporter) {
	t.Helper()
	var p *page
	var before, after *expectation
	await(t, func() bool {
		before = expectedCounters(ctx, t, g)
		p = e.scrapeIn(ctx, t)
		after = expectedCounters(ctx, t, g)
		return maps.Equal(before.exact, after.exact)
	}, "swanctl says the same before and after a scrape")
	after.require(t, p)
}

func expectedCounters(ctx context.Context, t *testing.T, g *lab.Gateway) *expectation {
	t.Helper()
	e := newExpectation()
	e.expectCounters(t, ask(ctx, t, g, "--counters")[0].section("counters").section(""), "strongswan_")
	connections := ask(ctx, t, g, "--counters", "--all")[0].section("counters").sections
	require.NotEmpty(t, connections)
	for _, c := range connections {
		e.expectCounters(t, c, "strongswan_connection_", "connection", c.name)
	}
	return e
}

func (e *expectation) expectCounters(t *testing.T, c *section, prefix string, labels ...string) {
	t.Helper()
	require.Len(t, c.values, 21)
	add := func(key, metric string, more ...string) {
		n, ok := c.number(t, key)
		require.True(t, ok, key)
		e.exact.add(n, prefix+metric, append(more, labels...)...)
	}
	for key, exchange := range map[string]string{
		"ike-init": "IKE_SA_INIT", "ike-auth": "IKE_AUTH", "create-child": "CREATE_CHILD_SA", "info": "INFORMATIONAL",
	} {
		for _, direction := range []string{"in", "out"} {
			for short, kind := range map[string]string{"req": "request", "resp": "response"} {
				add(key+"-"+direction+"-"+short, "ike_messages_total", "exchange", exchange, "direction", direction, "type", kind)
			}
		}
	}
	add("ike-rekey-init", "ike_rekeys_total", "role", "initiator")
	add("ike-rekey-resp", "ike_rekeys_total", "role", "responder")
	add("child-rekey", "child_rekeys_total")
	add("invalid", "ike_invalid_messages_total")
	add("invalid-spi", "ike_invalid_spi_messages_total")
}
