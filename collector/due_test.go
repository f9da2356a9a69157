// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// woken reports whether who makes the looks was woken since this was last asked.
func (s *schedule) woken() bool {
	select {
	case <-s.wake:
		return true
	default:
		return false
	}
}

// Who makes the looks is woken for what comes before they awake by themselves, and not for each of many SAs that come up.
func TestWakeForWhatIsEarlier(t *testing.T) {
	s := newPlanned(usualLooks)
	_, wait := s.next(noon)
	require.Equal(t, longestSchedule, wait)
	for id := range uint32(1000) {
		s.installed(ikeWith(id), childDue(id, time.Hour), noon)
	}
	require.False(t, s.woken())
	s.installed(ikeWith(7), childDue(2000, 12*time.Second), noon)
	require.True(t, s.woken())
	_, wait = s.next(noon)
	require.Equal(t, 12*time.Second-dueBefore, wait)
	s.installed(ikeWith(7), childDue(2001, 13*time.Second), noon)
	require.False(t, s.woken())
	for id := range uint32(100) {
		s.rekeyed(ikeWith(id), childDue(id, time.Hour), noon)
	}
	require.True(t, s.woken())
	_, wait = s.next(noon)
	require.Equal(t, firstLookAfter, wait)
	s.rekeyed(ikeWith(100), childDue(100, time.Hour), noon)
	require.False(t, s.woken())
	s.announce(announcement{7, "net"}, noon)
	require.True(t, s.woken())
}

// However many SAs come up between two sweeps, only so many are kept in mind. The next sweep decides whether there are looks at all.
func TestTooManyAreDue(t *testing.T) {
	s := newPlanned(usualLooks)
	s.installed(ikeWith(0), childDue(0, time.Hour), noon)
	s.closed(childDue(0, 0))
	for id := range uint32(10_000) {
		s.installed(ikeWith(id), childDue(id, time.Hour), noon)
	}
	require.Len(t, s.due.known, int(usualLooks.MaxIKESAs))
	require.EqualValues(t, 8000, s.skipped[skippedSize])
	s.plan(newSATable(nil, noon), "6.1.0", 2000)
	s.installed(ikeWith(1), childDue(20_000, time.Hour), noon)
	require.Len(t, s.due.known, int(usualLooks.MaxIKESAs)+1)
}

// The order in which SAs come up, are replaced and end does not matter: the one that is due and was not looked at for longest is next,
// and nothing is kept of those that are gone.
func TestDueSAsInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newDueSAs()
	plain := make(map[uint32]*dueSA)
	now := noon
	for range 20_000 {
		id := random.Uint32N(50)
		switch random.IntN(4) {
		case 0, 1:
			begin := now.Add(time.Duration(random.IntN(60)) * time.Second)
			d := &dueSA{target: target{child: id}, begin: begin, end: begin.Add(3 * time.Second)}
			s.put(d)
			plain[id] = d
		case 2:
			s.remove(id)
			delete(plain, id)
		default:
			now = now.Add(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
		d := s.next(now)
		requireNext(t, plain, d, now)
		if d != nil {
			s.looked(d, now)
		}
		require.Equal(t, len(s.known), len(s.coming.all)+len(s.present.all))
	}
}

// requireNext holds what was chosen against all that could have been.
func requireNext(t *testing.T, all map[uint32]*dueSA, chosen *dueSA, now time.Time) {
	t.Helper()
	var present []*dueSA
	for _, d := range all {
		if !now.Before(d.begin) && !now.After(d.end) {
			present = append(present, d)
		}
	}
	if len(present) == 0 {
		require.Nil(t, chosen)
		return
	}
	require.Same(t, all[chosen.child], chosen)
	require.Contains(t, present, chosen)
	longest := slices.MinFunc(present, func(a, b *dueSA) int { return a.last.Compare(b.last) })
	require.WithinDuration(t, longest.last, chosen.last, 0)
}

// BenchmarkFlood is what an SA that comes up costs while very many do, with looks and without.
func BenchmarkFlood(b *testing.B) {
	for name, config := range map[string]LooksConfig{"looks": usualLooks, "none": {}} {
		b.Run(name, func(b *testing.B) {
			now := noon
			tracker := newTestTracker(&now, anything)
			tracker.looks = newPlanned(config)
			tracker.looks.next(now)
			b.ReportAllocs()
			for n := uint32(1); b.Loop(); n++ {
				sa := tunnelAt(n)
				sa.Children[0].RekeyTime = vici.Some(time.Hour)
				raise(tracker, sa, true)
				if tracker.looks.woken() {
					tracker.looks.next(now)
				}
			}
		})
	}
}
