// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An saTable holds what is known of each SA from sweep to sweep: so that a moment derived from
// an age is computed once and does not flicker, and so that SAs that a sweep had to skip stay what they were.
// Records are small, since there may be a hundred thousand.
type saTable struct {
	ikes     map[ikeKey]*ikeRecord
	children map[childKey]*childRecord
	names    *names
	ledger   *ledger
	peers    *peerBook          // nil unless peers are shown
	began    time.Time          // of the exporter
	watching time.Time          // since when nothing has gone uncounted: began, or when the restored state was saved
	lost     map[ikeKey]session // of IKE_SAs without a record: restored and not seen again yet, or see lose
	evicted  int                // totals that were forgotten
	latestV1 map[v1Peer]ikeKey
	seed     maphash.Seed // so that no peer can choose its hash

	complete bool   // a sweep that began after the subscription to events listed all, so one that is not known came since
	blind    uint32 // the last sweep that began before that

	ikeKinds    *interner[ikeKind, ikeKind]
	childKinds  *interner[childKind, childKind]
	ikeSuites   *interner[rawSuite, suite]
	childSuites *interner[rawSuite, suite]

	roster  roster          // of the sweep that runs or ran last
	sweep   uint32          // its number
	unnamed tally[*ikeKind] // IKE_SAs without a configuration yet, in that sweep
	listed  uint64          // all IKE_SAs in that sweep
}

func newSATable(names *names, began time.Time) *saTable {
	return &saTable{
		ikes:     make(map[ikeKey]*ikeRecord),
		children: make(map[childKey]*childRecord),
		names:    names,
		ledger:   newLedger(),
		began:    began,
		watching: began,
		lost:     make(map[ikeKey]session),
		latestV1: make(map[v1Peer]ikeKey),
		seed:     maphash.MakeSeed(),

		ikeKinds:    newInterner(labelIKEKind),
		childKinds:  newInterner(labelChildKind),
		ikeSuites:   newInterner(labelSuite),
		childSuites: newInterner(labelSuite),
	}
}

// An ikeKey tells IKE_SAs apart, also over restarts of the daemon, which begin unique ids anew.
type ikeKey struct {
	id        uint32
	initiator vici.IKESPI
}

// A childKey tells CHILD_SAs apart in the same way.
type childKey struct {
	id  uint32
	spi vici.SPI // inbound
}

// An ikeRecord is what an IKE_SA adds to its connection's series. Moments are Unix seconds, 0 where unknown.
type ikeRecord struct {
	key         ikeKey
	conn        *connection
	kind        *ikeKind
	suite       *suite // nil before a proposal is agreed on
	established int64
	rekey       int64
	reauth      int64
	session     session
	peer        *peer     // nil unless peers are shown, and this one is
	info        *peerInfo // likewise, unless the peer has too many
	children    []*childRecord

	// There are very many records, so what is small stands together.
	place     int32  // in the roster
	seen      uint32 // the sweep that listed it last
	tasks     [len(queues)]uint16
	vips      [len(sides)]uint16
	nat       [len(sides)]bool
	initiator bool
	gone      bool // it is in the roster only
}

// A childRecord is what a CHILD_SA adds to its child's series.
type childRecord struct {
	key          childKey
	entry        *entry // of the ledger
	child        *child
	kind         *childKind
	suite        *suite // nil in states without a protocol
	installed    int64
	rekey        int64
	expiry       int64
	lastReceived int64
	lastSent     int64
	encap        bool
	gone         bool // it is in the record of its IKE_SA only
	seen         uint32
}

// begin starts a sweep.
func (t *saTable) begin() {
	t.sweep++
	t.roster.begin()
	t.listed = 0
	t.unnamed = t.unnamed[:0]
	if t.peers != nil {
		clear(t.peers.dropped)
	}
	t.ledger.begin()
}

// observe takes an IKE_SA as it was listed at a moment.
func (t *saTable) observe(sa *vici.IKESA, now time.Time) {
	t.listed++
	kind := t.ikeKinds.get(ikeKind{version: sa.Version, state: sa.State})
	if sa.Name == vici.Unnamed {
		t.unnamed.add(kind)
		return
	}
	conn := t.names.connection(sa.Name)
	if conn == nil { // excluded by the user
		return
	}
	r := t.record(conn, kind, sa, now)
	if ikeUp(kind.state) {
		t.findV1(r, sa)
	}
	t.roster.add(r)
	last := r.children
	r.children = r.children[:0]
	for i := range sa.Children {
		var expected *childRecord // they mostly are the same as the last time; a place is overwritten after it was read
		if i < len(last) {
			expected = last[i]
		}
		// One event has at most some thousand children, and each of them once unless the daemon is confused.
		if c := t.observeChild(r, sa, &sa.Children[i], expected, now); c != nil && !slices.Contains(r.children, c) {
			r.children = append(r.children, c)
		}
	}
}

// record brings the record of an IKE_SA up to date, except for its children.
func (t *saTable) record(conn *connection, kind *ikeKind, sa *vici.IKESA, now time.Time) *ikeRecord {
	r := t.find(keyOf(sa))
	if r.kind == nil {
		r.session.unsure = !t.complete && !notYetUp(kind.state)
	}
	r.conn, r.kind, r.seen = conn, kind, t.sweep
	if ikeUp(kind.state) {
		r.session.up = true
	}
	t.describe(r, sa, now.Unix())
	if t.peers != nil {
		t.peers.describe(r, sa)
	}
	return r
}

// find returns the record of an IKE_SA, a new one if there is none.
func (t *saTable) find(key ikeKey) *ikeRecord {
	if r := t.roster.expected(key); r != nil {
		return r
	}
	r, known := t.ikes[key]
	if !known {
		r = &ikeRecord{key: key, session: t.lost[key]}
		delete(t.lost, key)
		t.ikes[key] = r
		return r
	}
	t.roster.found(r)
	return r
}

