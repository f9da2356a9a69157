// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"fmt"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// DefaultSeriesLimit bounds the number of series where nothing else is configured.
const DefaultSeriesLimit = 2_000_000

var seriesDropped = gauge("series_dropped",
	fmt.Sprintf("Number of series that are left out, since there would be more than the limit: of whole metrics, the largest first; "+
		"and of peer_info, for IKE_SAs of a peer that has %d already.", maxPeerInfos))

// A seriesLimit bounds the series of a page.
type seriesLimit struct {
	most    int
	created bool // created timestamps become series, too
}

// fit leaves out families, the largest first, until there are no more series than the limit together with those that are always
// there. A family is never cut: a sum over a part of it would be wrong without a sign, while one that is missing shows.
func (l seriesLimit) fit(families []*dto.MetricFamily, always int) (left []*dto.MetricFamily, dropped int) {
	size := make(map[*dto.MetricFamily]int, len(families))
	excess := always - l.most
	for _, f := range families {
		size[f] = l.seriesOf(f)
		excess += size[f]
	}
	if excess <= 0 {
		return families, 0
	}
	bySize := slices.SortedStableFunc(slices.Values(families), func(a, b *dto.MetricFamily) int { return cmp.Compare(size[b], size[a]) })
	out := make(map[*dto.MetricFamily]bool)
	for _, f := range bySize {
		if dropped >= excess {
			break
		}
		out[f] = true
		dropped += size[f]
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return out[f] }), dropped
}

// seriesOf counts the series that Prometheus makes of families.
func (l seriesLimit) seriesOf(families ...*dto.MetricFamily) (n int) {
	for _, f := range families {
		each := 1
		if f.GetType() == dto.MetricType_HISTOGRAM && len(f.Metric) > 0 {
			const infSumCount = 3
			each = len(f.Metric[0].GetHistogram().GetBucket()) + infSumCount
		}
		n += each * len(f.Metric)
		if l.created {
			n += createdSamples(f)
		}
	}
	return n
}

func createdSamples(f *dto.MetricFamily) (n int) {
	for _, m := range f.Metric {
		n += btoi(m.GetCounter().GetCreatedTimestamp() != nil || m.GetHistogram().GetCreatedTimestamp() != nil)
	}
	return n
}
