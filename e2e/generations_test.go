// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// quietly keeps the daemons from talking while answers are compared, and sets what else a daemon can tell of a
// configuration.
const quietly = `
ike-defaults {
	reauth_time = 6h
}
connections {
	gw-gw {
		dpd_delay = 20m
	}
	gw-twin {
		dpd_delay = 20m
	}
	gw-cert {
		children {
			cert-net {
				rekey_bytes = 500000000
				rekey_packets = 1000000
			}
		}
	}
}`

// allCollectors enables those that are off by default.
func allCollectors() []string {
	return []string{"--collector.peers", "--collector.capabilities"}
}

// What the exporter exposes of a gateway with tunnels and road warriors is what swanctl says of it.
func TestGenerations(t *testing.T) {
	lab.Require(t)
	for _, generation := range lab.Generations() {
		t.Run(generation, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, generation, lab.WithSwanctl(quietly, lab.Moon))
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			e.awaitEvents(t)
			children := bringUp(ctx, t, l)
			carryTraffic(ctx, t, l)

			p := e.scrape(t)
			first := startExporter(t, l.Moon.Address()).scrape(t) // of an exporter that knows nothing yet
			t.Run("daemon", func(t *testing.T) { requireDaemon(ctx, t, l.Moon, p) })
			t.Run("SAs", func(t *testing.T) { requireSAs(ctx, t, l.Moon, p) })
			t.Run("configuration", func(t *testing.T) { requireConfiguration(ctx, t, l.Moon, p) })
			t.Run("pools", func(t *testing.T) { requirePools(ctx, t, l.Moon, p) })
			t.Run("counters", func(t *testing.T) { requireCounters(ctx, t, l.Moon, e) })
			t.Run("certificates", func(t *testing.T) { requireCertificates(ctx, t, l, first) })
			t.Run("peers", func(t *testing.T) { requirePeers(ctx, t, l.Moon, p) })
			t.Run("events", func(t *testing.T) { requireFirstEvents(t, l, p, children) })
			t.Run("tunnels", func(t *testing.T) { requireTunnels(t, l, p, children) })
			t.Run("exporter", func(t *testing.T) { requireGoodExporter(t, e, p) })
			t.Run("steady", func(t *testing.T) { requireSteadyMoments(t, p, e.scrape(t)) })
			t.Run("promtool", func(t *testing.T) { requirePromtool(ctx, t, p) })
			t.Run("golden", func(t *testing.T) { requireGolden(t, generation, p) })
		})
	}
}

// bringUp initiates one child of each connection and returns the connections of those children by their names. The
// child twin-net comes up under the IKE_SA of gw-gw.
func bringUp(ctx context.Context, t *testing.T, l *lab.Lab) map[string]string {
	t.Helper()
	children := map[string]string{
		"net-net": "gw-gw", "cert-net": "gw-cert", "trap-net": "gw-trap", lab.OddChild: lab.OddConnection,
	}
	if l.HasIKEv1() {
		children["v1-net"] = "gw-v1"
	}
	if l.HasPostQuantum() {
		children["pq-net"] = "gw-pq"
	}
	for child := range children {
		require.NoError(t, l.Moon.Initiate(ctx, child))
	}
	require.NoError(t, l.Moon.Initiate(ctx, "twin-net"))
	require.NoError(t, l.Carol.Initiate(ctx, "home"))
	require.NoError(t, l.Carol.Initiate(ctx, "home-dave"))
	children["twin-net"], children["rw-net"] = "gw-twin", "rw-eap"
	return children
}

// carryTraffic sends a different number of packets through each of some tunnels.
func carryTraffic(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), 5))
	require.NoError(t, l.Sun.Ping(ctx, l.Sun.Inside(1), l.Moon.Inside(1), 4))
	require.NoError(t, l.Carol.Ping(ctx, "10.3.0.1", l.Moon.Inside(0), 3))
	require.NoError(t, l.Carol.Ping(ctx, "10.3.0.2", l.Moon.Inside(0), 2))
}

// requireTunnels insists on the numbers and suites that the laboratory's configuration gives.
func requireTunnels(t *testing.T, l *lab.Lab, p *page, children map[string]string) {
	t.Helper()
	for child, connection := range children {
		sas := 1.0
		if child == "rw-net" {
			sas = 2
		}
		if child == "twin-net" {
			require.NotContains(t, p.series, seriesName("strongswan_ike_sas",
				"connection", connection, "version", "2", "state", "ESTABLISHED"), "it is carried by gw-gw's")
		} else {
			version := "2"
			if connection == "gw-v1" {
				version = "1"
			}
			require.InDelta(t, sas, p.value(t, "strongswan_ike_sas",
				"connection", connection, "version", version, "state", "ESTABLISHED"), 0)
		}
		require.InDelta(t, sas, p.value(t, "strongswan_child_sas", "connection", connection, "child", child,
			"mode", "TUNNEL", "protocol", "ESP", "state", "INSTALLED"), 0)
	}
	suite := []string{"encryption", "AES_CBC_256", "integrity", "HMAC_SHA2_256_128", "prf", "PRF_HMAC_SHA2_256", "ppk", "no"}
	require.InDelta(t, 1, p.value(t, "strongswan_ike_sa_suites",
		append(suite, "connection", "gw-gw", "key_exchange", "CURVE_25519")...), 0)
	if l.HasPostQuantum() {
		require.InDelta(t, 1, p.value(t, "strongswan_ike_sa_suites",
			append(suite, "connection", "gw-pq", "key_exchange", "CURVE_25519+ML_KEM_768")...), 0)
	}
	require.InDelta(t, 1, p.value(t, "strongswan_child_sa_suites", "connection", "gw-gw", "child", "net-net", "protocol", "ESP",
		"encryption", "AES_GCM_16_256", "integrity", "", "key_exchange", "", "esn", "no"), 0)
	require.InDelta(t, 2, p.value(t, "strongswan_virtual_ips", "connection", "rw-eap", "side", "remote"), 0)
	const echo = 84 // bytes of ping's packets, with the IP header
	require.InDelta(t, 5*echo, p.value(t, "strongswan_child_sent_bytes_total", "connection", "gw-gw", "child", "net-net"), 0)
	require.InDelta(t, 4, p.value(t, "strongswan_child_received_packets_total", "connection", "gw-twin", "child", "twin-net"), 0)
}

