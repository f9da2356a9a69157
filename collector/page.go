// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A Page holds samples as the metric families that the official library
// encodes. It is built by one goroutine and read-only afterwards.
//
// It exists since a registry with constant metrics costs ten times as much per sample, mostly
// for checks of what holds here by construction (and is checked by tests): samples come in slabs and share their labels.
type Page struct {
	families map[*Metric]*dto.MetricFamily
	metrics  slab[dto.Metric]
	gauges   slab[dto.Gauge]
	counters slab[dto.Counter]
	values   slab[float64]
	pairs    pairCache
}

// NewPage returns an empty page.
func NewPage() *Page {
	return &Page{families: make(map[*Metric]*dto.MetricFamily), pairs: make(pairCache)}
}

// A slab hands out pointers to values that are allocated many at a time.
type slab[T any] struct {
	free []T
	size int // of the last allocation
}

// Slabs grow from the first size to the last, so that small pages stay small.
const (
	minSlab = 16
	maxSlab = 2048
)

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.size = min(max(minSlab, 2*s.size), maxSlab)
		s.free = make([]T, s.size)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}

// Gauge adds a sample of a gauge. Each metric takes any labels once.
func (p *Page) Gauge(m *Metric, value float64, labels Labels) {
	g := p.gauges.next()
	g.Value = p.value(value)
	p.add(m, labels).Gauge = g
}

// Counter adds a sample of a counter that began to count at a moment; the zero Time
// means that the moment is not known.
func (p *Page) Counter(m *Metric, value float64, created time.Time, labels Labels) {
	c := p.counters.next()
	c.Value = p.value(value)
	if !created.IsZero() {
		c.CreatedTimestamp = timestamppb.New(created)
	}
	p.add(m, labels).Counter = c
}

// Histogram adds a histogram.
func (p *Page) Histogram(m *Metric, h *dto.Histogram, labels Labels) {
	p.add(m, labels).Histogram = h
}

func (p *Page) value(v float64) *float64 {
	f := p.values.next()
	*f = v
	return f
}

func (p *Page) add(m *Metric, labels Labels) *dto.Metric {
	f, ok := p.families[m]
	if !ok {
		f = &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &m.Type}
		p.families[m] = f
	}
	sample := p.metrics.next()
	sample.Label = labels
	f.Metric = append(f.Metric, sample)
	return sample
}

// pair returns a label pair that samples of this page share.
func (p *Page) pair(name, value string) *dto.LabelPair { return p.pairs.pair(name, value) }

// Families returns the families, sorted by name, with their samples sorted by label values.
func (p *Page) Families() []*dto.MetricFamily {
	families := make([]*dto.MetricFamily, 0, len(p.families))
	for _, f := range p.families {
		if !slices.IsSortedFunc(f.Metric, compareSamples) {
			slices.SortFunc(f.Metric, compareSamples)
		}
		families = append(families, f)
	}
	sortFamilies(families)
	return families
}

func compareSamples(a, b *dto.Metric) int { return compareLabels(a.Label, b.Label) }

func sortFamilies(families []*dto.MetricFamily) {
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
}
