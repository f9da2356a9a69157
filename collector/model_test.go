// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A world is a daemon with its SAs, their traffic, and an exporter that hears of them: all of a history that totals of traffic
// have to survive, without any input or output, in a time of its own.
type world struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand
	perfect bool // nothing is lost, and each SA is looked at when it was used last

	now     time.Time
	started time.Time // the daemon
	ids     struct{ ike, child uint32 }
	ikes    []*worldIKE
	truth   map[series]*traffic
	events  []func(*tracker) // raised and not delivered yet

	exporter *tracker
	whole    *state             // as saved last
	last     *state             // as exposed last
	shown    map[series]traffic // what was exposed last
}

// A worldIKE is an IKE_SA.
type worldIKE struct {
	id       uint32
	spi      vici.IKESPI
	name     string
	children []*worldChild
}

// A worldChild is a CHILD_SA.
type worldChild struct {
	id        uint32
	spi       vici.SPI
	name      string
	installed time.Time
	counters  traffic // what it carried
	queried   traffic // what the daemon knows of that
	state     string
	vanishes  time.Time // zero while it is not replaced
}

func newWorld(t *testing.T, seed uint64, perfect bool) *world {
	t.Helper()
	w := &world{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), perfect: perfect, now: time.Now(),
		truth: make(map[series]*traffic), shown: make(map[series]traffic),
	}
	w.started = w.now
	w.exporter = w.newExporter()
	return w
}

func (w *world) newExporter() *tracker {
	clock := func() time.Time { return w.now }
	names := newNames(func(string) bool { return true })
	return newTracker(names, newSATable(names, w.now), newSchedule(LooksConfig{}), clock)
}

// step lets something happen.
func (w *world) step() {
	w.now = w.now.Add(time.Duration(w.random.IntN(4000)) * time.Millisecond)
	w.expire()
	w.carry()
	switch n := w.random.IntN(100); {
	case n < 15:
		w.establish()
	case n < 20:
		w.rekeyIKE()
	case n < 45:
		w.rekeyChild()
	case n < 52:
		w.close()
	case n < 60:
		w.closeChild()
	case n < 80:
		w.sweep()
	case n < 90:
		w.look()
	case n < 92:
		w.now = w.now.Add(time.Duration(w.random.IntN(300)) * time.Second)
	case n < 94:
		w.save()
	case !w.perfect && n < 95:
		w.restartDaemon()
	case !w.perfect && n < 97:
		w.restartExporter()
	case !w.perfect && n < 98:
		w.events = nil // the stream is lost
	}
	if w.perfect || w.random.IntN(3) > 0 {
		w.deliver()
	}
}

// carry lets traffic pass through SAs. One that was replaced still receives.
func (w *world) carry() {
	for _, ike := range w.ikes {
		for _, c := range ike.children {
			packets := uint64(w.random.IntN(1000))
			bytes := packets * uint64(40+w.random.IntN(1400))
			c.counters[receivedBytes] += bytes
			c.counters[receivedPackets] += packets
			truth := w.truthOf(ike, c)
			truth[receivedBytes] += bytes
			truth[receivedPackets] += packets
			if c.vanishes.IsZero() {
				c.counters[sentBytes] += bytes / 2
				c.counters[sentPackets] += packets / 2
				truth[sentBytes] += bytes / 2
				truth[sentPackets] += packets / 2
			}
			if w.perfect && !c.vanishes.IsZero() {
				w.exporter.observe(w.describe(ike), w.row(c), false) // the last look
			}
		}
	}
}

func (w *world) truthOf(ike *worldIKE, c *worldChild) *traffic {
	s := series{ike.name, c.name}
	if w.truth[s] == nil {
		w.truth[s] = new(traffic)
	}
	return w.truth[s]
}

// describe returns the IKE_SA as the daemon describes it, without children.
func (w *world) describe(ike *worldIKE) *vici.IKESA {
	return &vici.IKESA{
		Name: ike.name, Version: "2", State: vici.StateEstablished,
		UniqueID: vici.Some(ike.id), InitiatorSPI: vici.Some(ike.spi),
	}
}

// row returns the CHILD_SA as the daemon describes it just now, after asking the kernel.
func (w *world) row(c *worldChild) *vici.ChildSA {
	outbound := c.counters
	if !c.vanishes.IsZero() {
		outbound = c.queried // the outbound SA is no more
	}
	c.queried[receivedBytes], c.queried[receivedPackets] = c.counters[receivedBytes], c.counters[receivedPackets]
	c.queried[sentBytes], c.queried[sentPackets] = outbound[sentBytes], outbound[sentPackets]
	age := w.now.Truncate(time.Second).Sub(c.installed.Truncate(time.Second))
	sa := &vici.ChildSA{
		Name: c.name, UniqueID: vici.Some(c.id), SPIIn: vici.Some(c.spi), State: c.state,
		InstallTime: vici.Some(age),
	}
	if c.state != vici.StateUpdating {
		sa.BytesIn, sa.BytesOut = vici.Some(c.queried[receivedBytes]), vici.Some(c.queried[sentBytes])
		sa.PacketsIn, sa.PacketsOut = vici.Some(c.queried[receivedPackets]), vici.Some(c.queried[sentPackets])
	}
	return sa
}

