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
	start    time.Time // of the session; zero if the exporter did not see it
	up       bool      // it is or was established
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
	if !r.session.replaced { // or the one that carries the session on has them, without a word
		for _, c := range r.children {
			t.forgetChild(c.key)
		}
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

// childEstablished takes a CHILD_SA that came up just now. The listing that is under way may be past its IKE_SA.
func (t *saTable) childEstablished(k *child, ike *vici.IKESA, sa *vici.ChildSA, now time.Time) {
	r := t.ikes[keyOf(ike)]
	if r == nil {
		return
	}
	c := t.findChild(childKeyOf(sa))
	t.describeChild(c, k, sa, now.Unix())
	if !slices.Contains(r.children, c) {
		r.children = append(r.children, c)
	}
}

// childRekeyed puts a CHILD_SA in the place of one that it replaced, which may be listed for some seconds more.
func (t *saTable) childRekeyed(k *child, e *vici.ChildRekey, now time.Time) {
	t.childClosed(&e.IKE, &e.Old)
	t.childEstablished(k, &e.IKE, &e.New, now)
}

// childClosed takes a CHILD_SA that is no more out of the record of its IKE_SA.
func (t *saTable) childClosed(ike *vici.IKESA, sa *vici.ChildSA) {
	key := childKeyOf(sa)
	if r := t.ikes[keyOf(ike)]; r != nil {
		r.children = slices.DeleteFunc(r.children, func(c *childRecord) bool { return c.key == key })
	}
	t.forgetChild(key)
}
