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
		for _, k := range c.sortedChildren() {
			emitChild(out, k)
		}
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
	for _, t := range all {
		out.Gauge(ikeSAs, float64(t.n), empty.with(out.pair("version", t.key.version), out.pair("state", t.key.state)))
	}
}

func emitConnection(out *Page, c *connection) {
	if c.total == 0 {
		return
	}
	if c.name != "" {
		for _, t := range c.kinds {
			out.Gauge(ikeSAs, float64(t.n), c.labels.with(out.pair("version", t.key.version), out.pair("state", t.key.state)))
		}
	}
	for _, t := range c.suites {
		s := t.key
		out.Gauge(ikeSASuites, float64(t.n), c.labels.with(
			out.pair("encryption", s.encryption), out.pair("integrity", s.integrity), out.pair("prf", s.prf),
			out.pair("key_exchange", s.keyExchange), out.pair("ppk", s.flag)))
	}
	out.Gauge(ikeSAsInitiated, float64(c.initiated), c.labels)
	emitSides(out, ikeSAsNAT, c, c.natLocal, c.natRemote)
	emitSides(out, virtualIPs, c, c.localVIPs, c.remoteVIPs)
	emitTasks(out, c, "active", c.active)
	emitTasks(out, c, "passive", c.passive)
	emitTasks(out, c, "queued", c.queued)
	emitMoment(out, ikeSAEstablished, c.established, c.labels)
	emitMoment(out, ikeSARekey, c.rekey, c.labels)
	emitMoment(out, ikeSAReauth, c.reauth, c.labels)
}

func emitSides(out *Page, m *Metric, c *connection, local, remote int) {
	out.Gauge(m, float64(local), c.labels.with(out.pair("side", "local")))
	out.Gauge(m, float64(remote), c.labels.with(out.pair("side", "remote")))
}

func emitTasks(out *Page, c *connection, queue string, n int) {
	out.Gauge(ikeSATasks, float64(n), c.labels.with(out.pair("queue", queue)))
}

func emitChild(out *Page, k *child) {
	if k.total == 0 {
		return
	}
	for _, t := range k.kinds {
		out.Gauge(childSAs, float64(t.n), k.labels.with(
			out.pair("mode", t.key.mode), out.pair("protocol", t.key.protocol), out.pair("state", t.key.state)))
	}
	for _, t := range k.suites {
		s := t.key
		out.Gauge(childSASuites, float64(t.n), k.labels.with(
			out.pair("protocol", s.protocol), out.pair("encryption", s.encryption), out.pair("integrity", s.integrity),
			out.pair("key_exchange", s.keyExchange), out.pair("esn", s.flag)))
	}
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
