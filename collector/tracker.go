// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// watchedEvents are the events that the tracker subscribes to.
func watchedEvents() []string {
	return []string{"ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey", "alert"}
}

// A tracker turns events into counters and hands what they say of SAs to the table. It does a bounded amount of
// work for each, since the daemon queues without limit for a slow reader. The gateway's lock guards it.
type tracker struct {
	names *names
	table *saTable
	looks *schedule
	now   func() time.Time
	began time.Time // this process

	counting time.Time // since when alerts and received events are counted: began, or earlier if they were restored

	run          *daemonRun // that was told last; nil before
	unidentified bool       // run is that of a restored state, and was not compared yet
	suspect      *daemonRun // that may be of another daemon than the restored state; nil once that is decided

	decoder     vici.EventDecoder
	connected   bool
	connects    uint64
	unsupported map[string]bool // of the connection that stands or stood last
	received    map[string]uint64
	reject      func(event string) // told of an event that cannot be read
	connections map[string]*connectionEvents
	children    map[series]*childEvents
	alerts      map[alertSeries]uint64

	connectionOrder sorting[*connectionEvents]
	childOrder      sorting[*childEvents]
	noSessions      emptyHistograms

	rekeyedIKE rekeyings[ikeKey]
	rekeyed    rekeyings[childKey]
}

// connectionEvents counts what happened to the IKE_SAs of a connection.
type connectionEvents struct {
	name        string
	labels      Labels
	established uint64
	terminated  uint64
	failed      uint64
	rekeyed     uint64
	moved       uint64
	sessions    sessionLengths
	created     time.Time
	used        time.Time // when it was last configured or something happened
}

// childEvents counts what happened to the CHILD_SAs of a child.
type childEvents struct {
	series      series
	labels      Labels
	established uint64
	terminated  uint64
	rekeyed     uint64
	created     time.Time
	used        time.Time
}

type alertSeries struct{ alert, connection string }

func newTracker(names *names, table *saTable, looks *schedule, now func() time.Time) *tracker {
	return &tracker{
		names: names, table: table, looks: looks, now: now, began: now(), counting: now(),
		received:    make(map[string]uint64),
		connections: make(map[string]*connectionEvents),
		children:    make(map[series]*childEvents),
		alerts:      make(map[alertSeries]uint64),
		noSessions:  make(emptyHistograms),
		reject:      func(string) {},
	}
}

// connect notes that the subscription stands, without the events that the daemon does not know.
func (t *tracker) connect(unsupported []string) {
	t.connected = true
	t.connects++
	t.table.watch()
	t.unsupported = make(map[string]bool)
	for _, name := range unsupported {
		t.unsupported[name] = true
	}
}

// take takes an event.
func (t *tracker) take(e vici.Event) {
	t.received[e.Name]++
	body, err := t.decoder.Decode(e)
	if err != nil {
		t.reject(e.Name)
		return
	}
	switch b := body.(type) {
	case *vici.IKEUpDown:
		t.ikeUpDown(b)
	case *vici.IKERekey:
		t.ikeRekey(b)
	case *vici.IKEUpdate:
		t.ikeUpdate(b)
	case *vici.ChildUpDown:
		t.childUpDown(b)
	case *vici.ChildRekey:
		t.childRekey(b)
	case *vici.Alert:
		t.alert(b)
	}
}

// of returns the connection of an IKE_SA with its counters; it is nil for IKE_SAs without a
// configuration, which anybody can make, and for excluded ones.
func (t *tracker) of(sa *vici.IKESA) (*connection, *connectionEvents) {
	if sa.Name == vici.Unnamed {
		return nil, nil
	}
	conn := t.names.connection(sa.Name)
	if conn == nil {
		return nil, nil
	}
	return conn, t.events(conn)
}

// events returns a connection's counters.
func (t *tracker) events(conn *connection) *connectionEvents { return t.eventsAt(conn, t.now()) }

// eventsAt is events for something that happens at a moment.
func (t *tracker) eventsAt(conn *connection, now time.Time) *connectionEvents {
	e, ok := t.connections[conn.name]
	if !ok {
		e = &connectionEvents{name: conn.name, labels: conn.labels, created: now}
		t.connections[conn.name] = e
		t.connectionOrder.outdated()
	}
	e.used = now
	return e
}

// childEvents returns a child's counters.
func (t *tracker) childEvents(k *child) *childEvents { return t.childEventsAt(k, t.now()) }

