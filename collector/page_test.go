// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"
)

// declare makes declarations for the tests of pages.
func declare() (plain, labelled, counted *Metric) {
	return gauge("plain", "Without labels."), gauge("labelled", "With labels.", "a", "b"), counter("counted_total", "Counted.", "a")
}

func TestPage(t *testing.T) {
	plain, labelled, counted := declare()
	p := NewPage()
	p.Gauge(plain, 0.5, nil)
	p.Gauge(labelled, 3, newLabels("b", "2", "a", "2"))
	p.Counter(counted, 7, time.Time{}, newLabels("a", "x"))
	p.Gauge(labelled, 1, newLabels("a", "1", "b", "10"))
	p.Gauge(labelled, 2, newLabels("a", "1", "b", "2"))
	require.Equal(t, `# HELP strongswan_counted_total Counted.
# TYPE strongswan_counted_total counter
strongswan_counted_total{a="x"} 7
# HELP strongswan_labelled With labels.
# TYPE strongswan_labelled gauge
strongswan_labelled{a="1",b="10"} 1
strongswan_labelled{a="1",b="2"} 2
strongswan_labelled{a="2",b="2"} 3
# HELP strongswan_plain Without labels.
# TYPE strongswan_plain gauge
strongswan_plain 0.5
`, text(t, p.Families()))
}

func TestEmptyPage(t *testing.T) { require.Empty(t, NewPage().Families()) }

// OpenMetrics carries when a counter began, where that is known.
func TestCreatedTimestamps(t *testing.T) {
	_, _, counted := declare()
	p := NewPage()
	p.Counter(counted, 7, recordedAt, newLabels("a", "known"))
	p.Counter(counted, 8, time.Time{}, newLabels("a", "unknown"))
	var b bytes.Buffer
	_, err := expfmt.MetricFamilyToOpenMetrics(&b, p.Families()[0], expfmt.WithCreatedLines())
	require.NoError(t, err)
	require.Equal(t, `# HELP strongswan_counted Counted.
# TYPE strongswan_counted counter
strongswan_counted_total{a="known"} 7.0
strongswan_counted_created{a="known"} 1.795370963e+09
strongswan_counted_total{a="unknown"} 8.0
`, b.String())
}

// Samples in slabs keep their values however many there are.
func TestManySamples(t *testing.T) {
	_, labelled, _ := declare()
	p := NewPage()
	const n = 3*maxSlab + 5
	for i := range n {
		p.Gauge(labelled, float64(i), newLabels("a", fmt.Sprintf("%06d", i), "b", ""))
	}
	families := p.Families()
	require.Len(t, families, 1)
	require.Len(t, families[0].Metric, n)
	for i, m := range families[0].Metric {
		require.InDelta(t, i, m.Gauge.GetValue(), 0)
	}
}

// A page that is begun anew has nothing of what it had, and uses its memory.
func TestPageAgain(t *testing.T) {
	plain, labelled, counted := declare()
	p := NewPage()
	fill := func(first, n int, created time.Time) string {
		for i := first; i < first+n; i++ {
			labels := newLabels("a", fmt.Sprintf("%06d", i), "b", "")
			p.Gauge(labelled, float64(i%7)-1, labels)
			p.Counter(counted, float64(i%3), created, labels[:1])
		}
		return text(t, p.Families())
	}
	first := fill(0, 100, recordedAt)
	p.Gauge(plain, 1, nil)
	sample := p.Families()[1].Metric[0]

	p.reset()
	require.Empty(t, p.Families())
	require.Equal(t, first, fill(0, 100, recordedAt))
	require.Same(t, sample, p.Families()[1].Metric[0])

	p.reset()
	later := fill(50, 100, recordedAt.Add(time.Hour))
	require.NotContains(t, later, `"000049"`)
	require.Equal(t, recordedAt.Add(time.Hour), p.Families()[0].Metric[0].Counter.CreatedTimestamp.AsTime())

	p.reset()
	fill(0, 10, recordedAt)
	p.reset()
	require.NotContains(t, p.families, labelled, "the memory of a hundred samples is too much for ten")
}

// Making a page of what it had before takes no memory.
func TestPageAllocations(t *testing.T) {
	_, labelled, counted := declare()
	labels := make([]Labels, 1000)
	for i := range labels {
		labels[i] = newLabels("a", fmt.Sprintf("%06d", i), "b", "")
	}
	p := NewPage()
	fill := func() {
		p.reset()
		for i, l := range labels {
			p.Gauge(labelled, float64(i), l)
			p.Counter(counted, float64(i), recordedAt, l[:1])
		}
	}
	fill()
	require.Zero(t, testing.AllocsPerRun(10, fill))
}

func TestCompareLabels(t *testing.T) {
	sorted := []Labels{
		newLabels("a", "1"),
		newLabels("a", "2"),
		newLabels("a", "1", "b", "1"),
		newLabels("a", "1", "b", "2"),
		newLabels("a", "2", "b", "1"),
	}
	for i, a := range sorted {
		for j, b := range sorted {
			got := compareLabels(a, b)
			require.Equal(t, i < j, got < 0)
			require.Equal(t, i > j, got > 0)
		}
	}
}

func TestMetricTakes(t *testing.T) {
	_, labelled, _ := declare()
	require.Equal(t, dto.MetricType_GAUGE, labelled.Type)
	require.True(t, labelled.takes(newLabels("b", "", "a", "")))
	require.False(t, labelled.takes(newLabels("a", "")))
	require.False(t, labelled.takes(newLabels("a", "", "c", "")))
	require.False(t, labelled.takes(nil))
}
