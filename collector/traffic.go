// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

const trafficHelp = " by all CHILD_SAs of that child, across rekeying, reauthentication and restarts of the daemon. " +
	"Never counts anything twice; " +
	"what an SA carried between the last look at it and its end can be missed."

// Metrics of traffic.
var (
	childReceivedBytes   = counter("child_received_bytes_total", "Bytes received"+trafficHelp, "connection", "child")
	childSentBytes       = counter("child_sent_bytes_total", "Bytes sent"+trafficHelp, "connection", "child")
	childReceivedPackets = counter("child_received_packets_total", "Packets received"+trafficHelp, "connection", "child")
	childSentPackets     = counter("child_sent_packets_total", "Packets sent"+trafficHelp, "connection", "child")

	totalsEvicted = counter("traffic_totals_evicted_total",
		"Number of traffic totals that were forgotten, since their series was not configured and had no SA: for a day, or less long where "+
			"there were more than the limits of series and peers have room for.")
)

// counted returns what a CHILD_SA says of its traffic, if it says anything: in some states it does not.
func (t *saTable) counted(child *child, peer *peer, sa *vici.ChildSA, now time.Time) (observation, bool) {
	o := observation{
		key:   childKeyOf(sa),
		child: child.account(),
		peer:  peer.traffic(),
		counters: [4]vici.Opt[uint64]{
			receivedBytes: sa.BytesIn, sentBytes: sa.BytesOut,
			receivedPackets: sa.PacketsIn, sentPackets: sa.PacketsOut,
		},
		at:    now.Sub(t.began),
		age:   sa.InstallTime,
		wall:  now,
		fresh: t.fresh(sa, now),
	}
	return o, sa.BytesIn.Present() || sa.BytesOut.Present() || sa.PacketsIn.Present() || sa.PacketsOut.Present()
}

// peerOf returns the peer of an IKE_SA that an event is about, if it is shown.
func (t *saTable) peerOf(ike *vici.IKESA) *peer {
	if r := t.ikes[keyOf(ike)]; r != nil {
		return r.peer
	}
	return nil
}

// fresh reports whether an SA was installed while the exporter watched, or after the state was saved that it restored. Its
// age is in whole seconds, so it may be up to a second more than it says.
func (t *saTable) fresh(sa *vici.ChildSA, now time.Time) bool {
	age, ok := sa.InstallTime.Get()
	return ok && age+time.Second <= now.Sub(t.watching)
}

// emitTraffic adds all totals, from 0 on for each child that is configured.
func (t *saTable) emitTraffic(out *Page, now, counting time.Time) {
	if t.names.config != nil {
		for _, k := range t.names.config.children {
			if !k.shunt {
				t.ledger.totals.get(k.series.account(), now)
			}
		}
	}
	t.evicted += t.ledger.totals.evict(now.Sub(t.began), t.names.configures)
	t.evicted += t.ledger.peers.evict(now.Sub(t.began), func(series) bool { return false })
	if t.names.limit > 0 {
		t.evicted += t.ledger.totals.trim(t.names.limit)
	}
	if t.peers != nil {
		t.evicted += t.ledger.peers.trim(t.peers.limit)
	}
	out.Counter(totalsEvicted, float64(t.evicted), counting, nil)
	metrics := [4]*Metric{
		receivedBytes: childReceivedBytes, sentBytes: childSentBytes, receivedPackets: childReceivedPackets, sentPackets: childSentPackets,
	}
	for _, total := range t.ledger.totals.sorted() {
		total.emit(out, metrics)
	}
}
