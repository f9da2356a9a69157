// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// namespace begins the name of every metric.
const namespace = "strongswan_"

// A Metric declares a metric family. The declaration is all there is to know about it: the page,
// the documentation and the tests read the same value.
type Metric struct {
	Name   string
	Help   string
	Type   dto.MetricType
	Labels []string // in the order in which people read them
}

func gauge(name, help string, labels ...string) *Metric {
	return &Metric{Name: namespace + name, Help: help, Type: dto.MetricType_GAUGE, Labels: labels}
}

func counter(name, help string, labels ...string) *Metric {
	return &Metric{Name: namespace + name, Help: help, Type: dto.MetricType_COUNTER, Labels: labels}
}

func histogram(name, help string, labels ...string) *Metric {
	return &Metric{Name: namespace + name, Help: help, Type: dto.MetricType_HISTOGRAM, Labels: labels}
}

// takes reports whether a sample with these labels belongs to the metric.
func (m *Metric) takes(labels Labels) bool {
	if len(labels) != len(m.Labels) {
		return false
	}
	for _, pair := range labels {
		if !slices.Contains(m.Labels, pair.GetName()) {
			return false
		}
	}
	return true
}
