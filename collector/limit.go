// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// DefaultSeriesLimit bounds the number of series where nothing else is configured.
const DefaultSeriesLimit = 2_000_000

var seriesDropped = gauge("series_dropped",
	"Number of series that are left out, since there would be more than the limit; families are left out as a whole, the largest first.")

// fit leaves out families, the largest first, until no more than room series are left. A family is never cut: a sum
// over a part of it would be wrong without a sign, while one that is missing shows. It returns the number of series in what is left
// and in what was left out.
func fit(families []*dto.MetricFamily, room int) (left []*dto.MetricFamily, kept, dropped int) {
	for _, f := range families {
		kept += seriesOf(f)
	}
	if kept <= room {
		return families, kept, 0
	}
	bySize := slices.SortedFunc(slices.Values(families), func(a, b *dto.MetricFamily) int {
		return cmp.Compare(seriesOf(b), seriesOf(a))
	})
	out := make(map[*dto.MetricFamily]bool)
	for _, f := range bySize {
		if kept <= room {
			break
		}
		out[f] = true
		kept -= seriesOf(f)
		dropped += seriesOf(f)
	}
	left = slices.DeleteFunc(slices.Clone(families), func(f *dto.MetricFamily) bool { return out[f] })
	return left, kept, dropped
}

// seriesOf counts the series that Prometheus makes of a family.
func seriesOf(f *dto.MetricFamily) int {
	if f.GetType() != dto.MetricType_HISTOGRAM || len(f.Metric) == 0 {
		return len(f.Metric)
	}
	const infSumCount = 3
	return len(f.Metric) * (len(f.Metric[0].GetHistogram().GetBucket()) + infSumCount)
}
