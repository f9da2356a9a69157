// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
)

// alertKinds are the kinds of alerts that daemons raise, up to strongSwan 6.1.0. Others are counted as they come.
func alertKinds() []string {
	return []string{
		"authorization-failed", "cert-exceeded-path-len", "cert-expired", "cert-no-issuer", "cert-policy-violation", "cert-revoked",
		"cert-untrusted-root", "cert-validation-failed", "half-open-timeout", "ike-sa-expired", "install-child-policy-failed",
		"install-child-sa-failed", "invalid-ike-spi", "keep-on-child-sa-failure", "local-auth-failed", "parse-error-body",
		"parse-error-header", "peer-addr-failed", "peer-auth-failed", "peer-init-unreachable", "proposal-mismatch-child",
		"proposal-mismatch-ike", "radius-not-responding", "retransmit-receive", "retransmit-send", "retransmit-send-cleared",
		"retransmit-send-timeout", "shutdown-signal", "ts-mismatch", "ts-narrowed", "unique-keep", "unique-replace", "vip-failure",
	}
}

// maxAlertsAtZero bounds the series of alerts that have not occurred.
const maxAlertsAtZero = 5000

// shownAlerts returns the counts of alerts. Where the daemon raises any, all kinds are there from 0 on, so that the first
// one is an increase: for each connection that is configured, or, where there are many, for no connection only.
func (t *tracker) shownAlerts() map[alertSeries]uint64 {
	if !t.connected || t.unsupported["alert"] || t.names.config == nil {
		return t.alerts
	}
	shown, kinds := make(map[alertSeries]uint64), alertKinds()
	all := len(kinds)*(1+len(t.names.config.connections)) <= maxAlertsAtZero
	for _, kind := range kinds {
		shown[alertSeries{alert: kind}] = 0
		if !all {
			continue
		}
		for _, c := range t.names.config.connections {
			shown[alertSeries{kind, c.series.name}] = 0
		}
	}
	maps.Copy(shown, t.alerts)
	return shown
}

func emitAlerts(out *Page, t *tracker) {
	shown := t.shownAlerts()
	for _, s := range slices.SortedFunc(maps.Keys(shown), compareAlerts) {
		out.Counter(alertsTotal, float64(shown[s]), t.counting, newLabels("alert", s.alert, "connection", s.connection))
	}
}
