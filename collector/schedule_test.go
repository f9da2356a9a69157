// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// noon is when schedules of tests begin.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// usualLooks is what the exporter has by default.
var usualLooks = LooksConfig{PerSecond: 10, MaxIKESAs: 2000}

// newPlanned returns a schedule after the first sweep, of a daemon without SAs.
func newPlanned(config LooksConfig) *schedule {
	s := newSchedule(config)
	s.plan(newSATable(nil, noon), "6.1.0", 0)
	return s
}

func ikeWith(id uint32) *vici.IKESA { return &vici.IKESA{UniqueID: vici.Some(id)} }

func childDue(id uint32, rekey time.Duration) *vici.ChildSA {
	return &vici.ChildSA{UniqueID: vici.Some(id), RekeyTime: vici.Some(rekey)}
}

// upcoming plays a schedule: it returns the moments after noon at which there is a look until the end, where each look takes a
// tenth of a second with the rest after it.
func upcoming(s *schedule, until time.Duration, found func(target)) (looks map[uint32][]time.Duration) {
	looks = make(map[uint32][]time.Duration)
	for at := time.Duration(0); at <= until; {
		t, wait := s.next(noon.Add(at))
		if wait > 0 {
			at += wait
			continue
		}
		looks[t.child] = append(looks[t.child], at)
		found(t)
		at += 100 * time.Millisecond
	}
	return looks
}

func nothing(target) {}

// An SA that was replaced is looked at as long as the daemon has it.
func TestLooksAfterRekeying(t *testing.T) {
	s := newPlanned(usualLooks)
	s.rekeyed(ikeWith(7), childDue(1, time.Hour), noon)
	looks := upcoming(s, time.Minute, func(l target) { require.Equal(t, vici.Some(uint32(7)), l.ike) })
	require.Equal(t, map[uint32][]time.Duration{1: {250 * time.Millisecond, time.Second, 4500 * time.Millisecond}}, looks)
}

// A look that finds nothing may have met a busy IKE_SA, or one that was rekeyed: it is repeated, without the IKE_SA's id, but not for ever.
func TestLooksAreRepeated(t *testing.T) {
	s := newPlanned(usualLooks)
	s.rekeyed(ikeWith(7), childDue(1, time.Hour), noon)
	var repeats []int
	looks := upcoming(s, 900*time.Millisecond, func(l target) {
		require.Equal(t, l.repeats == 0, l.ike.Present())
		repeats = append(repeats, l.repeats)
		s.found(l, "", noon.Add(300*time.Millisecond))
	})
	require.Equal(t, []int{0, 1, 2, 3}, repeats)
	require.Len(t, looks[1], 4)
}

// A rekeying is watched from when it may begin until it is done.
func TestLooksBeforeRekeying(t *testing.T) {
	s := newPlanned(usualLooks)
	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	looks := upcoming(s, time.Minute, nothing)[1]
	require.Equal(t, 12*time.Second-dueBefore, looks[0])
	require.Equal(t, 12*time.Second+dueAfter, looks[len(looks)-1])
	require.Len(t, looks, 22)
	require.Empty(t, s.due.known, "the rekeying did not come")

	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	n := 0
	looks = upcoming(s, 13*time.Second, func(target) {
		if n++; n == 3 {
			s.rekeyed(ikeWith(7), childDue(1, time.Hour), noon.Add(12*time.Second+100*time.Millisecond))
		}
	})[1]
	require.Equal(t, []time.Duration{11900 * time.Millisecond, 12 * time.Second, 12100 * time.Millisecond}, looks[:3])
	require.Equal(t, 12350*time.Millisecond, looks[3], "the first look after the rekeying")
}

// What a rekeying needs in time is up to the peer, so an SA that is being rekeyed is watched for longer.
func TestLooksWhileRekeying(t *testing.T) {
	s := newPlanned(usualLooks)
	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	looks := upcoming(s, time.Minute, func(l target) { s.found(l, vici.StateRekeying, noon.Add(12*time.Second)) })[1]
	require.Equal(t, 12*time.Second+rekeyingAtMost, looks[len(looks)-1])
}

// Looks at an SA that is being rekeyed are urgent, but not for long.
func TestUrgentLooks(t *testing.T) {
	s := newPlanned(usualLooks)
	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	l := s.due.known[1].target
	at := noon.Add(12 * time.Second)
	require.False(t, s.found(l, vici.StateInstalled, at))
	require.True(t, s.found(l, vici.StateRekeying, at))
	require.True(t, s.found(l, "", at.Add(urgentAtMost-1)), "the daemon is busy with the answer")
	require.False(t, s.found(l, vici.StateRekeying, at.Add(urgentAtMost)))
	require.False(t, s.found(target{child: 9}, vici.StateRekeyed, at), "one that was replaced")
}

// An SA of which a look finds that it was replaced, although no event said so, is not watched any more.
func TestLooksEnd(t *testing.T) {
	for name, end := range map[string]func(s *schedule, l target){
		"found replaced": func(s *schedule, l target) { s.found(l, vici.StateRekeyed, noon) },
		"closed":         func(s *schedule, l target) { s.closed(childDue(l.child, 0)) },
		"not allowed":    func(s *schedule, _ target) { s.plan(newSATable(nil, noon), "6.1.0", 2001) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newPlanned(usualLooks)
			s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
			require.Len(t, upcoming(s, time.Minute, func(l target) { end(s, l) })[1], 1)
		})
	}
}

