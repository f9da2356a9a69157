// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A Page holds samples as the metric families that the official library
// encodes. It is built by one goroutine and read-only afterwards, until [Page.reset] begins it anew.
//
// It exists since a registry with constant metrics costs ten times as much per sample, mostly
// for checks of what holds here by construction (and is checked by tests): samples come in slabs, in the order in
// which they are encoded, and share their labels.
type Page struct {
	families map[*Metric]*family
	pairs    pairCache
	leftOut  int // series that are not there, since there would be too many

	small   [4]*dto.Gauge // of 0, 1, …, which most gauges are
	created time.Time     // of the last counter, since neighbours mostly have the same
	stamp   *timestamppb.Timestamp
	zero    *dto.Counter // of that moment

	last *dto.Metric // that was added, for the next one to share where it has the same labels and value
}

// NewPage returns an empty page.
func NewPage() *Page {
	return &Page{families: make(map[*Metric]*family), pairs: make(pairCache)}
}

// A family is a metric family with the memory of its samples.
type family struct {
	dto.MetricFamily

	samples  slab[dto.Metric]
	gauges   slab[gauge64]
	counters slab[counter64]
	unsorted bool // a sample was added that belongs before the one before it
}

// A gauge64 is a gauge with its value beside it.
type gauge64 struct {
	dto.Gauge

	value float64
}

// A counter64 is a counter with its value beside it.
type counter64 struct {
	dto.Counter

	value float64
}

// Gauge adds a sample of a gauge. Each metric takes any labels once.
func (p *Page) Gauge(m *Metric, value float64, labels Labels) {
	f := p.family(m)
	g := p.gauge(f, value)
	if last := p.last; last != nil && last.Gauge == g && same(last.Label, labels) {
		f.append(last)
		return
	}
	p.last = f.add(labels)
	p.last.Gauge = g
}

// same reports whether two labels are the same piece of memory.
func same(a, b Labels) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func (p *Page) gauge(f *family, value float64) *dto.Gauge {
	i := int(value)
	if i < 0 || i >= len(p.small) || float64(i) != value {
		return newGauge(f.gauges.next(), value)
	}
	if p.small[i] == nil {
		p.small[i] = newGauge(new(gauge64), value)
	}
	return p.small[i]
}

func newGauge(g *gauge64, value float64) *dto.Gauge {
	g.value = value
	g.Value = &g.value
	return &g.Gauge
}

// Counter adds a sample of a counter that began to count at a moment; the zero Time
// means that the moment is not known.
func (p *Page) Counter(m *Metric, value float64, created time.Time, labels Labels) {
	f := p.family(m)
	c := p.counter(f, value, created)
	if last := p.last; last != nil && last.Counter == c && same(last.Label, labels) {
		f.append(last)
		return
	}
	p.last = f.add(labels)
	p.last.Counter = c
}

func (p *Page) counter(f *family, value float64, created time.Time) *dto.Counter {
	if p.zero == nil || !created.Equal(p.created) {
		p.created, p.stamp = created, timestamp(created)
		p.zero = newCounter(new(counter64), 0, p.stamp)
	}
	if value == 0 {
		return p.zero
	}
	return newCounter(f.counters.next(), value, p.stamp)
}

func newCounter(c *counter64, value float64, created *timestamppb.Timestamp) *dto.Counter {
	c.value = value
	c.Value, c.CreatedTimestamp = &c.value, created
	return &c.Counter
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// Histogram adds a histogram.
func (p *Page) Histogram(m *Metric, h *dto.Histogram, labels Labels) {
	p.family(m).add(labels).Histogram = h
}

func (p *Page) family(m *Metric) *family {
	f, ok := p.families[m]
	if !ok {
		f = &family{MetricFamily: dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &m.Type}}
		p.families[m] = f
	}
	return f
}

// add appends a new sample with these labels.
func (f *family) add(labels Labels) *dto.Metric {
	sample := f.samples.next()
	sample.Label = labels
	f.append(sample)
	return sample
}

// append appends a sample. Comparing it right now with the one before costs a tenth of doing it later, when both have to be
// fetched from memory again.
func (f *family) append(sample *dto.Metric) {
	if n := len(f.Metric); n > 0 && !f.unsorted {
		f.unsorted = compareLabels(f.Metric[n-1].Label, sample.Label) > 0
	}
	f.Metric = append(f.Metric, sample)
}

// pair returns a label pair that samples of this page share.
func (p *Page) pair(name, value string) *dto.LabelPair { return p.pairs.pair(name, value) }

// Families returns the families, sorted by name, with their samples sorted by label values.
func (p *Page) Families() []*dto.MetricFamily {
	families := make([]*dto.MetricFamily, 0, len(p.families))
	for _, f := range p.families {
		if len(f.Metric) == 0 {
			continue // it had samples before the page was begun anew
		}
		if f.unsorted {
			slices.SortFunc(f.Metric, compareSamples)
		}
		families = append(families, &f.MetricFamily)
	}
	sortFamilies(families)
	return families
}

// reset empties the page, which nobody may be reading any more. It keeps the memory of each family unless most of
// it was not needed.
func (p *Page) reset() {
	clear(p.pairs)
	p.last = nil
	p.leftOut = 0
	for m, f := range p.families {
		if cap(f.Metric) > 4*max(len(f.Metric), minSlab) {
			delete(p.families, m)
			continue
		}
		clear(f.Metric)
		f.Metric, f.unsorted = f.Metric[:0], false
		f.samples.rewind()
		f.gauges.rewind()
		f.counters.rewind()
	}
}

// A sparePage is a page whose memory is free.
type sparePage struct {
	mu   sync.Mutex
	page *Page
}

// take returns an empty page.
func (s *sparePage) take() *Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := s.page
	if page == nil {
		return NewPage()
	}
	s.page = nil
	return page
}

// put takes a page that nobody reads any more.
func (s *sparePage) put(page *Page) {
	page.reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = page
}

func compareSamples(a, b *dto.Metric) int { return compareLabels(a.Label, b.Label) }

func sortFamilies(families []*dto.MetricFamily) {
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
}
