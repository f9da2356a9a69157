// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

// unused are the metrics that neither a dashboard nor a rule shows, and why.
func unused() map[string]string {
	return map[string]string{
		"strongswan_heap_allocations": "says nothing beside the allocated bytes",
	}
}

func TestEveryMetricServesAnOperator(t *testing.T) {
	declared := promql.Declared()
	used := map[string]bool{}
	note := func(expr string) {
		result, err := declared.Check(interpolate(expr))
		require.NoError(t, err)
		for _, name := range result.Metrics {
			used[name] = true
		}
	}
	for _, d := range dashboards(t) {
		for _, p := range d.pictures() {
			for _, q := range p.Targets {
				note(q.Expr)
			}
		}
	}
	for _, r := range rules(t, "alerts").all() {
		note(r.Expr)
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if declared[name].Own && unused()[name] == "" {
			require.True(t, used[name], "no dashboard or alert shows %s", name)
		}
		require.False(t, used[name] && unused()[name] != "", "%s is used, so it need not be excused", name)
	}
	for name := range unused() {
		require.Contains(t, declared, name)
	}
}