// childEventsAt is childEvents for something that happens at a moment.
func (t *tracker) childEventsAt(k *child, now time.Time) *childEvents {
	e, ok := t.children[k.series]
	if !ok {
		e = &childEvents{series: k.series, labels: k.labels, created: now}
		t.children[k.series] = e
		t.childOrder.outdated()
	}
	e.used = now
	return e
}

func (t *tracker) ikeUpDown(e *vici.IKEUpDown) {
	conn, events := t.of(&e.IKE)
	switch {
	case conn == nil:
	case e.Up:
		events.established++
		t.table.established(conn, &e.IKE, t.now())
	default:
		t.ikeDown(conn, events, &e.IKE)
	}
}

// ikeDown counts the end of an IKE_SA. One that never was up failed.
func (t *tracker) ikeDown(conn *connection, events *connectionEvents, sa *vici.IKESA) {
	s, known := t.table.closed(conn, sa)
	if t.table.neverUp(s, known, sa.State) {
		events.failed++
		return
	}
	events.terminated++
	if !s.start.IsZero() && !s.replaced {
		events.sessions.observe(t.now().Sub(s.start))
	}
}

func (t *tracker) ikeRekey(e *vici.IKERekey) {
	conn, events := t.of(&e.Old)
	if conn == nil {
		return
	}
	if t.rekeyedIKE.counts(keyOf(&e.Old), keyOf(&e.New), collides(&e.Old, "IKE_REKEY"), t.now()) {
		events.rekeyed++
	}
	t.table.renamed(conn, &e.Old, &e.New, t.now())
}

// collides reports whether this end has begun a rekeying and is answering the peer's at the same time.
func collides(sa *vici.IKESA, task string) bool {
	return slices.Contains(sa.TasksActive, task) && len(sa.TasksPassive) > 0
}

func (t *tracker) ikeUpdate(e *vici.IKEUpdate) {
	if conn, events := t.of(&e.IKE); conn != nil && e.IKE.State == vici.StateEstablished {
		events.moved++
	}
}

// observe takes the traffic of a CHILD_SA into account and returns its child, or nil if its connection is excluded. If
// this may be the last that is said of the SA, it was seen before, unless events were lost, or come so late that it was
// forgotten meanwhile: then all of its traffic may have been counted.
func (t *tracker) observe(ike *vici.IKESA, sa *vici.ChildSA, last bool) *child {
	conn, _ := t.of(ike)
	if conn == nil {
		return nil
	}
	k := t.names.child(conn, ike.Name, sa.Name)
	if k == nil {
		return nil
	}
	if o, ok := t.table.counted(k, t.table.peerOf(ike), sa, t.now()); ok {
		o.fresh = o.fresh && !last
		t.table.ledger.observe(&o)
	}
	return k
}

// ended takes note that a CHILD_SA is no more, or not for long.
func (t *tracker) ended(sa *vici.ChildSA) {
	now := t.now().Sub(t.table.began)
	t.table.ledger.ended(childKeyOf(sa), now)
	if now-t.table.ledger.purged > purgeInterval {
		t.table.ledger.purge(now)
	}
}

// purgeInterval is how often ended SAs are forgotten while nobody asks for a sweep, which would do it.
const purgeInterval = time.Minute

func (t *tracker) childUpDown(e *vici.ChildUpDown) {
	k := t.observe(&e.IKE, e.Child(), !e.Up)
	switch {
	case k == nil:
	case e.Up:
		t.childEvents(k).established++
		t.table.childEstablished(k, &e.IKE, e.Child(), t.now())
		t.looks.installed(&e.IKE, e.Child(), t.now())
	default:
		t.childEvents(k).terminated++
		t.looks.closed(e.Child())
		t.ended(e.Child())
		t.table.childClosed(&e.IKE, e.Child())
	}
}

func (t *tracker) childRekey(e *vici.ChildRekey) {
	k := t.observe(&e.IKE, &e.Old, true)
	if k == nil {
		return
	}
	t.observe(&e.IKE, &e.New, false)
	if t.rekeyed.counts(childKeyOf(&e.Old), childKeyOf(&e.New), collides(&e.IKE, "CHILD_REKEY"), t.now()) {
		t.childEvents(k).rekeyed++
	}
	t.ended(&e.Old)
	t.table.childRekeyed(k, e, t.now())
	t.looks.rekeyed(&e.IKE, &e.Old, t.now())
	t.looks.installed(&e.IKE, &e.New, t.now())
}