// An SA that is busy, or whose IKE_SA was rekeyed, is looked for in all IKE_SAs from then on.
func TestDueSAIsNotFound(t *testing.T) {
	s := newPlanned(usualLooks)
	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	var ikes []vici.Opt[uint32]
	upcoming(s, 12*time.Second, func(l target) {
		ikes = append(ikes, l.ike)
		s.found(l, "", noon.Add(12*time.Second))
	})
	require.Equal(t, []vici.Opt[uint32]{vici.Some(uint32(7)), {}}, ikes)
}

// SAs that are due together are looked at in turns.
func TestLooksTakeTurns(t *testing.T) {
	s := newPlanned(usualLooks)
	for id := range uint32(4) {
		s.installed(ikeWith(id), childDue(id, 12*time.Second), noon)
	}
	looks := upcoming(s, 13*time.Second+500*time.Millisecond, nothing)
	for id := range uint32(4) {
		require.InDelta(t, 4, len(looks[id]), 1)
	}
}

// A sweep tells of SAs that came up before, and does not know better than an event of those that came up since.
func TestPlan(t *testing.T) {
	table := newSATable(nil, noon)
	kind := &childKind{state: vici.StateInstalled}
	child := func(id uint32, rekey time.Duration) *childRecord {
		return &childRecord{key: childKey{id: id}, kind: kind, rekey: noon.Add(rekey).Unix()}
	}
	replaced := child(4, 12*time.Second)
	replaced.kind = &childKind{state: vici.StateRekeyed}
	table.ikes[ikeKey{id: 8}] = &ikeRecord{children: []*childRecord{
		child(1, 13*time.Second), child(2, 12*time.Second), {key: childKey{id: 3}, kind: kind}, replaced,
	}}
	s := newPlanned(usualLooks)
	s.installed(ikeWith(7), childDue(1, 12*time.Second), noon)
	s.plan(table, "6.1.0", 1)
	require.Len(t, s.due.known, 2)
	require.Equal(t, noon.Add(12*time.Second-dueBefore), s.due.known[1].begin)
	require.Equal(t, vici.Some(uint32(8)), s.due.known[1].ike, "the IKE_SA was rekeyed")
	require.WithinDuration(t, noon.Add(12*time.Second-sweepDueBefore), s.due.known[2].begin, 0)
	require.WithinDuration(t, noon.Add(12*time.Second+sweepDueAfter), s.due.known[2].end, 0)

	table.ikes[ikeKey{id: 8}].children[0].rekey += 3600 // the unique id is that of another SA, or the rekeying was put off
	s.plan(table, "6.1.0", 1)
	require.WithinDuration(t, noon.Add(time.Hour+13*time.Second-sweepDueBefore), s.due.known[1].begin, 0)
}

// There are no looks where they cost too much or are not understood; those that there would have been are counted.
func TestLooksNotAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		config  LooksConfig
		version string
		total   uint64
		reason  string
	}{
		"allowed":               {usualLooks, "5.9.6", 2000, ""},
		"none wanted":           {LooksConfig{MaxIKESAs: 2000}, "6.1.0", 1, skippedRate},
		"too many SAs":          {usualLooks, "6.1.0", 2001, skippedSize},
		"too old":               {usualLooks, "5.9.5", 1, skippedVersion},
		"version is not known":  {usualLooks, "", 1, skippedVersion},
		"version of some other": {usualLooks, "git", 1, skippedVersion},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSchedule(test.config)
			s.rekeyed(ikeWith(7), childDue(9, time.Hour), noon)
			s.installed(ikeWith(7), childDue(9, time.Second), noon)
			require.Empty(t, upcoming(s, time.Minute, nothing), "before it is known what daemon this is")
			require.Empty(t, s.skipped)

			s.plan(newSATable(nil, noon), test.version, test.total)
			s.rekeyed(ikeWith(7), childDue(1, time.Hour), noon)
			s.installed(ikeWith(7), childDue(2, time.Second), noon)
			looks := upcoming(s, time.Minute, nothing)
			if test.reason == "" {
				require.Len(t, looks, 2)
				require.Empty(t, s.skipped)
				return
			}
			require.Empty(t, looks)
			require.Equal(t, map[string]uint64{test.reason: 3}, s.skipped)
		})
	}
}

// However many SAs are rekeyed at once, the schedule stays small, and what is not made is counted.
func TestTooManyLooks(t *testing.T) {
	s := newPlanned(usualLooks)
	const rekeyed = 10000
	for id := range uint32(rekeyed) {
		s.rekeyed(ikeWith(id), childDue(id, time.Hour), noon)
	}
	queued := 0
	for _, q := range s.after {
		queued += len(q.looks)
	}
	require.Less(t, queued, 500)
	made := 0
	for _, looks := range upcoming(s, time.Minute, nothing) {
		made += len(looks)
	}
	require.Equal(t, uint64(3*rekeyed-made), s.skipped[skippedRate])
	require.InDelta(t, 48, made, 4, "all that can be made at ten a second until the SAs are gone")
}

func TestFiltersChildren(t *testing.T) {
	for version, want := range map[string]bool{
		"5.9.6": true, "5.9.8": true, "5.10.0": true, "6.0.0": true, "6.1.0beta1": true, "6.0": true, "10.0.0": true, "5.9.6rc1": true,
		"5.9.5": false, "5.9": false, "5.8.9": false, "4.9.9": false, "": false, "six": false, "6": false,
	} {
		require.Equal(t, want, filtersChildren(version), version)
	}
}
