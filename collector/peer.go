// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A peerBook knows the peers that are shown, up to a limit. Those that it knows stay; of others, as many are
// taken in as there is room.
type peerBook struct {
	limit   int
	peers   map[series]*peer
	dropped map[series]struct{} // in this sweep
}

// A peer is the series of one authenticated identity of a connection.
type peer struct {
	account // where the peer's traffic is added up

	ikes         int
	infos        []*peerInfo
	established  int64 // newest
	lastReceived int64
	lastSent     int64
}

// A peerInfo is the label set that tells what one IKE_SA of a peer is like. A peer with several devices has several.
type peerInfo struct {
	key    peerInfoKey
	labels Labels
}

type peerInfoKey struct {
	version, host, vips, nat string
	suite                    *suite
}

func newPeerBook(limit int) *peerBook {
	return &peerBook{limit: limit, peers: make(map[series]*peer), dropped: make(map[series]struct{})}
}

// find returns the peer of an IKE_SA, or nil if there is no room for another one.
func (b *peerBook) find(conn *connection, sa *vici.IKESA) *peer {
	identity := labelValue(sa.RemoteIdentity())
	p, known := b.peers[series{conn.name, identity}]
	if known {
		return p
	}
	s := series{conn.name, labelText(identity)}
	if len(b.peers) >= b.limit {
		b.dropped[s] = struct{}{}
		return nil
	}
	p = &peer{account: account{series: s, labels: conn.labels.with(pair("peer", s.member))}}
	b.peers[s] = p
	return p
}

// describe brings the part of a record that concerns its peer up to date.
func (b *peerBook) describe(r *ikeRecord, sa *vici.IKESA) {
	if !r.session.up {
		return
	}
	r.peer = b.find(r.conn, sa)
	if r.peer == nil {
		return
	}
	key := peerInfoKey{
		version: sa.Version, host: sa.RemoteHost, vips: joined(sa.RemoteVIPs), nat: natSides(sa.NATLocal, sa.NATRemote), suite: r.suite,
	}
	if r.info == nil || r.info.key != key {
		r.info = newPeerInfo(r.peer, key)
	}
}

func newPeerInfo(p *peer, key peerInfoKey) *peerInfo {
	s := key.suite
	if s == nil {
		s = new(suite)
	}
	return &peerInfo{key: key, labels: p.labels.with(
		pair("version", key.version), pair("remote_host", key.host), pair("virtual_ips", key.vips), pair("nat", key.nat),
		pair("encryption", s.encryption), pair("integrity", s.integrity), pair("prf", s.prf), pair("key_exchange", s.keyExchange))}
}

// natSides names the sides that are behind a NAT.
func natSides(local, remote bool) string {
	switch {
	case local && remote:
		return "both"
	case local:
		return "local"
	case remote:
		return "remote"
	}
	return "no"
}

// traffic returns where the peer's traffic is added up, or nil for a peer that is not shown.
func (p *peer) traffic() *account {
	if p == nil {
		return nil
	}
	return &p.account
}

// add adds what one IKE_SA contributes.
func (p *peer) add(r *ikeRecord) {
	p.ikes++
	p.established = max(p.established, r.established)
	if !slices.ContainsFunc(p.infos, func(i *peerInfo) bool { return compareLabels(i.labels, r.info.labels) == 0 }) {
		p.infos = append(p.infos, r.info)
	}
	for _, c := range r.children {
		p.lastReceived = max(p.lastReceived, c.lastReceived)
		p.lastSent = max(p.lastSent, c.lastSent)
	}
}

// reset empties the sums before they are made anew at a moment.
func (b *peerBook) reset(now int64) {
	for _, p := range b.peers {
		*p = peer{
			account: p.account, infos: p.infos[:0],
			lastReceived: passed(p.lastReceived, now), lastSent: passed(p.lastSent, now), // new SAs know of no packet at first
		}
	}
}

// prune forgets peers without an IKE_SA, which makes room.
func (b *peerBook) prune() {
	maps.DeleteFunc(b.peers, func(_ series, p *peer) bool { return p.ikes == 0 })
}

// sorted returns the peers in the order of their series.
func (b *peerBook) sorted() []*peer {
	return slices.SortedFunc(maps.Values(b.peers), func(x, y *peer) int {
		return cmp.Or(cmp.Compare(x.series.connection, y.series.connection), cmp.Compare(x.series.member, y.series.member))
	})
}
