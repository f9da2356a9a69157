// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

// A page is the answer to a scrape.
type page struct {
	text     string
	families map[string]*dto.MetricFamily
	series   series // without the parts of histograms
}

// series are values by name and labels, as seriesName writes them.
type series map[string]float64

// parsePage reads a page. That a series stands there twice is an error, as it is for Prometheus.
func parsePage(status int, text string) (*page, error) {
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	p := &page{text: text, families: families, series: make(series)}
	seen := make(map[string]bool)
	for name, family := range families {
		for _, m := range family.GetMetric() {
			id := dtoName(name, m)
			if seen[id] {
				return nil, fmt.Errorf("series %s twice", id)
			}
			seen[id] = true
			switch family.GetType() {
			case dto.MetricType_GAUGE:
				p.series[id] = m.GetGauge().GetValue()
			case dto.MetricType_COUNTER:
				p.series[id] = m.GetCounter().GetValue()
			default: // histograms are looked at in families
			}
		}
	}
	return p, nil
}

// seriesName writes a series as the text format does: labels are names and values in turns, in any order. Several
// ways to write the same series give the same name.
func seriesName(metric string, labels ...string) string {
	var pairs []string
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+"="+strconv.Quote(labels[i+1]))
	}
	if len(pairs) == 0 {
		return metric
	}
	slices.Sort(pairs)
	return metric + "{" + strings.Join(pairs, ",") + "}"
}

func dtoName(metric string, m *dto.Metric) string {
	var labels []string
	for _, pair := range m.GetLabel() {
		labels = append(labels, pair.GetName(), pair.GetValue())
	}
	return seriesName(metric, labels...)
}

// metricOf returns a series' name without its labels.
func metricOf(id string) string {
	metric, _, _ := strings.Cut(id, "{")
	return metric
}

// add adds to the value of a series.
func (s series) add(value float64, metric string, labels ...string) {
	s[seriesName(metric, labels...)] += value
}

// of returns the series of the given metrics.
func (s series) of(metrics ...string) series {
	found := make(series)
	for id, value := range s {
		if slices.Contains(metrics, metricOf(id)) {
			found[id] = value
		}
	}
	return found
}

// metrics returns the names of the metrics that there are series of.
func (s series) metrics() []string {
	names := make(map[string]bool)
	for id := range s {
		names[metricOf(id)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// value returns a series' value; the series must be there.
func (p *page) value(t *testing.T, metric string, labels ...string) float64 {
	t.Helper()
	id := seriesName(metric, labels...)
	value, ok := p.series[id]
	require.True(t, ok, "no series %s, only %v", id, p.series.of(metric))
	return value
}

// daemonSeries returns the series that tell something of the daemon: not those of the exporter itself.
func (p *page) daemonSeries() series {
	found := make(series)
	for id, value := range p.series {
		if strings.HasPrefix(id, "strongswan_") && !isOwn(metricOf(id)) {
			found[id] = value
		}
	}
	return found
}

// isOwn tells the metrics of the exporter itself, which are there whether or not the daemon is.
func isOwn(metric string) bool {
	return metric == "strongswan_exporter_build_info" ||
		slices.ContainsFunc(collector.OwnMetrics(), func(m *collector.Metric) bool { return m.Name == metric })
}

// labelsOf returns a series' labels.
func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string)
	for _, pair := range m.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}
