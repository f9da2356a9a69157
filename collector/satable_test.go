// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A tunnelAt is an IKE_SA with one CHILD_SA, by number.
func tunnelAt(n uint32) *vici.IKESA {
	return &vici.IKESA{
		Name: "gw", UniqueID: vici.Some(n), InitiatorSPI: vici.Some(vici.IKESPI(n)), Version: "2", State: vici.StateEstablished,
		Children: []vici.ChildSA{{
			Name: "net", UniqueID: vici.Some(n), SPIIn: vici.Some(vici.SPI(n)), State: vici.StateInstalled, Mode: "TUNNEL", Protocol: "ESP",
			InstallTime: vici.Some(time.Duration(0)), BytesIn: vici.Some(uint64(0)),
		}},
	}
}

// raise lets a tracker take the events of an IKE_SA that came up or ended, and of its CHILD_SA.
func raise(t *tracker, sa *vici.IKESA, up bool) {
	alone := *sa
	alone.Children = nil
	t.ikeUpDown(&vici.IKEUpDown{Up: up, IKE: alone})
	t.childUpDown(&vici.ChildUpDown{Up: up, IKE: *sa})
}

// sweepOf lists SAs, lets something happen, and lists more, of a daemon that has one IKE_SA at the end.
func sweepOf(t *tracker, now time.Time, before []*vici.IKESA, happens func(), after ...*vici.IKESA) *child {
	t.table.begin()
	for _, sa := range before {
		t.table.observe(sa, now)
	}
	happens()
	for _, sa := range after {
		t.table.observe(sa, now)
	}
	t.table.end(1, now)
	t.table.aggregate(now.Unix())
	return t.names.connections["gw"].children["net"]
}

// While the daemon lists its SAs one of them is replaced, make before break: whether the listing has the old one, the new one, both or
// none, the tunnel is up.
func TestReplacedDuringSweep(t *testing.T) {
	old, replacement := tunnelAt(1), tunnelAt(2)
	for name, test := range map[string]struct{ before, after []*vici.IKESA }{
		"old":  {[]*vici.IKESA{old}, nil},
		"new":  {nil, []*vici.IKESA{replacement}},
		"both": {[]*vici.IKESA{old}, []*vici.IKESA{replacement}},
		"none": {},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			tracker := newTestTracker(&now, anything)
			raise(tracker, old, true)
			nothing := func() {}
			require.Equal(t, 1, sweepOf(tracker, now, []*vici.IKESA{old}, nothing).up)
			now = now.Add(time.Minute)
			net := sweepOf(tracker, now, test.before, func() {
				raise(tracker, replacement, true)
				raise(tracker, old, false)
			}, test.after...)
			require.Equal(t, 1, net.up)
			require.Equal(t, 1, net.total)
			require.Equal(t, 1, tracker.names.connections["gw"].up)
			require.Equal(t, 1, sweepOf(tracker, now, []*vici.IKESA{replacement}, nothing).up)
			require.Len(t, tracker.table.children, 1)
		})
	}
}

// A CHILD_SA that is rekeyed while the daemon lists its SAs counts once, and the new one is known when its IKE_SA is busy at the
// next listing.
func TestRekeyedDuringSweep(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	sa, replacement := tunnelAt(1), tunnelAt(2).Children[0]
	raise(tracker, sa, true)
	net := sweepOf(tracker, now, []*vici.IKESA{sa}, func() {
		tracker.childRekey(&vici.ChildRekey{IKE: *sa, Old: sa.Children[0], New: replacement})
	})
	require.Equal(t, 1, net.up)
	require.Equal(t, 1, net.total)
	now = now.Add(time.Minute)
	require.Equal(t, 1, sweepOf(tracker, now, nil, func() {}).up)
	require.Zero(t, tracker.table.ledger.entries[childKeyOf(&replacement)].gone)
}

// What events tell of SAs takes no memory once these are gone, also while nobody scrapes.
func TestEventsWithoutSweeps(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	for n := range uint32(100) {
		sa, rekeyed := tunnelAt(2*n+1), tunnelAt(2*n+2)
		raise(tracker, sa, true)
		tracker.childRekey(&vici.ChildRekey{IKE: *sa, Old: sa.Children[0], New: rekeyed.Children[0]})
		if n%2 == 0 { // of a collision
			tracker.childRekey(&vici.ChildRekey{IKE: *sa, Old: sa.Children[0], New: tunnelAt(1000 + n).Children[0]})
		}
		sa.Children = rekeyed.Children
		raise(tracker, sa, false)
	}
	require.Empty(t, tracker.table.ikes)
	require.Empty(t, tracker.table.children)
	require.Empty(t, tracker.table.roster.current)
}
