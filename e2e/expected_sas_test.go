// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// An expectation is what the exporter must expose, as far as it follows from what swanctl says.
type expectation struct {
	exact   series // values that do not move
	moments series // timestamps, to be met within momentTolerance
}

// momentTolerance is by how many seconds a timestamp may differ from what swanctl's ages give: both are cut to
// seconds, and seconds apart.
const momentTolerance = 2

func newExpectation() *expectation {
	return &expectation{exact: make(series), moments: make(series)}
}

// later takes the later of two moments for a series, earlier the earlier one.
func (e *expectation) later(moment float64, metric string, labels ...string) {
	id := seriesName(metric, labels...)
	e.moments[id] = max(e.moments[id], moment)
}

func (e *expectation) earlier(moment float64, metric string, labels ...string) {
	id := seriesName(metric, labels...)
	if other, ok := e.moments[id]; ok {
		moment = min(moment, other)
	}
	e.moments[id] = moment
}

// require insists that the page has what is expected, and of the metrics that are expected nothing else.
func (e *expectation) require(t *testing.T, p *page) {
	t.Helper()
	require.Equal(t, e.exact, p.series.of(e.exact.metrics()...))
	got := p.series.of(e.moments.metrics()...)
	for id, want := range e.moments {
		require.Contains(t, got, id)
		require.InDelta(t, want, got[id], momentTolerance, id)
	}
	require.Len(t, got, len(e.moments), "want %v, got %v", e.moments, got)
}

// requireSAs compares all that a page tells of SAs and their traffic with what swanctl lists. The SAs must be
// the first ones of their children and older than the page.
func requireSAs(ctx context.Context, t *testing.T, g *lab.Gateway, p *page) {
	t.Helper()
	e := newExpectation()
	conns := list(ctx, t, g, "--list-conns")
	owners := childOwners(conns)
	e.expectZeroTraffic(conns)
	now := float64(time.Now().Unix())
	for _, sa := range list(ctx, t, g, "--list-sas") {
		e.expectIKE(t, sa, now)
		for _, child := range sa.section("child-sas").sections {
			e.expectChild(t, child, owners[child.values["name"]], now)
		}
	}
	require.NotEmpty(t, e.moments)
	e.require(t, p)
}

// childOwners returns the connection of each child; in the laboratory no two connections have one of the same name.
func childOwners(conns []*section) map[string]string {
	owners := make(map[string]string)
	for _, conn := range conns {
		for _, child := range conn.section("children").sections {
			owners[child.name] = conn.name
		}
	}
	return owners
}

func (e *expectation) expectIKE(t *testing.T, sa *section, now float64) {
	t.Helper()
	c := []string{"connection", sa.name}
	with := func(labels ...string) []string { return append(slices.Clone(c), labels...) }
	v := sa.values
	e.exact.add(1, "strongswan_ike_sas", with("version", v["version"], "state", v["state"])...)
	e.exact.add(one(v["initiator"]), "strongswan_ike_sas_initiated", c...)
	e.exact.add(1, "strongswan_ike_sa_suites", with("encryption", encryption(v), "integrity", v["integ-alg"],
		"prf", v["prf-alg"], "key_exchange", keyExchange(v), "ppk", cmp.Or(v["ppk"], "no"))...)
	for _, side := range []string{"local", "remote"} {
		e.exact.add(one(v["nat-"+side]), "strongswan_ike_sas_nat", with("side", side)...)
		e.exact.add(float64(len(sa.lists[side+"-vips"])), "strongswan_virtual_ips", with("side", side)...)
	}
	for _, queue := range []string{"queued", "active", "passive"} {
		e.exact.add(float64(len(sa.lists["tasks-"+queue])), "strongswan_ike_sa_tasks", with("queue", queue)...)
	}
	if age, ok := sa.number(t, "established"); ok {
		e.later(now-age, "strongswan_ike_sa_established_timestamp_seconds", c...)
	}
	if left, ok := sa.number(t, "rekey-time"); ok {
		e.earlier(now+left, "strongswan_ike_sa_rekey_timestamp_seconds", c...)
	}
	if left, ok := sa.number(t, "reauth-time"); ok {
		e.earlier(now+left, "strongswan_ike_sa_reauth_timestamp_seconds", c...)
	}
}

func (e *expectation) expectChild(t *testing.T, child *section, connection string, now float64) {
	t.Helper()
	v := child.values
	c := []string{"connection", connection, "child", v["name"]}
	with := func(labels ...string) []string { return append(slices.Clone(c), labels...) }
	e.exact.add(1, "strongswan_child_sas", with("mode", v["mode"], "protocol", v["protocol"], "state", v["state"])...)
	e.exact.add(one(v["encap"]), "strongswan_child_sas_udp_encapsulated", c...)
	e.exact.add(1, "strongswan_child_sa_suites", with("protocol", v["protocol"], "encryption", encryption(v),
		"integrity", v["integ-alg"], "key_exchange", keyExchange(v), "esn", cmp.Or(v["esn"], "no"))...)
	for key, metric := range trafficMetrics() {
		n, ok := child.number(t, key)
		require.True(t, ok, key)
		e.exact.add(n, metric, c...)
	}
	installed, ok := child.number(t, "install-time")
	require.True(t, ok)
	e.later(now-installed, "strongswan_child_sa_installed_timestamp_seconds", c...)
	if left, ok := child.number(t, "rekey-time"); ok {
		e.earlier(now+left, "strongswan_child_sa_rekey_timestamp_seconds", c...)
	}
	if left, ok := child.number(t, "life-time"); ok {
		e.earlier(now+left, "strongswan_child_sa_expiry_timestamp_seconds", c...)
	}
	if age, ok := child.number(t, "use-in"); ok {
		e.later(now-age, "strongswan_child_last_received_timestamp_seconds", c...)
	}
	if age, ok := child.number(t, "use-out"); ok {
		e.later(now-age, "strongswan_child_last_sent_timestamp_seconds", c...)
	}
}

// trafficMetrics are the traffic totals, by the key under which swanctl has an SA's part of it.
func trafficMetrics() map[string]string {
	return map[string]string{
		"bytes-in": "strongswan_child_received_bytes_total", "packets-in": "strongswan_child_received_packets_total",
		"bytes-out": "strongswan_child_sent_bytes_total", "packets-out": "strongswan_child_sent_packets_total",
	}
}

// expectZeroTraffic expects the totals of all children, from 0 on.
func (e *expectation) expectZeroTraffic(conns []*section) {
	for _, conn := range conns {
		for _, child := range conn.section("children").sections {
			if isShunt(child) {
				continue
			}
			for _, metric := range trafficMetrics() {
				e.exact.add(0, metric, "connection", conn.name, "child", child.name)
			}
		}
	}
}

func isShunt(child *section) bool {
	return child.values["mode"] == "PASS" || child.values["mode"] == "DROP"
}

func one(flag string) float64 {
	if flag == "yes" {
		return 1
	}
	return 0
}

// encryption names an SA's cipher with the size of its key, where the daemon tells that.
func encryption(v map[string]string) string {
	if size := v["encr-keysize"]; size != "" {
		return v["encr-alg"] + "_" + size
	}
	return v["encr-alg"]
}

func keyExchange(v map[string]string) string {
	methods := []string{v["dh-group"]}
	for i := 1; v[fmt.Sprintf("ake%d", i)] != ""; i++ {
		methods = append(methods, v[fmt.Sprintf("ake%d", i)])
	}
	return strings.Join(methods, "+")
}
