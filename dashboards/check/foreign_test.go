// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fleet is a Prometheus with a gateway that is up, one whose exporter went away, one whose exporter never answered, one whose daemon
// is down, and of another job a target that is down, and one that is up on a gateway's host.
const fleet = `
      - {series: 'up{job="vpn", instance="fine"}', values: '1x60'}
      - {series: 'strongswan_up{job="vpn", instance="fine"}', values: '1x60'}
      - {series: 'scrape_duration_seconds{job="vpn", instance="fine"}', values: '1x60'}
      - {series: 'process_resident_memory_bytes{job="vpn", instance="fine"}', values: '10x60'}
      - {series: 'up{job="vpn", instance="gone"}', values: '1x20 0x40'}
      - {series: 'strongswan_up{job="vpn", instance="gone"}', values: '1x20 stale'}
      - {series: 'up{job="vpn", instance="never"}', values: '0x60'}
      - {series: 'up{job="vpn", instance="down"}', values: '1x60'}
      - {series: 'strongswan_up{job="vpn", instance="down"}', values: '0x60'}
      - {series: 'up{job="node", instance="elsewhere"}', values: '0x60'}
      - {series: 'up{job="node", instance="fine"}', values: '1x60'}
      - {series: 'scrape_duration_seconds{job="node", instance="fine"}', values: '9x60'}
      - {series: 'process_resident_memory_bytes{job="node", instance="fine"}', values: '90x60'}
`

// "All" jobs are not only those of the exporter.
func TestPanelsTellExportersFromOtherJobs(t *testing.T) {
	for _, c := range []struct{ board, panel, ref, want string }{
		{"strongswan-overview", "Gateways down", "A", `{labels: '{}', value: 3}`},
		{"strongswan-overview", "Gateways", "A", `
          {labels: '{job="vpn", instance="fine"}', value: 1}, {labels: '{job="vpn", instance="down"}', value: 0},
          {labels: '{job="vpn", instance="gone"}', value: -1}, {labels: '{job="vpn", instance="never"}', value: -1}`},
		{"strongswan-gateway", "Memory of the exporter", "A", `{labels: '{}', value: 10}`},
		{"strongswan-gateway", "Duration", "B", `{labels: '{}', value: 1}`},
	} {
		expr := exprOf(t, c.board, c.panel, c.ref)
		expr = strings.NewReplacer("$job", ".+", "$instance", ".+").Replace(interpolate(expr))
		requireFleetShows(t, expr, c.want)
	}
}

// exprOf returns an expression of a panel.
func exprOf(t *testing.T, board, title, ref string) string {
	t.Helper()
	for _, d := range dashboards(t) {
		for _, p := range d.pictures() {
			for _, q := range p.Targets {
				if d.UID == board && p.Title == title && q.RefID == ref {
					return q.Expr
				}
			}
		}
	}
	require.Fail(t, "no such query", "%s, %s, %s", board, title, ref)
	return ""
}

// requireFleetShows lets promtool evaluate an expression after half an hour.
func requireFleetShows(t *testing.T, expr, want string) {
	t.Helper()
	test := fmt.Sprintf(`tests:
  - interval: 1m
    input_series:%s    promql_expr_test:
      - {expr: %q, eval_time: 30m, exp_samples: [%s]}
`, fleet, expr, want)
	path := filepath.Join(t.TempDir(), "test.yml")
	require.NoError(t, os.WriteFile(path, []byte(test), 0o600))
	out, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", path).CombinedOutput()
	require.NoError(t, err, string(out))
}