func keyOf(sa *vici.IKESA) ikeKey {
	return ikeKey{id: sa.UniqueID.Or(0), initiator: sa.InitiatorSPI.Or(0)}
}

func childKeyOf(sa *vici.ChildSA) childKey {
	return childKey{id: sa.UniqueID.Or(0), spi: sa.SPIIn.Or(0)}
}

func (t *saTable) describe(r *ikeRecord, sa *vici.IKESA, now int64) {
	r.suite = nil
	if sa.Encryption != "" {
		r.suite = t.ikeSuites.get(rawSuite{Suite: sa.Suite, flag: sa.PPK})
	}
	if sa.State != vici.StateRekeying { // times are told in other states only; what was told before still holds
		r.established = past(r.established, now, sa.Established)
		r.rekey = future(r.rekey, now, sa.RekeyTime)
		r.reauth = future(r.reauth, now, sa.ReauthTime)
	}
	r.tasks = [...]uint16{count16(sa.TasksActive), count16(sa.TasksPassive), count16(sa.TasksQueued)}
	r.vips = [...]uint16{count16(sa.LocalVIPs), count16(sa.RemoteVIPs)}
	r.nat = [...]bool{sa.NATLocal, sa.NATRemote}
	r.initiator = sa.Initiator
}

func count16(list []string) uint16 { return uint16(min(len(list), 1<<16-1)) }

func (t *saTable) observeChild(ike *ikeRecord, in *vici.IKESA, sa *vici.ChildSA, expected *childRecord, at time.Time) *childRecord {
	child := t.names.child(ike.conn, in.Name, sa.Name)
	if child == nil {
		return nil
	}
	r := expected
	if key := childKeyOf(sa); r == nil || r.key != key || r.gone {
		r = t.findChild(key)
	}
	if o, ok := t.counted(child, ike.peer, sa, at); ok {
		r.entry = t.ledger.list(&o, r.entry)
	}
	t.describeChild(r, child, sa, at.Unix())
	return r
}

func (t *saTable) describeChild(r *childRecord, child *child, sa *vici.ChildSA, now int64) {
	r.child, r.seen, r.encap = child, t.sweep, sa.Encap
	r.kind = t.childKinds.get(childKind{mode: sa.Mode, protocol: sa.Protocol, state: sa.State})
	r.suite = nil
	if sa.Protocol != "" {
		r.suite = t.childSuites.get(rawSuite{Suite: sa.Suite, protocol: sa.Protocol, flag: sa.ESN})
	}
	r.installed = past(r.installed, now, sa.InstallTime)
	r.rekey = future(r.rekey, now, sa.RekeyTime)
	r.expiry = future(r.expiry, now, sa.LifeTime)
	r.lastReceived = past(r.lastReceived, now, sa.UseIn)
	r.lastSent = past(r.lastSent, now, sa.UseOut)
}

// findChild returns the record of a CHILD_SA, a new one if there is none.
func (t *saTable) findChild(key childKey) *childRecord {
	r, known := t.children[key]
	if !known {
		r = &childRecord{key: key}
		t.children[key] = r
	}
	return r
}

// forgetChild removes the record of a CHILD_SA.
func (t *saTable) forgetChild(key childKey) {
	if r := t.children[key]; r != nil {
		r.gone = true
		delete(t.children, key)
	}
}

// end closes a sweep after which the daemon counted total IKE_SAs, and
// returns how many it had not listed. As many of the SAs that were known and not listed are
// kept, those first that were seen last; the others are forgotten.
func (t *saTable) end(total uint64, now time.Time) (unlisted uint64) {
	if total > t.listed {
		unlisted = total - t.listed
	}
	if unlisted == 0 {
		clear(t.lost)
		t.complete = t.complete || t.sweep > t.blind
	}
	t.hold(unlisted)
	t.forgetV1()
	t.ledger.end(now.Sub(t.began), func(key childKey) bool {
		r := t.children[key]
		return r != nil && r.seen == t.sweep
	})
	for key, r := range t.children {
		if r.seen != t.sweep {
			t.forgetChild(key)
		}
	}
	return unlisted
}

// hold keeps up to n of the IKE_SAs that this sweep did not list, with their
// children, and forgets the rest.
func (t *saTable) hold(n uint64) {
	var missing []ikeKey
	for key, r := range t.ikes {
		if r.seen != t.sweep {
			missing = append(missing, key)
		}
	}
	slices.SortFunc(missing, func(a, b ikeKey) int {
		return cmp.Or(cmp.Compare(t.ikes[b].seen, t.ikes[a].seen), cmp.Compare(a.id, b.id))
	})
	for i, key := range missing {
		if uint64(i) >= n {
			t.lose(key)
			continue
		}
		held := t.ikes[key]
		t.roster.add(held)
		for _, c := range held.children {
			c.seen = t.sweep
		}
	}
}

// watch takes note that from now on events tell what becomes of IKE_SAs. Before, the daemon may have been restarted, and what
// comes up now does not replace what was there then.
func (t *saTable) watch() {
	t.complete, t.blind = false, t.sweep
	clear(t.latestV1)
}

// maxLost bounds the memory for IKE_SAs that vanished without a word while no sweep is complete.
const maxLost = 10_000

// lose forgets an IKE_SA that is not listed any more. Its end may be reported late, so its session is remembered until the
// next complete sweep.
func (t *saTable) lose(key ikeKey) {
	if s := t.ikes[key].session; s.up && len(t.lost) < maxLost {
		t.lost[key] = s
	}
	delete(t.ikes, key)
}
