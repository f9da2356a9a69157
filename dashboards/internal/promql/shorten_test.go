// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShorten(t *testing.T) {
	for expr, want := range map[string]string{
		"increase(a_total[15m] offset 1h) > 3":                     "increase(a_total[15s] offset 1m) > 3",
		"max_over_time((a > 1)[2h:1m])":                            "max_over_time((a > 1)[2m:1s])",
		"time() - a_timestamp_seconds > 300":                       "time() - a_timestamp_seconds > 5",
		"a_timestamp_seconds > time() - 60":                        "a_timestamp_seconds > time() - 1",
		"900 > time() - a_start_time_seconds":                      "15 > time() - a_start_time_seconds",
		"a_interval_seconds < 600":                                 "a_interval_seconds < 10",
		"max by (x) (a_timestamp_seconds) - time() < 21 * 86400":   "max by (x) (a_timestamp_seconds) - time() < 21 * 86400",
		"a_timestamp_seconds - time() < 0.1 * a_timestamp_seconds": "a_timestamp_seconds - time() < 0.1 * a_timestamp_seconds",
		"scrape_duration_seconds > 5":                              "scrape_duration_seconds > 5",
		"changes(a[30m]) / 2 > 5":                                  "changes(a[30s]) / 2 > 5",
	} {
		got, err := Shorten(expr, 60)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestShortenRefuses(t *testing.T) {
	_, err := Shorten("a >", 60)
	require.ErrorContains(t, err, "parse error")
	_, err = Shorten("rate(a[1s])", 60)
	require.ErrorContains(t, err, "no whole number of milliseconds")
}
