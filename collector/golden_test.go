// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each source turns the recorded answers of each daemon into exactly the samples of its golden file.
func TestGolden(t *testing.T) {
	for _, version := range recordings {
		for _, info := range Infos() {
			t.Run(version+"/"+info.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newTestbed(t, replay(t, version), only(info.Name))
					families := declaredBy(b.gather(), info.Metrics())
					compareGolden(t, filepath.Join("testdata", "golden", version, info.Name+".prom"), text(t, families))
				})
			})
		}
	}
}

// declaredBy leaves out families of others.
func declaredBy(families []*dto.MetricFamily, metrics []*Metric) []*dto.MetricFamily {
	return slices.DeleteFunc(slices.Clone(families), func(f *dto.MetricFamily) bool { return declaration(metrics, f.GetName()) == nil })
}

func declaration(metrics []*Metric, name string) *Metric {
	for _, m := range metrics {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update and review what it writes")
	require.Empty(t, difference(string(want), got), "run the test with -update if that is right")
}

// difference returns the lines that only one of two texts has, or a note where just the order differs.
func difference(want, got string) []string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	var lines []string
	for _, line := range wanted {
		if !slices.Contains(gotten, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range gotten {
		if !slices.Contains(wanted, line) {
			lines = append(lines, "+ "+line)
		}
	}
	if len(lines) == 0 && want != got {
		return []string{"the order or number of lines differs"}
	}
	return lines
}

// Whatever sources give is what the official registry, in its strictest form, would have accepted and written.
func TestPagesAreWhatARegistryWrites(t *testing.T) {
	for _, version := range recordings {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTestbed(t, replay(t, version), everything)
				requirePedantic(t, b.gather())
				requirePedantic(t, b.gather()) // with what was kept from the first round
			})
		})
	}
}

// requirePedantic holds that families are declared, and equal byte for byte to those of a registry.
func requirePedantic(t *testing.T, families []*dto.MetricFamily) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(reemitter{t, families}))
	registered, err := registry.Gather()
	require.NoError(t, err)
	require.Empty(t, difference(text(t, registered), text(t, families)))

	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func allMetrics() []*Metric {
	metrics := OwnMetrics()
	for _, info := range Infos() {
		metrics = append(metrics, info.Metrics()...)
	}
	return metrics
}

// A reemitter is a collector as the official library wants it, made of a page.
type reemitter struct {
	t        *testing.T
	families []*dto.MetricFamily
}

func describe(m *Metric) *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

func (r reemitter) Describe(out chan<- *prometheus.Desc) {
	for _, m := range allMetrics() {
		out <- describe(m)
	}
}

func (r reemitter) Collect(out chan<- prometheus.Metric) {
	for _, f := range r.families {
		m := declaration(allMetrics(), f.GetName())
		require.NotNil(r.t, m, "%s is not declared", f.GetName())
		require.Equal(r.t, m.Help, f.GetHelp())
		require.Equal(r.t, m.Type, f.GetType())
		require.NotEmpty(r.t, f.Metric)
		for _, sample := range f.Metric {
			require.True(r.t, m.takes(sample.Label), "%s has labels %v", m.Name, sample.Label)
			out <- r.metric(m, sample)
		}
	}
}

// metric makes a sample anew, with labels in the order that the library gives them.
func (r reemitter) metric(m *Metric, sample *dto.Metric) prometheus.Metric {
	values := make([]string, len(m.Labels))
	for i, name := range m.Labels {
		for _, pair := range sample.Label {
			if pair.GetName() == name {
				values[i] = pair.GetValue()
			}
		}
	}
	switch m.Type {
	case dto.MetricType_GAUGE:
		require.NotNil(r.t, sample.Gauge)
		return prometheus.MustNewConstMetric(describe(m), prometheus.GaugeValue, sample.Gauge.GetValue(), values...)
	case dto.MetricType_COUNTER:
		require.NotNil(r.t, sample.Counter)
		require.GreaterOrEqual(r.t, sample.Counter.GetValue(), 0.0)
		return prometheus.MustNewConstMetric(describe(m), prometheus.CounterValue, sample.Counter.GetValue(), values...)
	default:
		require.NotNil(r.t, sample.Histogram)
		return asIs{describe(m), sample}
	}
}

// asIs is a metric that was made elsewhere.
type asIs struct {
	desc   *prometheus.Desc
	sample *dto.Metric
}

func (m asIs) Desc() *prometheus.Desc { return m.desc }

func (m asIs) Write(out *dto.Metric) error {
	proto.Merge(out, m.sample)
	return nil
}

// Declarations keep the rules of the project and of Prometheus, also those of which no recording has a sample.
func TestDeclarations(t *testing.T) {
	seen := make(map[string]bool)
	var samples []*dto.MetricFamily
	for _, m := range allMetrics() {
		require.False(t, seen[m.Name], "%s is declared twice", m.Name)
		seen[m.Name] = true
		require.Regexp(t, `^strongswan_[a-z0-9_]+$`, m.Name)
		require.Regexp(t, `^[A-Z].*[.]$`, m.Help, m.Name)
		require.Equal(t, m.Type == dto.MetricType_COUNTER, strings.HasSuffix(m.Name, "_total"), m.Name)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(m.Labels))), len(m.Labels), "%s repeats a label", m.Name)
		for _, label := range m.Labels {
			require.Regexp(t, `^[a-z][a-z0-9_]*$`, label, m.Name)
		}
		samples = append(samples, sampleOf(m))
	}
	problems, err := promlint.NewWithMetricFamilies(samples).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// sampleOf is a family with one sample of a declaration.
func sampleOf(m *Metric) *dto.MetricFamily {
	page := NewPage()
	var labels Labels
	for _, name := range m.Labels {
		labels = labels.with(pair(name, "x"))
	}
	switch m.Type {
	case dto.MetricType_GAUGE:
		page.Gauge(m, 1, labels)
	case dto.MetricType_COUNTER:
		page.Counter(m, 1, recordedAt, labels)
	default:
		page.Histogram(m, &dto.Histogram{SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1)}, labels)
	}
	return page.Families()[0]
}
