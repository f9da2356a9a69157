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
	whole, leftOut := true, 0
	for _, name := range only {
		p := partOf(parts, name)
		if p == nil {
			own.Gauge(collectorSuccess, 0, newLabels("collector", name))
			whole = false
			continue
		}
		own.Gauge(collectorSuccess, float64(btoi(p.err == nil)), newLabels("collector", name))
		own.Gauge(collectorDuration, p.took.Seconds(), newLabels("collector", name))
		families = append(families, p.families...)
		if p.families != nil {
			leftOut += p.page.leftOut
		}
	}
	p := partOf(parts, upPart)
	own.Gauge(up, float64(btoi(p != nil && p.err == nil)), nil)
	own.Gauge(exporterStart, float64(c.began.Unix()), nil)
	c.requests.emit(own)
	families, dropped := c.limit.fit(families, c.limit.seriesOf(own.Families()...)+1) // and the one that tells what is dropped
	own.Gauge(seriesDropped, float64(dropped+leftOut), nil)
	if whole { // others tell nothing of whether the limit holds from now on
		c.changes.limit(only, dropped)
	}
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
