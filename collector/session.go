// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A session is what is known of an IKE_SA as a session of its peer, which lasts through rekeyings.
type session struct {
	up       bool      // it is or was established
	start    time.Time // of the session; zero if the exporter did not see it
	replaced bool      // another IKE_SA carries the session on
}

// A v1Peer finds the IKE_SA that an IKEv1 rekeying replaces: there is no event for
// that, only an up of the new IKE_SA and, some seconds later, a down of the old one.
type v1Peer struct {
	connection string
	peer       uint64
}

func (t *saTable) v1PeerOf(conn *connection, sa *vici.IKESA) v1Peer {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_, _ = h.WriteString(sa.RemoteHost)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(sa.RemoteIdentity())
	return v1Peer{conn.name, h.Sum64()}
}

// established takes an IKE_SA that came up just now.
func (t *saTable) established(conn *connection, sa *vici.IKESA, now time.Time) {
	r := t.record(conn, t.ikeKinds.get(ikeKind{version: sa.Version, state: sa.State}), sa, now)
	r.session = session{up: true, start: now}
	if sa.Version != "1" {
		return
	}
	peer := t.v1PeerOf(conn, sa)
	if old := t.ikes[t.latestV1[peer]]; old != nil && old != r && old.session.up && old.conn == conn {
		r.session.start = old.session.start
		old.session.replaced = true
	}
	t.latestV1[peer] = keyOf(sa)
}

// renamed moves the record of an IKE_SA that was rekeyed to its new identity. The
// new IKE_SA has all children of the old one, even while it cannot be listed.
func (t *saTable) renamed(conn *connection, from, to *vici.IKESA, now time.Time) {
	old, known := t.take(keyOf(from))
	r := t.record(conn, t.ikeKinds.get(ikeKind{version: to.Version, state: to.State}), to, now)
	if known {
		r.session, r.children = old.session, old.children
	}
}

// take removes the record of an IKE_SA and reports whether it was known. If no record is there yet, the restored state may
// still know the session.
func (t *saTable) take(key ikeKey) (r *ikeRecord, known bool) {
	if start, restored := t.starts[key]; restored {
		r, known = &ikeRecord{session: session{up: true, start: start}}, true
	}
	if present, ok := t.ikes[key]; ok {
		r, known = present, true
		r.gone = true
	}
	delete(t.ikes, key)
	delete(t.starts, key)
	return r, known
}

// closed forgets an IKE_SA that is no more and returns what is known of its session.
func (t *saTable) closed(conn *connection, sa *vici.IKESA) session {
	key := keyOf(sa)
	r, known := t.take(key)
	if !known {
		return session{}
	}
	if peer := t.v1PeerOf(conn, sa); t.latestV1[peer] == key {
		delete(t.latestV1, peer)
	}
	return r.session
}

// forgetV1 drops what points to IKEv1 SAs that are no more.
func (t *saTable) forgetV1() {
	maps.DeleteFunc(t.latestV1, func(_ v1Peer, key ikeKey) bool { return t.ikes[key] == nil })
}

// childClosed takes a CHILD_SA out of the record of its IKE_SA.
func (t *saTable) childClosed(ike *vici.IKESA, sa *vici.ChildSA) {
	c := t.children[childKeyOf(sa)]
	if r := t.ikes[keyOf(ike)]; r != nil && c != nil {
		r.children = slices.DeleteFunc(r.children, func(other *childRecord) bool { return other == c })
	}
}