// requireFirstEvents insists that every SA that came up was counted, and nothing else.
func requireFirstEvents(t *testing.T, l *lab.Lab, p *page, children map[string]string) {
	t.Helper()
	for child, connection := range children {
		sas, ikes := 1.0, 1.0
		switch child {
		case "rw-net":
			sas, ikes = 2, 2
		case "twin-net":
			ikes = 0
		}
		require.InDelta(t, ikes, p.value(t, "strongswan_ike_sas_established_total", "connection", connection), 0, connection)
		require.InDelta(t, sas, p.value(t, "strongswan_child_sas_established_total", "connection", connection, "child", child), 0, child)
	}
	for _, metric := range []string{
		"ike_sas_terminated", "ike_sas_failed", "ike_sas_rekeyed", "ike_sas_moved", "child_sas_terminated", "child_sas_rekeyed",
	} {
		counts := p.series.of("strongswan_" + metric + "_total")
		require.NotEmpty(t, counts)
		for id, n := range counts {
			require.Zero(t, n, id)
		}
	}
	require.InDelta(t, 1, p.value(t, "strongswan_event_stream_connects_total"), 0)
	for event, supported := range map[string]bool{
		"ike-updown": true, "child-updown": true, "ike-rekey": true, "child-rekey": true,
		"ike-update": l.Version() != "5.9.1", "alert": l.HasPostQuantum(), // since 5.9.2, since 6.0.3
	} {
		require.Equal(t, supported, p.value(t, "strongswan_event_supported", "event", event) == 1, event)
	}
}

// requirePeers compares what a page tells of peers.
func requirePeers(ctx context.Context, t *testing.T, g *lab.Gateway, p *page) {
	t.Helper()
	e := newExpectation()
	for _, sa := range list(ctx, t, g, "--list-sas") {
		v := sa.values
		peer := v["remote-id"]
		for _, key := range []string{"remote-xauth-id", "remote-eap-id"} {
			if v[key] != "" {
				peer = v[key]
			}
		}
		labels := []string{"connection", sa.name, "peer", peer}
		e.exact.add(1, "strongswan_peer_ike_sas", labels...)
		for _, child := range sa.section("child-sas").sections {
			for key, metric := range trafficMetrics() {
				n, _ := child.number(t, key)
				e.exact.add(n, strings.Replace(metric, "_child_", "_peer_", 1), labels...)
			}
		}
	}
	e.require(t, p)
	require.Contains(t, e.exact, seriesName("strongswan_peer_ike_sas", "connection", "rw-eap", "peer", "carol"))
	require.InDelta(t, 1, p.value(t, "strongswan_peer_info", "connection", "rw-eap", "peer", "dave", "version", "2",
		"remote_host", "192.0.2.3", "virtual_ips", "10.3.0.2", "encryption", "AES_CBC_256", "integrity", "HMAC_SHA2_256_128",
		"prf", "PRF_HMAC_SHA2_256", "key_exchange", "CURVE_25519", "nat", "remote"), 0)
	require.Zero(t, p.value(t, "strongswan_peers_dropped"))
}

// requireGoodExporter insists that the exporter is content with the daemon.
func requireGoodExporter(t *testing.T, e *exporter, p *page) {
	t.Helper()
	require.InDelta(t, 1, p.value(t, "strongswan_up"), 0)
	successes := p.series.of("strongswan_scrape_collector_success")
	require.Len(t, successes, 12)
	for id, success := range successes {
		require.InDelta(t, 1, success, 0, id)
	}
	require.Zero(t, p.value(t, "strongswan_sweep_unlisted_ike_sas"))
	require.Empty(t, p.series.of("strongswan_vici_request_errors_total", "strongswan_vici_values_rejected_total"))
	require.Empty(t, e.logged(`"level":"WARN"`))
	require.Empty(t, e.logged(`"level":"ERROR"`))
}

// requireSteadyMoments insists that timestamps are the same in two pages between which nothing happened.
func requireSteadyMoments(t *testing.T, first, second *page) {
	t.Helper()
	moments := func(p *page) series {
		found := p.daemonSeries()
		for id := range found {
			if !strings.HasSuffix(metricOf(id), "_timestamp_seconds") && metricOf(id) != "strongswan_start_time_seconds" {
				delete(found, id)
			}
		}
		return found
	}
	require.Equal(t, moments(first), moments(second))
	require.Greater(t, len(moments(first)), 40)
}

// requirePromtool insists that Prometheus' linter has nothing to say.
func requirePromtool(ctx context.Context, t *testing.T, p *page) {
	t.Helper()
	promtool := exec.CommandContext(ctx, "promtool", "check", "metrics")
	promtool.Stdin = strings.NewReader(p.text)
	output, err := promtool.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Empty(t, string(output))
}
