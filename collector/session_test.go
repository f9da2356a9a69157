// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// sessions returns how many sessions of the connection gw have ended, and how long they lasted together.
func (b *testbed) sessions() (n uint64, sum time.Duration) {
	b.t.Helper()
	h := b.sessionHistogram()
	return h.GetSampleCount(), time.Duration(h.GetSampleSum() * float64(time.Second)).Round(time.Second)
}

func (b *testbed) sessionHistogram() *dto.Histogram {
	b.t.Helper()
	synctest.Wait()
	for _, f := range b.gather("events") {
		if f.GetName() == sessionSeconds.Name {
			return f.Metric[0].GetHistogram()
		}
	}
	return nil
}

// A session lasts from the first establishment to the end, through rekeyings of both IKE versions.
func TestSessions(t *testing.T) {
	for name, test := range map[string]struct {
		version int
		live    func(l *life)
		n       uint64
		sum     time.Duration
	}{
		"short":     {2, func(l *life) { l.last(l.establish(), time.Minute) }, 1, time.Minute},
		"no end":    {2, func(l *life) { l.establish() }, 0, 0},
		"two after": {2, func(l *life) { l.last(l.establish(), time.Hour); l.last(l.establish(), time.Hour) }, 2, 2 * time.Hour},
		"two at a time": {2, func(l *life) {
			a, b := l.establish(), l.establish()
			l.last(a, time.Hour)
			l.last(b, time.Hour)
		}, 2, 3 * time.Hour},
		"rekeyed": {2, func(l *life) {
			ike := l.establish()
			for range 5 {
				pass(time.Hour)
				ike = l.rekeyIKE(ike, vicitest.Rekeying{})
			}
			l.last(ike, time.Hour)
		}, 1, 6 * time.Hour},
		"rekeyed by both": {2, func(l *life) {
			ike := l.establish()
			pass(time.Hour)
			l.last(l.rekeyIKE(ike, vicitest.Rekeying{Collision: true}), time.Hour)
		}, 1, 2 * time.Hour},
		"IKEv1 rekeyed": {1, func(l *life) {
			ike := l.establish()
			for range 5 {
				pass(time.Hour)
				old := ike
				ike = l.rekeyIKE(old, vicitest.Rekeying{})
				l.last(old, 10*time.Second)
			}
			l.last(ike, time.Hour)
		}, 1, 6*time.Hour + 50*time.Second},
		"never up": {2, func(l *life) {
			id, err := l.HalfOpen("gw", "192.0.2.2")
			require.NoError(l.t, err)
			require.NoError(l.t, l.FailAuth(id))
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, test.version)
				b := newTestbed(t, l, eventful)
				b.watch()
				test.live(l)
				n, sum := b.sessions()
				require.Equal(t, test.n, n)
				require.Equal(t, test.sum, sum)
			})
		})
	}
}

// last lets an IKE_SA last for some time and end.
func (l *life) last(ike uint32, d time.Duration) {
	l.t.Helper()
	pass(d)
	require.NoError(l.t, l.Down(ike))
	synctest.Wait()
}

// How long a session has lasted that began before the exporter is not known.
func TestSessionFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		ike := l.establish()
		pass(time.Hour)
		b := newTestbed(t, l, eventful)
		b.watch()
		l.last(l.rekeyIKE(ike, vicitest.Rekeying{}), time.Hour)
		n, _ := b.sessions()
		require.Zero(t, n)
		require.Equal(t, "1", b.scrape().value("ike_sas_terminated_total"))
	})
}

// A session goes on while the exporter is restarted, whatever is heard of it first afterwards.
func TestSessionOverRestart(t *testing.T) {
	for name, live := range map[string]func(l *life, b *testbed, ike uint32){
		"a sweep": func(l *life, b *testbed, ike uint32) {
			b.scrape()
			l.last(ike, time.Hour)
		},
		"its end": func(l *life, _ *testbed, ike uint32) { l.last(ike, time.Hour) },
		"its rekeying": func(l *life, _ *testbed, ike uint32) {
			l.last(l.rekeyIKE(ike, vicitest.Rekeying{}), time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state")
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 2)
				l.Fault("list-sas", nothingListed)
				withFile := func(c *Config) { c.StateFile = file }
				first := newTestbed(t, l, eventful, withFile)
				stop := first.watch()
				ike := l.establish()
				pass(time.Hour)
				stop()
				b := newTestbed(t, l, eventful, withFile)
				b.watch()
				live(l, b, ike)
				n, sum := b.sessions()
				require.Equal(t, uint64(1), n)
				require.Equal(t, 2*time.Hour, sum)
			})
		})
	}
}

// nothingListed is a daemon that is too busy to list any SA.
func nothingListed(vicitest.Command) vicitest.Command { return listing("list-sa") }

