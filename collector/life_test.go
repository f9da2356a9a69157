// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// watch runs the testbed's collector until the test ends, and returns when it is subscribed and has seen all SAs.
func (b *testbed) watch() (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Run(ctx) // it ends with the context
	}()
	stop = func() {
		cancel()
		<-done
	}
	b.t.Cleanup(stop)
	synctest.Wait()
	require.Equal(b.t, "1", b.scrape().value("event_stream_connected"))
	return stop
}

// scrapeSettled scrapes when all that has happened so far has arrived.
func (b *testbed) scrapeSettled(names ...string) samples {
	synctest.Wait()
	return b.scrape(names...)
}

// eventful enables what these tests look at.
func eventful(c *Config) {
	only("sas", "connections", "events", "peers")(c)
	c.Looks = usualLooks
}

// counts are the counters of the only connection and child that an event moved, by their short names.
func (s samples) counts(names ...string) map[string]string {
	found := make(map[string]string)
	for _, name := range names {
		if v := s.value(name); v != "0" {
			found[name] = v
		}
	}
	return found
}

// lifeCounters are all counters of the lives of SAs.
var lifeCounters = []string{
	"ike_sas_established_total", "ike_sas_terminated_total", "ike_sas_failed_total", "ike_sas_rekeyed_total", "ike_sas_moved_total",
	"child_sas_established_total", "child_sas_terminated_total", "child_sas_rekeyed_total",
}

// A life is what happens in a test to the SAs of the connection gw with the child net.
type life struct {
	*vicitest.Daemon

	t *testing.T
}

func (l *life) establish() (ike uint32) {
	l.t.Helper()
	ike, err := l.Establish("gw", vicitest.Peer{})
	require.NoError(l.t, err)
	return ike
}

// child returns the newest CHILD_SA of an IKE_SA.
func (l *life) child(ike uint32) uint32 {
	l.t.Helper()
	sa, err := l.IKESA(ike)
	require.NoError(l.t, err)
	require.NotEmpty(l.t, sa.Children)
	return sa.Children[len(sa.Children)-1].UniqueID
}

func (l *life) rekeyChild(ike uint32, how vicitest.Rekeying) {
	l.t.Helper()
	_, err := l.RekeyChild(l.child(ike), how)
	require.NoError(l.t, err)
}

func (l *life) rekeyIKE(ike uint32, how vicitest.Rekeying) uint32 {
	l.t.Helper()
	id, err := l.RekeyIKE(ike, how)
	require.NoError(l.t, err)
	return id
}

func newLife(t *testing.T, generation vicitest.Generation, version int) *life {
	t.Helper()
	l := &life{newDaemon(t, vicitest.Config{Generation: generation}), t}
	l.Load(vicitest.Connection{
		Name: "gw", Version: version, RemoteAddrs: []string{"192.0.2.2"}, RekeyTime: 4 * time.Hour,
		Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour}},
	})
	return l
}

