// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// alertKinds are the kinds of alerts that daemons raise. Newer ones are counted as they come.
func alertKinds() []string {
	return []string{
		vici.AlertAuthorizationFailed, vici.AlertCertExceededPathLen, vici.AlertCertExpired, vici.AlertCertNoIssuer,
		vici.AlertCertPolicyViolation, vici.AlertCertRevoked, vici.AlertCertUntrustedRoot, vici.AlertCertValidationFailed,
		vici.AlertHalfOpenTimeout, vici.AlertIKESAExpired, vici.AlertInstallChildPolicyFailed,
		vici.AlertInstallChildSAFailed, vici.AlertInvalidIKESPI, vici.AlertKeepOnChildSAFailure, vici.AlertLocalAuthFailed,
		vici.AlertParseErrorBody, vici.AlertParseErrorHeader, vici.AlertPeerAddrFailed, vici.AlertPeerAuthFailed,
		vici.AlertPeerInitUnreachable, vici.AlertProposalMismatchChild, vici.AlertProposalMismatchIKE,
		vici.AlertRADIUSNotResponding, vici.AlertRetransmitReceive, vici.AlertRetransmitSend,
		vici.AlertRetransmitSendCleared, vici.AlertRetransmitSendTimeout, vici.AlertShutdownSignal, vici.AlertTSMismatch,
		vici.AlertTSNarrowed, vici.AlertUniqueKeep, vici.AlertUniqueReplace, vici.AlertVIPFailure,
	}
}

// maxAlertsAtZero bounds the series of alerts that have not occurred. Some dozen connections are worth it; for each of
// many, they would be half of all that Prometheus has to keep and to go through for every rule about alerts.
const maxAlertsAtZero = 500

// shownAlerts returns the counts of alerts. Where the daemon raises any, all kinds are there from 0 on, so that the first
// one is an increase: for each connection that has counters of events, or, where there are many, for no connection only. They
// stay while the daemon is away, as all counters do.
func (t *tracker) shownAlerts() map[alertSeries]uint64 {
	if t.connects == 0 || t.unsupported["alert"] {
		return t.alerts
	}
	shown, kinds := make(map[alertSeries]uint64), alertKinds()
	all := len(kinds)*(1+len(t.connections)) <= maxAlertsAtZero
	for _, kind := range kinds {
		shown[alertSeries{alert: kind}] = 0
		if !all {
			continue
		}
		for name := range t.connections {
			shown[alertSeries{kind, name}] = 0
		}
	}
	maps.Copy(shown, t.alerts)
	return shown
}

// maxAlertSeries bounds the series of alerts: kinds times connections.
const maxAlertSeries = 20000

// alert counts an alert. One of a connection makes that have its counters, which are kept as long.
func (t *tracker) alert(e *vici.Alert) {
	s := alertSeries{alert: labelText(e.Type)}
	if e.IKE != nil && e.IKE.Name != vici.Unnamed {
		conn := t.names.connection(e.IKE.Name)
		if conn == nil {
			return
		}
		t.events(conn)
		s.connection = conn.name
	}
	if _, known := t.alerts[s]; !known && len(t.alerts) >= maxAlertSeries {
		s = alertSeries{alert: "other"}
	}
	t.alerts[s]++
}

// evictAlerts forgets the alerts of connections whose counters are forgotten. Where there are as many series as may be, it does not
// wait for that.
func (t *tracker) evictAlerts(now time.Time) {
	full := len(t.alerts) >= maxAlertSeries
	maps.DeleteFunc(t.alerts, func(s alertSeries, _ uint64) bool {
		e := t.connections[s.connection]
		return s.connection != "" && (e == nil || full && now.Sub(e.used) > lingering)
	})
}

// alertsSince returns since when the alerts of a connection are counted, or those of none.
func (t *tracker) alertsSince(connection string) time.Time {
	if e := t.connections[connection]; e != nil && connection != "" {
		return e.created
	}
	return t.counting
}

func emitAlerts(out *Page, t *tracker) {
	shown := t.shownAlerts()
	for _, s := range slices.SortedFunc(maps.Keys(shown), compareAlerts) {
		out.Counter(alertsTotal, float64(shown[s]), t.alertsSince(s.connection), newLabels("alert", s.alert, "connection", s.connection))
	}
}