// A sweep can miss an SA that has just ended before the event arrives that tells so: both come over connections of their own.
func TestSweepBeforeTheEndIsTold(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	sa := vici.IKESA{Name: "gw", Version: "2", State: vici.StateEstablished, UniqueID: vici.Some(uint32(1))}
	tracker.ikeUpDown(&vici.IKEUpDown{Up: true, IKE: sa})
	now = now.Add(time.Hour)
	tracker.table.begin()
	tracker.table.end(0, now)
	sa.State = vici.StateDeleting
	tracker.ikeUpDown(&vici.IKEUpDown{IKE: sa})
	require.EqualValues(t, 1, tracker.connections["gw"].terminated)
	require.EqualValues(t, 1, tracker.connections["gw"].sessions.saved.Count)

	sa.State, sa.UniqueID = vici.StateEstablished, vici.Some(uint32(2))
	tracker.ikeUpDown(&vici.IKEUpDown{Up: true, IKE: sa}) // its end is lost
	for range 3 {
		tracker.table.begin()
		tracker.table.end(0, now)
	}
	require.Empty(t, tracker.table.lost)
}

// The histogram has buckets for all who can read it.
func TestSessionHistogram(t *testing.T) {
	lengths := new(sessionLengths)
	unchanged := lengths.write(noon)
	require.Same(t, unchanged, lengths.write(noon), "it is made anew only when something has changed")
	for _, d := range []time.Duration{30 * time.Second, 10 * time.Minute, 2 * time.Hour, 100 * 24 * time.Hour} {
		lengths.observe(d)
	}
	h := lengths.write(noon)
	var classic []uint64
	for _, b := range h.Bucket {
		classic = append(classic, b.GetCumulativeCount())
	}
	require.Equal(t, []uint64{1, 1, 2, 2, 3, 3, 3, 3, 3, 3}, classic)
	require.Equal(t, 60.0, h.Bucket[0].GetUpperBound())
	require.Equal(t, 30*24*3600.0, h.Bucket[9].GetUpperBound())
	require.NotEmpty(t, h.PositiveSpan, "native buckets")
	require.NotNil(t, h.CreatedTimestamp)
}

// The histogram is what the official library would make of the same sessions, as long as that does not start it anew.
func TestSessionHistogramIsTheLibrarys(t *testing.T) {
	for name, most := range map[string]float64{"minutes": 10 * minute, "hours": 10 * hour, "months": 100 * day} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			library := prometheus.NewHistogram(prometheus.HistogramOpts{
				Buckets: sessionBuckets(), NativeHistogramBucketFactor: 1.1,
				NativeHistogramZeroThreshold: zeroThreshold, NativeHistogramMaxBucketNumber: maxNativeBuckets,
			})
			var own sessionLengths
			for i := range 2000 {
				seconds := math.Exp2(random.Float64() * math.Log2(most))
				switch i % 100 {
				case 0:
					seconds = sessionBuckets()[random.IntN(len(sessionBuckets()))]
				case 1:
					seconds = math.Exp2(float64(random.IntN(12)))
				case 2:
					seconds = 0
				}
				d := time.Duration(seconds * float64(time.Second))
				library.Observe(d.Seconds())
				own.observe(d)
			}
			var want dto.Metric
			require.NoError(t, library.Write(&want))
			got := own.write(noon)
			want.Histogram.CreatedTimestamp = got.CreatedTimestamp
			require.InEpsilon(t, want.Histogram.GetSampleSum(), got.GetSampleSum(), 1e-9)
			want.Histogram.SampleSum = got.SampleSum
			require.Equal(t, want.Histogram.String(), got.String())
			require.True(t, own.saved.possible())
		})
	}
}

// Lengths of sessions go on over a restart of the exporter, orderly or not, and in both kinds of buckets.
func TestSessionHistogramOverRestart(t *testing.T) {
	for name, killed := range map[string]bool{"ended": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 2)
				first := newTestbed(t, l, eventful, withState(filepath.Join(dir, "state")))
				stop := first.watch()
				l.last(l.establish(), time.Hour)
				l.last(l.establish(), time.Minute)
				before := first.sessionHistogram()
				require.EqualValues(t, 2, before.GetSampleCount())
				state := dir
				if killed {
					state = copyFiles(t, dir)
				}
				stop()
				pass(time.Minute)
				second := newTestbed(t, l, eventful, withState(filepath.Join(state, "state")))
				second.watch()
				require.Equal(t, before.String(), second.sessionHistogram().String())
				l.last(l.establish(), time.Hour)
				after := second.sessionHistogram()
				require.EqualValues(t, 3, after.GetSampleCount())
				require.Equal(t, before.GetCreatedTimestamp().AsTime(), after.GetCreatedTimestamp().AsTime())
			})
		})
	}
}

// Connections without sessions that count since the same moment have one histogram, until one of them has a session.
func TestEmptyHistograms(t *testing.T) {
	var a, b, c sessionLengths
	empty := make(emptyHistograms)
	shared := empty.of(&a, noon)
	require.Same(t, shared, empty.of(&b, noon.UTC()))
	require.NotSame(t, shared, empty.of(&c, noon.Add(time.Second)))
	require.Equal(t, noon.UTC(), shared.CreatedTimestamp.AsTime())
	a.observe(time.Hour)
	require.EqualValues(t, 1, empty.of(&a, noon).GetSampleCount())
	require.Same(t, shared, empty.of(&b, noon))
	require.Zero(t, shared.GetSampleCount())
	for i := range 10 * maxEmptyHistograms {
		empty.of(&c, noon.Add(time.Duration(i)))
		require.LessOrEqual(t, len(empty), maxEmptyHistograms)
	}
}
