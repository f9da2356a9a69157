// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A session is what is known of an IKE_SA as a session of its peer, which lasts through rekeyings.
type session struct {
	start    time.Time // of the session; zero if the exporter did not see it
	up       bool      // it is or was established
	unsure   bool      // it may have been up before it was seen first
	replaced bool      // another IKE_SA carries the session on
	peer     uint32    // half of the v1Peer; 0 if it is not IKEv1, or not up
}

// established takes an IKE_SA that came up just now.
func (t *saTable) established(conn *connection, sa *vici.IKESA, now time.Time) {
	r := t.record(conn, t.ikeKinds.get(ikeKind{version: sa.Version, state: sa.State}), sa, now)
	r.session = session{up: true, start: now}
	t.findV1(r, sa)
}

// neverUp reports whether an IKE_SA that ended never was up. Where that is not known its last state has to tell, although an
// IKEv1 SA is being deleted in any case.
func (t *saTable) neverUp(s session, known bool, state string) bool {
	switch {
	case s.up:
		return false
	case known && !s.unsure, !known && t.complete:
		return true
	}
	return notYetUp(state)
}

// notYetUp reports whether an IKE_SA in that state has not been up.
func notYetUp(state string) bool { return state == vici.StateConnecting || state == vici.StateCreated }

// renamed moves the record of an IKE_SA that was rekeyed to its new identity. The
// new IKE_SA has all children of the old one, even while it cannot be listed.
func (t *saTable) renamed(conn *connection, from, to *vici.IKESA, now time.Time) {
	old, known := t.take(keyOf(from))
	r := t.record(conn, t.ikeKinds.get(ikeKind{version: to.Version, state: to.State}), to, now)
	if known {
		r.session, r.children = old.session, old.children
	}
	r.session.up = true
}

// take removes the record of an IKE_SA and reports whether it was known. If there is no record, its session may
// still be known.
func (t *saTable) take(key ikeKey) (r *ikeRecord, known bool) {
	if s, lost := t.lost[key]; lost {
		r, known = &ikeRecord{session: s}, true
	}
	if present, ok := t.ikes[key]; ok {
		r, known = present, true
		r.gone = true
	}
	delete(t.ikes, key)
	delete(t.lost, key)
	return r, known
}

// closed forgets an IKE_SA that is no more and returns its session, and whether anything was known of it.
func (t *saTable) closed(conn *connection, sa *vici.IKESA) (s session, known bool) {
	r, known := t.take(keyOf(sa))
	if !known {
		return session{}, false
	}
	if !r.session.replaced { // or the one that carries the session on has them, without a word
		for _, c := range r.children {
			t.forgetChild(c.key)
		}
	}
	if peer := t.v1PeerOf(conn, sa); t.latestV1[peer] == keyOf(sa) {
		delete(t.latestV1, peer)
	}
	return r.session, true
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
