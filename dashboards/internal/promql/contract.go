// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package promql checks expressions against what the exporter declares: whether each metric exists and has
// the labels that the expression asks for, and which labels its result keeps. Prometheus itself notices neither.
package promql

import (
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

// A Metric is what expressions may rely on.
type Metric struct {
	Labels  []string // with job and instance
	Counter bool     // one that only grows, so that only its rate tells something
	Own     bool     // declared by the exporter's collectors
}

// A Contract has all metrics that expressions may use, by the names of their series.
type Contract map[string]Metric

// targetLabels are those that Prometheus adds.
func targetLabels() []string { return []string{"job", "instance"} }

// Declared returns the contract of the exporter's declarations, and of what Prometheus and the client library add.
func Declared() Contract {
	c := make(Contract)
	for _, m := range collector.OwnMetrics() {
		c.declare(m)
	}
	for _, info := range collector.Infos() {
		for _, m := range info.Metrics() {
			c.declare(m)
		}
	}
	c.addForeign()
	return c
}

func (c Contract) declare(m *collector.Metric) {
	labels := slices.Concat(targetLabels(), m.Labels)
	if m.Type == dto.MetricType_HISTOGRAM {
		c[m.Name+"_bucket"] = Metric{Labels: append(slices.Clone(labels), "le"), Counter: true, Own: true}
		c[m.Name+"_sum"] = Metric{Labels: labels, Counter: true, Own: true}
		c[m.Name+"_count"] = Metric{Labels: labels, Counter: true, Own: true}
		return
	}
	c[m.Name] = Metric{Labels: labels, Counter: m.Type == dto.MetricType_COUNTER, Own: true}
}

// addForeign adds what does not come from a collector. An alert may have any label of the metrics.
func (c Contract) addForeign() {
	alert := []string{"alertname", "alertstate", "severity"}
	for _, m := range c {
		alert = append(alert, m.Labels...)
	}
	slices.Sort(alert)
	c["ALERTS"] = Metric{Labels: slices.Compact(alert)}
	c["ALERTS_FOR_STATE"] = c["ALERTS"]
	for _, name := range []string{"up", "scrape_duration_seconds", "process_resident_memory_bytes"} {
		c[name] = Metric{Labels: targetLabels()}
	}
	c["process_cpu_seconds_total"] = Metric{Labels: targetLabels(), Counter: true}
	c["strongswan_exporter_build_info"] = Metric{Labels: slices.Concat(targetLabels(),
		[]string{"branch", "goarch", "goos", "goversion", "revision", "tags", "version"})}
}
