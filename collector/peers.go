// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"fmt"
)

const peerTrafficHelp = " by all CHILD_SAs of that peer, across rekeying and reconnecting. Never counts anything twice."

// Metrics of peers.
var (
	peersDropped = gauge("peers_dropped", "Number of peers that are not shown, since there are more than the limit.")
	peerIKESAs   = gauge("peer_ike_sas", "Number of established IKE_SAs of that authenticated identity.", "connection", "peer")
	peerInfoM    = gauge("peer_info",
		fmt.Sprintf("How a peer is connected; always 1. A peer with several devices has several, up to %d.", maxPeerInfos),
		"connection", "peer", "version", "remote_host", "virtual_ips", "encryption", "integrity", "prf", "key_exchange", "nat")
	peerEstablished = gauge("peer_established_timestamp_seconds",
		"When the peer's newest IKE_SA was established or rekeyed.", "connection", "peer")
	peerLastReceived = gauge("peer_last_received_timestamp_seconds",
		"When the last packet was received from the peer.", "connection", "peer")
	peerLastSent        = gauge("peer_last_sent_timestamp_seconds", "When the last packet was sent to the peer.", "connection", "peer")
	peerReceivedBytes   = counter("peer_received_bytes_total", "Bytes received"+peerTrafficHelp, "connection", "peer")
	peerSentBytes       = counter("peer_sent_bytes_total", "Bytes sent"+peerTrafficHelp, "connection", "peer")
	peerReceivedPackets = counter("peer_received_packets_total", "Packets received"+peerTrafficHelp, "connection", "peer")
	peerSentPackets     = counter("peer_sent_packets_total", "Packets sent"+peerTrafficHelp, "connection", "peer")
)

// peersSource gives what is known of single peers. It is for road warriors and for connections with many peers.
type peersSource struct{}

func (peersSource) Metrics() []*Metric {
	return []*Metric{
		peersDropped, peerIKESAs, peerInfoM, peerEstablished, peerLastReceived, peerLastSent,
		peerReceivedBytes, peerSentBytes, peerReceivedPackets, peerSentPackets,
	}
}

func (peersSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.sweep(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	book := r.table.peers
	out.Gauge(peersDropped, float64(len(book.dropped)), nil)
	for _, p := range book.sorted() {
		out.Gauge(peerIKESAs, float64(p.ikes), p.labels)
		out.leftOut += p.without
		for _, info := range p.infos {
			out.Gauge(peerInfoM, 1, info.labels)
		}
		emitMoment(out, peerEstablished, p.established, p.labels)
		emitMoment(out, peerLastReceived, p.lastReceived, p.labels)
		emitMoment(out, peerLastSent, p.lastSent, p.labels)
	}
	metrics := [4]*Metric{
		receivedBytes: peerReceivedBytes, sentBytes: peerSentBytes, receivedPackets: peerReceivedPackets, sentPackets: peerSentPackets,
	}
	for _, t := range r.table.ledger.peers.sorted() {
		t.emit(out, metrics)
	}
	return nil
}