// raise queues an event. It may be reported twice, and while nobody listens it is lost.
func (w *world) raise(event func(*tracker)) {
	w.events = append(w.events, event)
	if w.random.IntN(10) == 0 {
		w.events = append(w.events, event)
	}
	if !w.perfect && w.random.IntN(20) == 0 {
		w.events = w.events[:len(w.events)-1]
	}
}

func (w *world) deliver() {
	for _, event := range w.events {
		event(w.exporter)
	}
	w.events = nil
}

func (w *world) newChild(name string) *worldChild {
	w.ids.child++
	spi := vici.SPI(w.random.Uint32())
	if w.seed%4 == 0 { // a daemon that is restarted has the same ones again, as no real one does
		spi = vici.SPI(w.ids.child)
	}
	return &worldChild{id: w.ids.child, spi: spi, name: name, installed: w.now, state: vici.StateInstalled}
}

func (w *world) establish() {
	w.ids.ike++
	ike := &worldIKE{id: w.ids.ike, spi: vici.IKESPI(w.random.Uint64()), name: fmt.Sprint("gw", w.random.IntN(3))}
	w.ikes = append(w.ikes, ike)
	up := &vici.IKEUpDown{Up: true, IKE: *w.describe(ike)}
	w.raise(func(t *tracker) { t.ikeUpDown(up) })
	for n := range 1 + w.random.IntN(2) {
		c := w.newChild(fmt.Sprint("net", n))
		ike.children = append(ike.children, c)
		w.raiseChild(ike, c, true)
	}
}

func (w *world) raiseChild(ike *worldIKE, c *worldChild, up bool) {
	e := &vici.ChildUpDown{Up: up, IKE: *w.describe(ike)}
	e.IKE.Children = []vici.ChildSA{*w.row(c)}
	w.raise(func(t *tracker) { t.childUpDown(e) })
}

// any returns an IKE_SA and a CHILD_SA of it that is not replaced, if there is one.
func (w *world) any() (*worldIKE, *worldChild) {
	if len(w.ikes) == 0 {
		return nil, nil
	}
	ike := w.ikes[w.random.IntN(len(w.ikes))]
	live := slices.DeleteFunc(slices.Clone(ike.children), func(c *worldChild) bool { return !c.vanishes.IsZero() })
	if len(live) == 0 {
		return ike, nil
	}
	return ike, live[w.random.IntN(len(live))]
}

func (w *world) rekeyIKE() {
	ike, _ := w.any()
	if ike == nil {
		return
	}
	e := &vici.IKERekey{Old: *w.describe(ike)}
	w.ids.ike++
	ike.id, ike.spi = w.ids.ike, vici.IKESPI(w.random.Uint64())
	e.New = *w.describe(ike)
	w.raise(func(t *tracker) { t.ikeRekey(e) })
}

// rekeyChild replaces a CHILD_SA. If this end began it, the outbound SA goes without being asked for its counters; if both
// did, there is a redundant SA that vanishes without a word.
func (w *world) rekeyChild() {
	ike, old := w.any()
	if old == nil {
		return
	}
	if w.perfect {
		w.exporter.observe(w.describe(ike), w.row(old), false)
	}
	initiator := w.random.IntN(2) == 0
	if !initiator {
		w.row(old)
	}
	old.vanishes = w.now.Add(5 * time.Second)
	old.state = []string{vici.StateRekeyed, vici.StateRekeying, vici.StateDeleted}[w.random.IntN(3)]
	if w.random.IntN(4) == 0 {
		redundant := w.newChild(old.name)
		redundant.vanishes = w.now.Add(5 * time.Second)
		ike.children = append(ike.children, redundant)
		w.raiseRekey(ike, old, redundant)
		if w.random.IntN(2) == 0 {
			old = redundant
		}
	}
	replacement := w.newChild(old.name)
	ike.children = append(ike.children, replacement)
	w.raiseRekey(ike, old, replacement)
}

func (w *world) raiseRekey(ike *worldIKE, old, replacement *worldChild) {
	e := &vici.ChildRekey{IKE: *w.describe(ike), Old: *w.row(old), New: *w.row(replacement)}
	w.raise(func(t *tracker) { t.childRekey(e) })
}

// expire lets replaced SAs vanish.
func (w *world) expire() {
	for _, ike := range w.ikes {
		ike.children = slices.DeleteFunc(ike.children, func(c *worldChild) bool { return !c.vanishes.IsZero() && w.now.After(c.vanishes) })
	}
}

