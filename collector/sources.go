// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "fmt"

// Info describes a source for whoever configures the collector.
type Info struct {
	Name    string
	Help    string
	Default bool // whether it is enabled if nothing else is said

	lasting bool // it has totals or counters that survive the process
	new     func() Source
}

// Infos returns all sources in the order in which they run.
func Infos() []Info {
	return []Info{{
		Name: "sas", lasting: true, Default: true,
		Help: "IKE_SAs and CHILD_SAs: numbers, algorithms and times.",
		new:  func() Source { return sasSource{} },
	}, {
		Name: "connections", Default: true,
		Help: "What is configured, and whether it is up.",
		new:  func() Source { return connectionsSource{} },
	}, {
		Name: "peers", lasting: true, Default: false,
		Help: "Who is connected, by authenticated identity. Adds series for each peer.",
		new:  func() Source { return peersSource{} },
	}, {
		Name: "events", lasting: true, Default: true,
		Help: "What the daemon reported: SAs that came, ended, failed and were rekeyed, alerts.",
		new:  func() Source { return eventsSource{} },
	}, {
		Name: "policies", Default: true,
		Help: "Installed trap, pass and drop policies.",
		new:  func() Source { return policiesSource{} },
	}, {
		Name: "pools", Default: true,
		Help: "Virtual IP pools: size and leases.",
		new:  func() Source { return poolsSource{} },
	}, {
		Name: "certificates", Default: true,
		Help: "Certificates, CRLs and OCSP responses: validity, keys and algorithms.",
		new:  func() Source { return new(certificatesSource) },
	}, {
		Name: "authorities", Default: true,
		Help: "Certification authorities that were loaded over VICI.",
		new:  func() Source { return authoritiesSource{} },
	}, {
		Name: "counters", Default: true,
		Help: "IKE messages and rekeyings, from the daemon's plugin counters.",
		new:  func() Source { return newCountersSource() },
	}, {
		Name: "inventory", Default: true,
		Help: "Numbers of what was loaded over VICI.",
		new:  func() Source { return inventorySource{} },
	}, {
		Name: "capabilities", Default: false,
		Help: "Plugins and algorithms that the daemon has.",
		new:  func() Source { return capabilitiesSource{} },
	}, {
		Name: "daemon", Default: true,
		Help: "The daemon's version, threads, queues and memory.",
		new:  func() Source { return daemonSource{} },
	}}
}

// Metrics returns all metrics that the source can emit.
func (i Info) Metrics() []*Metric { return i.new().Metrics() }

// OwnMetrics returns the metrics that are there whatever sources are enabled.
func OwnMetrics() []*Metric {
	return append([]*Metric{up, exporterStart, collectorSuccess, collectorDuration, seriesDropped}, new(requests).metrics()...)
}

// enabledSources makes the sources that a choice by name enables.
func enabledSources(choice map[string]bool) ([]*enabledSource, error) {
	var enabled []*enabledSource
	known := make(map[string]bool)
	for _, info := range Infos() {
		known[info.Name] = true
		on, chosen := choice[info.Name]
		if !chosen {
			on = info.Default
		}
		if on {
			enabled = append(enabled, &enabledSource{name: info.Name, lasting: info.lasting, Source: info.new()})
		}
	}
	for name := range choice {
		if !known[name] {
			return nil, fmt.Errorf("unknown collector %q", name)
		}
	}
	return enabled, nil
}
