// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// view puts a page together of the finished parts of some sources.
func (c *Collector) view(parts []*part, only []string) []*dto.MetricFamily {
	own := NewPage()
	var families []*dto.MetricFamily
	for _, name := range only {
		p := partOf(parts, name)
		if p == nil {
			own.Gauge(collectorSuccess, 0, newLabels("collector", name))
			continue
		}
		own.Gauge(collectorSuccess, float64(btoi(p.err == nil)), newLabels("collector", name))
		own.Gauge(collectorDuration, p.took.Seconds(), newLabels("collector", name))
		families = append(families, p.families...)
	}
	p := partOf(parts, upPart)
	own.Gauge(up, float64(btoi(p != nil && p.err == nil)), nil)
	own.Gauge(exporterStart, float64(c.began.Unix()), nil)
	families, _, dropped := fit(families, c.limit)
	own.Gauge(seriesDropped, float64(dropped), nil)
	c.changes.limit(dropped)
	c.requests.emit(own)
	families = append(families, own.Families()...)
	sortFamilies(families)
	return families
}

func partOf(parts []*part, name string) *part {
	i := slices.IndexFunc(parts, func(p *part) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return parts[i]
}