func (w *world) close() {
	ike, _ := w.any()
	if ike == nil {
		return
	}
	w.ikes = slices.DeleteFunc(w.ikes, func(other *worldIKE) bool { return other == ike })
	down := &vici.IKEUpDown{IKE: *w.describe(ike)}
	w.raise(func(t *tracker) { t.ikeUpDown(down) })
	for _, c := range ike.children {
		if c.vanishes.IsZero() {
			w.raiseChild(ike, c, false)
		}
	}
}

func (w *world) closeChild() {
	ike, c := w.any()
	if c == nil {
		return
	}
	w.raiseChild(ike, c, false)
	ike.children = slices.DeleteFunc(ike.children, func(other *worldChild) bool { return other == c })
}

// sweep lists the SAs. Some may be busy, the answer may be cut, and what events tell meanwhile can arrive before rows that are older.
func (w *world) sweep() {
	table, listed := w.exporter.table, 0
	w.exporter.meet(w.uptime(), w.now)
	table.begin()
	var rows []*vici.IKESA
	for _, ike := range w.ikes {
		if !w.perfect && w.random.IntN(10) == 0 {
			continue
		}
		listed++
		sa := w.describe(ike)
		for _, c := range ike.children {
			sa.Children = append(sa.Children, *w.row(c))
		}
		rows = append(rows, sa)
	}
	at := w.now
	if w.random.IntN(4) == 0 {
		w.rekeyChild()
		w.deliver()
	}
	for _, sa := range rows {
		table.observe(sa, at)
	}
	if !w.perfect && w.random.IntN(10) == 0 {
		return
	}
	w.settle()
}

// settle ends a sweep.
func (w *world) settle() {
	if w.exporter.table.end(uint64(len(w.ikes)), w.now) == 0 && w.exporter.settle(w.now) {
		require.Fail(w.t, "the state was of this daemon", "history %d", w.seed)
	}
	w.expose()
}

// uptime returns what the daemon tells of its start, in its own zone.
func (w *world) uptime() vici.Uptime {
	unit, name := time.Second, "seconds"
	if d := w.now.Sub(w.started); d > 2*time.Hour {
		unit, name = time.Hour, "hours"
	} else if d > 2*time.Minute {
		unit, name = time.Minute, "minutes"
	}
	return vici.Uptime{
		Since:   w.started.Add(5 * time.Hour).UTC().Format("Jan 02 15:04:05 2006"),
		Running: fmt.Sprint(int(w.now.Sub(w.started)/unit), " ", name),
	}
}

// look looks at one SA.
func (w *world) look() {
	if ike, c := w.any(); c != nil {
		w.exporter.observe(w.describe(ike), w.row(c), false)
	}
}

// expose does what a scrape does after its sweep, and holds what must always hold.
func (w *world) expose() {
	for s, total := range w.exporter.table.ledger.totals.bySeries {
		value, truth := total.value(), w.truth[s]
		if truth == nil {
			truth = new(traffic)
		}
		for i := range value { // require's comparisons would take most of the time of these tests
			if value[i] < w.shown[s][i] || value[i] > truth[i] {
				require.Fail(w.t, "a total has fallen or counts what was not there",
					"history %d, %v: %d was exposed, %d is, %d is true", w.seed, s, w.shown[s], value, *truth)
			}
		}
		w.shown[s] = value
	}
	w.last = w.exporter.exposed("", w.now)
}

func (w *world) save() { w.whole = w.exporter.snapshot("", w.now) }

// read returns what comes back of a state from a file.
func (w *world) read(s *state) *state {
	s, err := parseState(encode(w.t, s), "")
	require.NoError(w.t, err)
	return s
}

// restartExporter kills the exporter and starts another one, which has what was saved last.
func (w *world) restartExporter() {
	if w.whole == nil || w.last == nil {
		return
	}
	w.now = w.now.Add(time.Duration(w.random.IntN(20)) * time.Second)
	w.events = nil
	s := w.read(w.whole)
	s.raise(w.read(w.last))
	w.exporter = w.newExporter()
	w.exporter.restore(s, w.now)
}

// restartDaemon ends all SAs without a word; unique ids begin anew.
func (w *world) restartDaemon() {
	w.ikes, w.events = nil, nil
	w.ids.ike, w.ids.child = 0, 0
	w.started = w.now
}

// finish ends all traffic and lets everything be seen.
func (w *world) finish() {
	w.deliver()
	for range 3 {
		w.now = w.now.Add(3 * time.Minute)
		w.expire()
		w.sweepAll()
	}
}

func (w *world) sweepAll() {
	w.exporter.meet(w.uptime(), w.now)
	w.exporter.table.begin()
	for _, ike := range w.ikes {
		sa := w.describe(ike)
		for _, c := range ike.children {
			sa.Children = append(sa.Children, *w.row(c))
		}
		w.exporter.table.observe(sa, w.now)
	}
	w.settle()
}

func (w *world) children() int {
	n := 0
	for _, ike := range w.ikes {
		n += len(ike.children)
	}
	return n
}
