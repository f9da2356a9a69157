// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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
	infos        []*peerInfo // in the order of their labels
	without      int         // IKE_SAs that would need one more
	established  int64       // newest
	lastReceived int64
	lastSent     int64
}

// maxPeerInfos bounds the infos of a peer. Nobody has that many devices, but an identity can be that of thousands of users.
const maxPeerInfos = 16

// A peerInfo is the label set that tells what IKE_SAs of a peer are like. A peer with several devices has several.
type peerInfo struct {
	peer   *peer
	key    peerInfoKey
	labels Labels
	users  int // IKE_SAs in the last sweep
}

// A peerInfoKey has label values: what looks the same is one info.
type peerInfoKey struct{ host, vips, nat, version, encryption, integrity, prf, keyExchange string }

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
	if key := newPeerInfoKey(sa, r.suite); r.info == nil || r.info.peer != r.peer || r.info.key != key {
		r.info = r.peer.info(key)
	}
}

func newPeerInfoKey(sa *vici.IKESA, s *suite) peerInfoKey {
	key := peerInfoKey{
		host: labelValue(sa.RemoteHost), vips: labelValue(joined(sa.RemoteVIPs)), nat: natSides(sa.NATLocal, sa.NATRemote),
		version: labelValue(sa.Version),
	}
	if s != nil {
		key.encryption, key.integrity, key.prf, key.keyExchange = s.encryption, s.integrity, s.prf, s.keyExchange
	}
	return key
}

// info returns the peer's info with that key, or nil if it has as many others as it may.
func (p *peer) info(key peerInfoKey) *peerInfo {
	for _, i := range p.infos {
		if i.key == key {
			return i
		}
	}
	if len(p.infos) >= maxPeerInfos {
		return nil
	}
	// What the daemon sent is part of a piece of memory for many strings.
	key.host, key.vips, key.version = strings.Clone(key.host), strings.Clone(key.vips), strings.Clone(key.version)
	i := &peerInfo{peer: p, key: key, labels: p.labels.with(
		pair("version", key.version), pair("remote_host", key.host), pair("virtual_ips", key.vips), pair("nat", key.nat),
		pair("encryption", key.encryption), pair("integrity", key.integrity), pair("prf", key.prf), pair("key_exchange", key.keyExchange))}
	p.infos = append(p.infos, i)
	slices.SortFunc(p.infos, func(a, b *peerInfo) int { return compareLabels(a.labels, b.labels) })
	return i
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
	if r.info != nil {
		r.info.users++
	} else {
		p.without++
	}
	for _, c := range r.children {
		p.lastReceived = max(p.lastReceived, c.lastReceived)
		p.lastSent = max(p.lastSent, c.lastSent)
	}
}

// reset empties the sums before they are made anew at a moment.
func (b *peerBook) reset(now int64) {
	for _, p := range b.peers {
		for _, i := range p.infos {
			i.users = 0
		}
		*p = peer{
			account: p.account, infos: p.infos,
			lastReceived: passed(p.lastReceived, now), lastSent: passed(p.lastSent, now), // new SAs know of no packet at first
		}
	}
}

// prune forgets peers and infos without an IKE_SA, which makes room.
func (b *peerBook) prune() {
	for _, p := range b.peers {
		p.infos = slices.DeleteFunc(p.infos, func(i *peerInfo) bool { return i.users == 0 })
	}
	maps.DeleteFunc(b.peers, func(_ series, p *peer) bool { return p.ikes == 0 })
}

// sorted returns the peers in the order of their series.
func (b *peerBook) sorted() []*peer {
	return slices.SortedFunc(maps.Values(b.peers), func(x, y *peer) int {
		return cmp.Or(cmp.Compare(x.series.connection, y.series.connection), cmp.Compare(x.series.member, y.series.member))
	})
}
