// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"encoding/binary"
	"hash/maphash"
	"maps"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A v1Peer finds the IKE_SA that an IKEv1 rekeying replaces: there is no event for that, only an up of the new IKE_SA and,
// some seconds later, a down of the old one. It is a hash of the connection, the peer's identity, and its address with the port, since
// several devices of one user can be behind one NAT.
type v1Peer uint64

func (p v1Peer) half() uint32 { return uint32(p) }

func (t *saTable) v1PeerOf(conn *connection, sa *vici.IKESA) v1Peer {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, text := range []string{conn.name, sa.RemoteHost, sa.RemoteIdentity()} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	_, _ = h.Write(binary.BigEndian.AppendUint16(nil, sa.RemotePort.Or(0)))
	return v1Peer(h.Sum64() | 1) // half of it is never 0
}

// findV1 brings together an established IKEv1 SA, of which an event or a sweep told, and another one of its peer: the later one
// carries on the session of the earlier one.
func (t *saTable) findV1(r *ikeRecord, sa *vici.IKESA) {
	if sa.Version != "1" || r.session.replaced {
		return
	}
	peer := t.v1PeerOf(r.conn, sa)
	r.session.peer = peer.half() // it is new, or a NAT changed its port
	other := t.latestOf(peer)
	switch {
	case other == r:
	case other == nil, !other.session.up, other.session.replaced:
		t.latestV1[peer] = r.key
	case isLater(r.key.id, other.key.id):
		r.session.carryOn(&other.session)
		t.latestV1[peer] = r.key
	default:
		other.session.carryOn(&r.session)
	}
}

// latestOf returns the IKE_SA that the next one of a peer would replace, or nil. One that has another port by now is no longer it.
func (t *saTable) latestOf(peer v1Peer) *ikeRecord {
	r := t.ikes[t.latestV1[peer]]
	if r == nil || r.session.peer != peer.half() {
		return nil
	}
	return r
}

// carryOn makes a session the continuation of an earlier one.
func (s *session) carryOn(earlier *session) {
	s.start = earlier.start
	earlier.replaced = true
}

// isLater reports whether a unique id was given after another one; they wrap around.
func isLater(id, other uint32) bool { return int32(id-other) > 0 }

// forgetV1 drops what points to IKEv1 SAs that are no more.
func (t *saTable) forgetV1() {
	maps.DeleteFunc(t.latestV1, func(peer v1Peer, _ ikeKey) bool { return t.latestOf(peer) == nil })
}