// Whatever order a generation of daemons reports it in, each thing that happens counts once, for what it is.
func TestLives(t *testing.T) {
	for name, test := range map[string]struct {
		version int
		live    func(l *life)
		want    map[string]string
	}{
		"establish": {2, func(l *life) { l.establish() }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1",
		}},
		"establish and close": {2, func(l *life) { require.NoError(l.t, l.Down(l.establish())) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1",
			"ike_sas_terminated_total": "1", "child_sas_terminated_total": "1",
		}},
		"close a child": {2, func(l *life) { require.NoError(l.t, l.DownChild(l.child(l.establish()))) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_terminated_total": "1",
		}},
		"authentication fails": {2, func(l *life) {
			id, err := l.HalfOpen("gw", "192.0.2.2")
			require.NoError(l.t, err)
			require.NoError(l.t, l.FailAuth(id))
		}, map[string]string{"ike_sas_failed_total": "1"}},
		"authentication of nobody in particular fails": {2, func(l *life) {
			id, err := l.HalfOpen("", "192.0.2.9")
			require.NoError(l.t, err)
			require.NoError(l.t, l.FailAuth(id))
		}, map[string]string{}},
		"rekey a child": {2, func(l *life) { l.rekeyChild(l.establish(), vicitest.Rekeying{}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "1",
		}},
		"the peer rekeys a child": {2, func(l *life) { l.rekeyChild(l.establish(), vicitest.Rekeying{Responder: true}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "1",
		}},
		"both rekey a child": {2, func(l *life) { l.rekeyChild(l.establish(), vicitest.Rekeying{Collision: true}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "1",
		}},
		"both rekey a child, and the peer's wins": {2, func(l *life) {
			l.rekeyChild(l.establish(), vicitest.Rekeying{Collision: true, Responder: true})
		}, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "1",
		}},
		"rekey a child again and again": {2, func(l *life) {
			ike := l.establish()
			for range 5 {
				pass(time.Minute)
				l.rekeyChild(ike, vicitest.Rekeying{})
			}
		}, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "5",
		}},
		"rekey an IKE_SA": {2, func(l *life) { l.rekeyIKE(l.establish(), vicitest.Rekeying{}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "ike_sas_rekeyed_total": "1",
		}},
		"both rekey an IKE_SA": {2, func(l *life) { l.rekeyIKE(l.establish(), vicitest.Rekeying{Collision: true}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "ike_sas_rekeyed_total": "1",
		}},
		"rekey an IKE_SA again and again": {2, func(l *life) {
			ike := l.establish()
			for range 5 {
				pass(time.Minute)
				ike = l.rekeyIKE(ike, vicitest.Rekeying{})
			}
			require.NoError(l.t, l.Down(ike))
		}, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "ike_sas_rekeyed_total": "5",
			"ike_sas_terminated_total": "1", "child_sas_terminated_total": "1",
		}},
		"reauthenticate": {2, func(l *life) {
			_, err := l.Reauthenticate(l.establish())
			require.NoError(l.t, err)
		}, map[string]string{
			"ike_sas_established_total": "2", "child_sas_established_total": "2",
			"ike_sas_terminated_total": "1", "child_sas_terminated_total": "1",
		}},
		"the peer moves": {2, func(l *life) {
			require.NoError(l.t, l.Move(l.establish(), vicitest.Endpoint{}, vicitest.Endpoint{Host: "192.0.2.7"}))
		}, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "ike_sas_moved_total": "1",
		}},
		"the daemon shuts down": {2, func(l *life) {
			l.establish()
			require.NoError(l.t, l.Shutdown(l.t.Context()))
		}, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1",
			"ike_sas_terminated_total": "1", "child_sas_terminated_total": "1",
		}},
		"IKEv1 rekeys a child": {1, func(l *life) { l.rekeyChild(l.establish(), vicitest.Rekeying{}) }, map[string]string{
			"ike_sas_established_total": "1", "child_sas_established_total": "1", "child_sas_rekeyed_total": "1",
		}},
		"IKEv1 rekeys an IKE_SA": {1, func(l *life) {
			old := l.establish()
			l.rekeyIKE(old, vicitest.Rekeying{})
			pass(10 * time.Second)
			require.NoError(l.t, l.Down(old))
		}, map[string]string{
			"ike_sas_established_total": "2", "child_sas_established_total": "1", "ike_sas_terminated_total": "1",
		}},
	} {
		for _, generation := range []vicitest.Generation{vicitest.Generation59, vicitest.Generation60, vicitest.Generation61} {
			t.Run(name+"/"+string(generation), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t, generation, test.version)
					b := newTestbed(t, l, eventful)
					b.watch()
					test.live(l)
					pass(100 * time.Millisecond)
					require.Equal(t, test.want, b.scrapeSettled("events").counts(lifeCounters...))
				})
			})
		}
	}
}

// Every page tells since when the exporter watches this daemon, for whoever judges what it cannot know yet.
func TestStartOfTheExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := strconv.FormatFloat(float64(time.Now().Unix()), 'g', -1, 64)
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		pass(time.Hour)
		require.Equal(t, began, b.scrape().value("exporter_start_time_seconds"))
		require.Equal(t, began, b.scrape("pools").value("exporter_start_time_seconds"))
		d.Crash()
		require.Equal(t, began, b.scrape().value("exporter_start_time_seconds"))
	})
}
