// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// sa1 and sa2 are two CHILD_SAs of a child, of which the second may have the unique id of the first after a restart.
var (
	sa1 = childKey{1, 0xc0000001}
	sa2 = childKey{2, 0xc0000002}
)

func testAccount(child string) account {
	return account{series{"gw", child}, newLabels("connection", "gw", "child", child)}
}

// seenAt is an observation of an SA that was installed at the moment 100 s, while the exporter watched.
func seenAt(at time.Duration, key childKey, counters ...uint64) *observation {
	o := &observation{key: key, child: testAccount("net"), at: at, age: vici.Some(at - 100*time.Second), fresh: true}
	for i, c := range counters {
		o.counters[i] = vici.Some(c)
	}
	return o
}

// old makes an observation one of an SA that was there before the exporter.
func old(o *observation) *observation {
	o.fresh, o.age = false, vici.Some(time.Hour)
	return o
}

// total returns the sums of a child.
func (l *ledger) total(child string) traffic {
	if t := l.totals.bySeries[series{"gw", child}]; t != nil {
		return t.value()
	}
	return traffic{}
}

func TestObservations(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		observations []*observation
		want         traffic
	}{
		"from the first byte": {
			[]*observation{seenAt(110*s, sa1, 1000, 500, 10, 5)}, traffic{1000, 500, 10, 5},
		},
		"growing": {
			[]*observation{seenAt(110*s, sa1, 1000, 500, 10, 5), seenAt(120*s, sa1, 1500, 600, 15, 6)}, traffic{1500, 600, 15, 6},
		},
		"repeated": {
			[]*observation{seenAt(110*s, sa1, 1000, 500, 10, 5), seenAt(110*s, sa1, 1000, 500, 10, 5)}, traffic{1000, 500, 10, 5},
		},
		"late": {
			[]*observation{seenAt(120*s, sa1, 1500, 600, 15, 6), seenAt(110*s, sa1, 1000, 500, 10, 5)}, traffic{1500, 600, 15, 6},
		},
		"each counter by itself": {
			[]*observation{seenAt(110*s, sa1, 1000, 0, 10, 0), seenAt(120*s, sa1, 900, 600, 9, 6)}, traffic{1000, 600, 10, 6},
		},
		"two at a time": {
			[]*observation{seenAt(110*s, sa1, 1000, 500, 10, 5), seenAt(110*s, sa2, 10, 20, 1, 2), seenAt(120*s, sa1, 1100, 500, 11, 5)},
			traffic{1110, 520, 12, 7},
		},
		"the unique id is used again": {
			[]*observation{seenAt(110*s, sa1, 1000, 500, 10, 5), seenAt(120*s, childKey{1, 0xc1}, 10, 20, 1, 2)}, traffic{1010, 520, 11, 7},
		},
		"older than the exporter": {
			[]*observation{old(seenAt(110*s, sa1, 1000, 500, 10, 5)), old(seenAt(120*s, sa1, 1500, 600, 15, 6))}, traffic{500, 100, 5, 1},
		},
		"some counters come later": {
			[]*observation{old(seenAt(110*s, sa1, 1000)), old(seenAt(120*s, sa1, 1500, 600, 15, 6)), old(seenAt(130*s, sa1, 1500, 601, 16, 7))},
			traffic{500, 1, 1, 1},
		},
		"no counters": {
			[]*observation{seenAt(110*s, sa1)}, traffic{},
		},
		"what cannot be": {
			[]*observation{
				seenAt(110*s, sa1, 1000, 500, 10, 5),
				seenAt(125*s, sa1, 140174096138222, 600, 140173966857566, 6),
				seenAt(140*s, sa1, 2000, 700, 20, 7),
			},
			traffic{2000, 700, 20, 7},
		},
		"what cannot be, of an SA that is new": {
			[]*observation{seenAt(110*s, sa1, 140174096138222, 600, 140173966857566, 6)}, traffic{0, 600, 0, 6},
		},
		"as much as can be": {
			[]*observation{seenAt(110*s, sa1, 50e9, 50e9, 50e6, 50e6)}, traffic{50e9, 50e9, 50e6, 50e6},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			for _, o := range test.observations {
				l.observe(o)
			}
			require.Equal(t, test.want, l.total("net"))
		})
	}
}

// A value that cannot be is counted by the name that the daemon has for it.
func TestImpossibleValuesAreTold(t *testing.T) {
	l := newLedger()
	var fields []string
	l.reject = func(field string) { fields = append(fields, field) }
	l.observe(seenAt(110*time.Second, sa1, 1<<60, 1<<60, 1<<60, 1<<60))
	require.Equal(t, []string{"bytes-in", "bytes-out", "packets-in", "packets-out"}, fields)
}

