// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"slices"
)

// Metrics of IKE_SAs, per connection.
var (
	ikeSAs = gauge("ike_sas",
		"Number of IKE_SAs, by the configuration's name, IKE version and state. Those without a configuration yet have an empty name.",
		"connection", "version", "state")
	ikeSAsInitiated = gauge("ike_sas_initiated",
		"Number of IKE_SAs that this end initiated, by a rekeying if that was later.", "connection")
	ikeSAsNAT = gauge("ike_sas_nat",
		"Number of IKE_SAs with that side behind a NAT.", "connection", "side")
	ikeSASuites = gauge("ike_sa_suites",
		"Number of IKE_SAs that use these algorithms. Several key exchanges are joined by a plus sign.",
		"connection", "encryption", "integrity", "prf", "key_exchange", "ppk")
	ikeSAEstablished = gauge("ike_sa_established_timestamp_seconds",
		"When the newest established IKE_SA was established or rekeyed.", "connection")
	ikeSARekey = gauge("ike_sa_rekey_timestamp_seconds",
		"When the next IKE_SA is due for rekeying; in the past if overdue.", "connection")
	ikeSAReauth = gauge("ike_sa_reauth_timestamp_seconds",
		"When the next IKE_SA is due for reauthentication; in the past if overdue.", "connection")
	ikeSATasks = gauge("ike_sa_tasks",
		"Number of exchanges that IKE_SAs have queued, have begun themselves (active), or answer (passive).", "connection", "queue")
	virtualIPs = gauge("virtual_ips",
		"Number of virtual IPs that are assigned to that side.", "connection", "side")
)

// Metrics of CHILD_SAs, per child configuration.
var (
	childSAs = gauge("child_sas",
		"Number of CHILD_SAs, by the configurations' names, mode, protocol and state. During a rekeying both the old and the new one count.",
		"connection", "child", "mode", "protocol", "state")
	childSAsEncapsulated = gauge("child_sas_udp_encapsulated",
		"Number of CHILD_SAs with ESP in UDP.", "connection", "child")
	childSASuites = gauge("child_sa_suites",
		"Number of CHILD_SAs that use these algorithms. Without a key exchange of its own a CHILD_SA has keys from the IKE_SA's.",
		"connection", "child", "protocol", "encryption", "integrity", "key_exchange", "esn")
	childSAInstalled = gauge("child_sa_installed_timestamp_seconds",
		"When the newest CHILD_SA was installed.", "connection", "child")
	childSARekey = gauge("child_sa_rekey_timestamp_seconds",
		"When the next CHILD_SA is due for rekeying; in the past if overdue.", "connection", "child")
	childSAExpiry = gauge("child_sa_expiry_timestamp_seconds",
		"When the next CHILD_SA expires unless it is rekeyed.", "connection", "child")
	childLastReceived = gauge("child_last_received_timestamp_seconds",
		"When the last packet was received.", "connection", "child")
	childLastSent = gauge("child_last_sent_timestamp_seconds",
		"When the last packet was sent.", "connection", "child")
)

// sasSource gives the numbers and moments of all SAs.
type sasSource struct{}

func (sasSource) Metrics() []*Metric {
	return []*Metric{
		sweepUnlisted, totalsEvicted,
		childReceivedBytes, childSentBytes, childReceivedPackets, childSentPackets,
		ikeSAs, ikeSAsInitiated, ikeSAsNAT, ikeSASuites, ikeSAEstablished, ikeSARekey, ikeSAReauth, ikeSATasks, virtualIPs,
		childSAs, childSAsEncapsulated, childSASuites, childSAInstalled, childSARekey, childSAExpiry, childLastReceived, childLastSent,
	}
}

func (sasSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.sweep(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Gauge(sweepUnlisted, float64(r.unlisted), nil)
	r.table.emitTraffic(out, r.now(), r.tracker.counting)
	emitUnnamed(out, r.table.unnamed, r.names.connections[""])
	for _, c := range r.names.all() {
		emitConnection(out, c)
	}
	for _, k := range r.names.allChildren() {
		emitChild(out, r.names, k)
	}
	return nil
}

// emitUnnamed counts IKE_SAs without a configuration, and nothing else of
// them: anybody who can send a packet can make them. Their label is also that of a connection whose name
// is empty, if there is one.
func emitUnnamed(out *Page, unnamed tally[*ikeKind], nameless *connection) {
	all := slices.Clone(unnamed)
	if nameless != nil {
		for _, t := range nameless.kinds {
			all.addN(t.key, t.n)
		}
	}
	empty := newLabels("connection", "")
	all.emit(out, ikeSAs, func(k *ikeKind) Labels { return k.label(empty, out.pair) })
}

func emitConnection(out *Page, c *connection) {
	if c.total == 0 {
		return
	}
	if c.name != "" {
		c.kinds.emit(out, ikeSAs, func(k *ikeKind) Labels { return k.label(c.labels, c.names.pairs.pair) })
	}
	c.suites.emit(out, ikeSASuites, func(s *suite) Labels { return s.labelIKE(c.labels, c.names.pairs.pair) })
	out.Gauge(ikeSAsInitiated, float64(c.initiated), c.labels)
	for i, labels := range c.labelEach(c.sides[:], "side", sides[:]) {
		out.Gauge(ikeSAsNAT, float64(c.nat[i]), labels)
		out.Gauge(virtualIPs, float64(c.vips[i]), labels)
	}
	for i, labels := range c.labelEach(c.queues[:], "queue", queues[:]) {
		out.Gauge(ikeSATasks, float64(c.tasks[i]), labels)
	}
	emitMoment(out, ikeSAEstablished, c.established, c.labels)
	emitMoment(out, ikeSARekey, c.rekey, c.labels)
	emitMoment(out, ikeSAReauth, c.reauth, c.labels)
}

func emitChild(out *Page, names *names, k *child) {
	if k.total == 0 {
		return
	}
	k.kinds.emit(out, childSAs, func(kind *childKind) Labels { return kind.label(k.labels, names.pairs.pair) })
	k.suites.emit(out, childSASuites, func(s *suite) Labels { return s.labelChild(k.labels, names.pairs.pair) })
	out.Gauge(childSAsEncapsulated, float64(k.encap), k.labels)
	emitMoment(out, childSAInstalled, k.installed, k.labels)
	emitMoment(out, childSARekey, k.rekey, k.labels)
	emitMoment(out, childSAExpiry, k.expiry, k.labels)
	emitMoment(out, childLastReceived, k.lastReceived, k.labels)
	emitMoment(out, childLastSent, k.lastSent, k.labels)
}

// emitMoment adds a timestamp that is known.
func emitMoment(out *Page, m *Metric, moment int64, labels Labels) {
	if moment != 0 {
		out.Gauge(m, float64(moment), labels)
	}
}
