// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of the configuration and of what should be up.
var (
	connectionInfo = gauge("connection_info",
		"A loaded connection; always 1. Several values are joined by commas; remote_addrs of %any marks a connection for road warriors.",
		"connection", "version", "local_addrs", "remote_addrs", "local_auth", "remote_auth", "local_id", "remote_id")
	connectionUp = gauge("connection_up",
		"Whether the loaded connection has an established IKE_SA; one that is being rekeyed counts.", "connection")
	childInfo = gauge("child_info",
		"A child of a loaded connection; always 1.", "connection", "child", "mode", "local_ts", "remote_ts")
	childUpMetric = gauge("child_up",
		"Whether the child of a loaded connection has a CHILD_SA that carries traffic. PASS and DROP shunts have no such series.",
		"connection", "child")
	connectionRekeyInterval = gauge("connection_rekey_interval_seconds",
		"After how long IKE_SAs are rekeyed, where that is configured.", "connection")
	connectionReauthInterval = gauge("connection_reauth_interval_seconds",
		"After how long IKE_SAs are reauthenticated, where that is configured.", "connection")
	connectionDPDDelay = gauge("connection_dpd_delay_seconds",
		"After how long a silent peer is checked, where that is configured.", "connection")
	childRekeyInterval = gauge("child_rekey_interval_seconds",
		"After how long CHILD_SAs are rekeyed, where that is configured.", "connection", "child")
	childRekeyBytes = gauge("child_rekey_interval_bytes",
		"After how many bytes CHILD_SAs are rekeyed, where that is configured.", "connection", "child")
	childRekeyPackets = gauge("child_rekey_interval_packets",
		"After how many packets CHILD_SAs are rekeyed, where that is configured.", "connection", "child")
	configuredAlgorithm = gauge("configured_algorithm",
		"An algorithm that a loaded connection, or child, would accept; always 1. Only newer daemons list them.",
		"connection", "child", "protocol", "type", "algorithm")
)

// connectionsSource gives what is configured and whether it is up.
type connectionsSource struct{}

func (connectionsSource) Metrics() []*Metric {
	return []*Metric{
		connectionInfo, connectionUp, childInfo, childUpMetric, connectionRekeyInterval, connectionReauthInterval, connectionDPDDelay,
		childRekeyInterval, childRekeyBytes, childRekeyPackets, configuredAlgorithm,
	}
}

func (connectionsSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.configure(ctx); err != nil {
		return err
	}
	swept := r.sweep(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	emitConfiguration(out, r.names.config)
	if swept != nil {
		return partialError{swept}
	}
	emitUp(out, r.names.config)
	return nil
}

func emitConfiguration(out *Page, config *configuration) {
	for _, c := range config.connections {
		out.Gauge(connectionInfo, 1, c.info)
		emitInterval(out, connectionRekeyInterval, c.rekey, c.series.labels)
		emitInterval(out, connectionReauthInterval, c.reauth, c.series.labels)
		emitInterval(out, connectionDPDDelay, c.dpd, c.series.labels)
	}
	for _, k := range config.children {
		out.Gauge(childInfo, 1, k.info)
		emitInterval(out, childRekeyInterval, k.rekey, k.series.labels)
		emitLimit(out, childRekeyBytes, k.bytes, k.series.labels)
		emitLimit(out, childRekeyPackets, k.packets, k.series.labels)
	}
	for _, labels := range config.algorithms {
		out.Gauge(configuredAlgorithm, 1, labels)
	}
}

// emitUp tells what is up; that is known only after a sweep.
func emitUp(out *Page, config *configuration) {
	for _, c := range config.connections {
		out.Gauge(connectionUp, float64(btoi(c.series.up > 0)), c.series.labels)
	}
	for _, k := range config.children {
		if !k.shunt {
			out.Gauge(childUpMetric, float64(btoi(k.series.up > 0)), k.series.labels)
		}
	}
}

// emitInterval adds a time that is set: 0 means that it is not.
func emitInterval(out *Page, m *Metric, d vici.Opt[time.Duration], labels Labels) {
	if v := d.Or(0); v > 0 {
		out.Gauge(m, v.Seconds(), labels)
	}
}

func emitLimit(out *Page, m *Metric, n vici.Opt[uint64], labels Labels) {
	if v := n.Or(0); v > 0 {
		out.Gauge(m, float64(v), labels)
	}
}

// A partialError is the error of a source of which one query failed while what it
// added to the page before is right.
type partialError struct{ error }

func (e partialError) Unwrap() error { return e.error }

// isPartial reports whether a source's page counts despite its error.
func isPartial(err error) bool {
	var partial partialError
	return errors.As(err, &partial)
}