// Before the configuration is known, an SA of a child that is not its IKE_SA's may count for the wrong one.
func TestAccountChanges(t *testing.T) {
	l := newLedger()
	l.observe(seenAt(110*time.Second, sa1, 1000, 0, 0, 0))
	other := seenAt(120*time.Second, sa1, 1500, 0, 0, 0)
	other.child = testAccount("twin")
	l.observe(other)
	require.Equal(t, traffic{1000}, l.total("net"))
	require.Equal(t, traffic{500}, l.total("twin"))
	require.Zero(t, l.totals.bySeries[series{"gw", "net"}].entries)
	require.Equal(t, 1, l.totals.bySeries[series{"gw", "twin"}].entries)
}

// Who the peer is may be known later than that there is an SA.
func TestPeerComesLater(t *testing.T) {
	l := newLedger()
	l.observe(seenAt(110*time.Second, sa1, 1000, 0, 0, 0))
	peer := account{series{"gw", "carol"}, newLabels("connection", "gw", "peer", "carol")}
	for _, bytes := range []uint64{1500, 1600} {
		o := seenAt(120*time.Second, sa1, bytes, 0, 0, 0)
		o.peer = &peer
		l.observe(o)
	}
	l.observe(seenAt(130*time.Second, sa1, 1700, 0, 0, 0)) // an event that does not tell
	require.Equal(t, traffic{1700}, l.total("net"))
	require.Equal(t, traffic{700}, l.peers.bySeries[peer.series].value())
	require.Equal(t, 1, l.peers.bySeries[peer.series].entries)
}

func none(childKey) bool { return false }

func all(childKey) bool { return true }

// An SA is remembered for a while after it was listed last: what comes late of it is not counted again.
func TestLingering(t *testing.T) {
	l := newLedger()
	l.begin()
	l.list(seenAt(110*time.Second, sa1, 1000, 0, 0, 0), nil)
	l.end(110*time.Second, none)
	for at := 125 * time.Second; at <= 245*time.Second; at += 15 * time.Second {
		l.begin()
		l.end(at, none)
		require.Len(t, l.entries, 1, "at %v", at)
		l.observe(seenAt(at, sa1, 1000, 0, 0, 0))
		require.Equal(t, traffic{1000}, l.total("net"))
	}
	l.begin()
	l.end(260*time.Second, none)
	require.Empty(t, l.entries)
	require.Zero(t, l.totals.bySeries[series{"gw", "net"}].entries)
	require.Equal(t, traffic{1000}, l.total("net"), "the total stays")
}

// An SA that comes back after it was forgotten may have been counted, so counting begins at its present value.
// One that was installed later is new.
func TestForgotten(t *testing.T) {
	l := newLedger()
	l.begin()
	l.list(seenAt(110*time.Second, sa1, 1000, 0, 0, 0), nil)
	l.end(110*time.Second, none)
	l.begin()
	l.end(125*time.Second, none)
	l.begin()
	l.end(250*time.Second, none)
	require.Empty(t, l.entries)

	l.observe(seenAt(251*time.Second, sa1, 1100, 0, 0, 0))
	require.Equal(t, traffic{1000}, l.total("net"))
	l.observe(seenAt(252*time.Second, sa1, 1150, 0, 0, 0))
	require.Equal(t, traffic{1050}, l.total("net"))

	late := seenAt(253*time.Second, sa2, 7, 0, 0, 0)
	late.age = vici.Some(126 * time.Second) // since 126 to 127 s, after the sweep that missed the other one
	l.observe(late)
	require.Equal(t, traffic{1057}, l.total("net"))
	unknown := seenAt(254*time.Second, childKey{3, 3}, 7, 0, 0, 0)
	unknown.age = vici.Opt[time.Duration]{}
	l.observe(unknown)
	require.Equal(t, traffic{1057}, l.total("net"))
}

// SAs that a sweep had to skip are not forgotten, however long that takes.
func TestHeldEntriesStay(t *testing.T) {
	l := newLedger()
	l.begin()
	l.list(seenAt(110*time.Second, sa1, 1000, 0, 0, 0), nil)
	l.end(110*time.Second, none)
	for i := range 100 {
		l.begin()
		l.end(time.Duration(125+15*i)*time.Second, all)
	}
	require.Len(t, l.entries, 1)
}

// While nobody scrapes, what events report to have ended is forgotten all the same; a sweep that still lists it knows better.
func TestEndedEntriesAreForgotten(t *testing.T) {
	l := newLedger()
	l.observe(seenAt(110*time.Second, sa1, 1000, 0, 0, 0))
	l.observe(seenAt(110*time.Second, sa2, 1000, 0, 0, 0))
	l.ended(sa1, 111*time.Second)
	l.ended(sa2, 111*time.Second)
	l.ended(childKey{9, 9}, 111*time.Second)
	l.begin()
	l.list(seenAt(112*time.Second, sa2, 1000, 0, 0, 0), nil)
	l.purge(231 * time.Second)
	require.Len(t, l.entries, 2)
	l.purge(232 * time.Second)
	require.Len(t, l.entries, 1)
	require.Contains(t, l.entries, sa2)
}
