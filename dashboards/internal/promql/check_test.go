// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

func contract() promql.Contract {
	return promql.Contract{
		"up":           {Labels: []string{"job", "instance"}},
		"tunnel_up":    {Labels: []string{"job", "instance", "tunnel"}},
		"tunnel_info":  {Labels: []string{"job", "instance", "tunnel", "peer"}},
		"bytes_total":  {Labels: []string{"job", "instance", "tunnel"}, Counter: true},
		"times_bucket": {Labels: []string{"job", "instance", "le"}, Counter: true},
	}
}

func TestCheckKnowsWhichLabelsAreKept(t *testing.T) {
	for expr, want := range map[string][]string{
		`tunnel_up{job="a"} == 0`:                                     {"job", "instance", "tunnel"},
		`sum(tunnel_up)`:                                              nil,
		`sum by (tunnel) (rate(bytes_total[5m])) * 8`:                 {"tunnel"},
		`sum without (tunnel) (tunnel_up)`:                            {"job", "instance"},
		`topk(3, tunnel_up)`:                                          {"job", "instance", "tunnel"},
		`time() - up`:                                                 {"job", "instance"},
		`up and on (instance) tunnel_up`:                              {"job", "instance"},
		`up or tunnel_up`:                                             {"job", "instance"},
		`up * on (instance) up`:                                       {"instance"},
		`up * ignoring (job) up`:                                      {"instance"},
		`tunnel_up * on (tunnel) group_left (peer) tunnel_info`:       {"job", "instance", "tunnel", "peer"},
		`histogram_quantile(0.5, sum by (le) (times_bucket))`:         nil,
		`vector(1)`:                                                   nil,
		`max_over_time(timestamp(tunnel_up == 1)[1h:1m])`:             {"job", "instance", "tunnel"},
		`-(tunnel_up @ end())`:                                        {"job", "instance", "tunnel"},
		`up * on (instance) group_right (job) (tunnel_up)`:            {"job", "instance", "tunnel", "job"},
		`count by (job, instance) (tunnel_up) > 1 unless on (job) up`: {"job", "instance"},
	} {
		result, err := contract().Check(expr)
		require.NoError(t, err, expr)
		require.ElementsMatch(t, want, result.Labels, expr)
		require.Equal(t, expr != "vector(1)", len(result.Metrics) > 0, expr)
	}
}

func TestCheckFindsWhatCannotWork(t *testing.T) {
	for expr, complaint := range map[string]string{
		`sum(`:                                  "parse error",
		`down`:                                  "no metric",
		`up{tunnel="a"}`:                        `no label "tunnel"`,
		`sum by (peer) (tunnel_up)`:             `label "peer"`,
		`up and on (tunnel) tunnel_up`:          "the left of and",
		`tunnel_up and on (tunnel) up`:          "the right of and",
		`tunnel_up and up`:                      "different labels",
		`tunnel_up * tunnel_info`:               "different labels",
		`up * on (job) group_left (peer) up`:    "group_left",
		`label_replace(up, "a", "b", "c", "d")`: "cannot judge",
	} {
		_, err := contract().Check(expr)
		require.ErrorContains(t, err, complaint, expr)
	}
}

func TestDeclaredHasWhatTheExporterDeclares(t *testing.T) {
	declared := promql.Declared()
	require.Equal(t, []string{"job", "instance", "connection", "version", "state"}, declared["strongswan_ike_sas"].Labels)
	require.True(t, declared["strongswan_child_received_bytes_total"].Counter)
	require.True(t, declared["strongswan_ike_sa_session_seconds_bucket"].Own)
	require.NotContains(t, declared, "strongswan_ike_sa_session_seconds")
	require.False(t, declared["up"].Own)
	require.Contains(t, declared["ALERTS"].Labels, "connection")
}
