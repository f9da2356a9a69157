// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "fmt"

// Info describes a source for whoever configures the collector.
type Info struct {
	Name    string
	Help    string
	Default bool // whether it is enabled if nothing else is said

	new func() Source
}

// Infos returns all sources in the order in which they run.
func Infos() []Info {
	return []Info{
		{"sas", "IKE_SAs and CHILD_SAs: numbers, algorithms and times.", true, func() Source { return sasSource{} }},
		{"connections", "What is configured, and whether it is up.", true, func() Source { return connectionsSource{} }},
		{"peers", "Who is connected, by authenticated identity. Adds series for each peer.", false, func() Source { return peersSource{} }},
		{"events", "What the daemon reported: SAs that came, ended, failed and were rekeyed, alerts.", true, func() Source { return eventsSource{} }},
		{"policies", "Installed trap, pass and drop policies.", true, func() Source { return policiesSource{} }},
		{"pools", "Virtual IP pools: size and leases.", true, func() Source { return poolsSource{} }},
		{"certificates", "Certificates, CRLs and OCSP responses: validity, keys and algorithms.", true, func() Source { return new(certificatesSource) }},
		{"authorities", "Certification authorities that were loaded over VICI.", true, func() Source { return authoritiesSource{} }},
		{"counters", "IKE messages and rekeyings, from the daemon's plugin counters.", true, func() Source { return newCountersSource() }},
		{"inventory", "Numbers of what was loaded over VICI.", true, func() Source { return inventorySource{} }},
		{"capabilities", "Plugins and algorithms that the daemon has.", false, func() Source { return capabilitiesSource{} }},
		{"daemon", "The daemon's version, threads, queues and memory.", true, func() Source { return daemonSource{} }},
	}
}

// Metrics returns all metrics that the source can emit.
func (i Info) Metrics() []*Metric { return i.new().Metrics() }

// OwnMetrics returns the metrics that are there whatever sources are enabled.
func OwnMetrics() []*Metric {
	return append([]*Metric{up, collectorSuccess, collectorDuration, seriesDropped}, new(requests).metrics()...)
}

// enabledSources makes the sources that a choice by name enables.
func enabledSources(choice map[string]bool) ([]enabledSource, error) {
	var enabled []enabledSource
	known := make(map[string]bool)
	for _, info := range Infos() {
		known[info.Name] = true
		on, chosen := choice[info.Name]
		if !chosen {
			on = info.Default
		}
		if on {
			enabled = append(enabled, enabledSource{info.Name, info.new()})
		}
	}
	for name := range choice {
		if !known[name] {
			return nil, fmt.Errorf("unknown collector %q", name)
		}
	}
	return enabled, nil
}
