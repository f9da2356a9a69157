// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

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

// The histogram has buckets for all who can read it.
func TestSessionHistogram(t *testing.T) {
	lengths := newSessionLengths()
	unchanged := lengths.write()
	require.Same(t, unchanged, lengths.write(), "it is made anew only when something has changed")
	for _, d := range []time.Duration{30 * time.Second, 10 * time.Minute, 2 * time.Hour, 100 * 24 * time.Hour} {
		lengths.observe(d)
	}
	h := lengths.write()
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
