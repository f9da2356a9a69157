// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// requireDown checks a page of an exporter whose daemon cannot be reached.
func requireDown(t *testing.T, s samples) {
	t.Helper()
	require.Zero(t, s["strongswan_up"])
	require.Contains(t, s, "strongswan_up")
	for _, name := range []string{
		"strongswan_ike_sas", "strongswan_child_up", "strongswan_connection_up", "strongswan_pool_addresses",
		"strongswan_daemon_ike_sas", "strongswan_child_received_bytes_total", "strongswan_certificates",
	} {
		require.Empty(t, s.named(name), "an outage must not read as nothing there")
	}
	require.False(t, s.success(t, "sas"))
}

// requireRight checks a page of an exporter whose daemon is as newGateway made it.
func requireRight(t *testing.T, s samples) {
	t.Helper()
	require.EqualValues(t, 1, s["strongswan_up"])
	require.EqualValues(t, 1, s[connectionUp])
	require.EqualValues(t, 1, s[childUp])
	require.EqualValues(t, 14, s[poolSize])
	for key, v := range s.named("strongswan_scrape_collector_success") {
		require.EqualValues(t, 1, v, key)
	}
}

// TestUnreachable has the ways in which there can be no connection, each of which heals.
func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "charon.vici")
	e := newExporter(t, nil, "--vici.address=unix://"+path, "--scrape.min-interval=0s")
	requireOnce := func(t *testing.T, part string) {
		t.Helper()
		requireDown(t, e.scrape())
		requireDown(t, e.scrape())
		require.Equal(t, 1, strings.Count(e.logs.String(), part), e.logs.String())
	}

	requireOnce(t, "there is no such socket")

	stale, err := net.Listen("unix", path) //nolint:noctx // it is closed at once
	require.NoError(t, err)
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())
	requireDown(t, e.scrape())

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	requireDown(t, e.scrape())

	require.NoError(t, os.Remove(path))
	d := vicitest.NewUnstartedDaemon(vicitest.Config{})
	t.Cleanup(d.Close)
	populate(t, d)
	require.NoError(t, d.Listen("unix://"+path))
	requireRight(t, e.scrape())
	require.Contains(t, e.logs.String(), "The daemon answers again")

	d.Crash()
	requireDown(t, e.scrape())
	require.NoError(t, d.Restart())
	populate(t, d)
	requireRight(t, e.scrape())
}

func TestRefusedOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	e := newExporter(t, nil, "--vici.address=tcp://"+address, "--scrape.min-interval=0s")
	requireDown(t, e.scrape())
	require.Contains(t, e.logs.String(), "nobody listens there")
}

// TestSilentDaemon: a daemon that hangs gets one request, however often it is scraped, and is found
// again at the first scrape after it goes on.
func TestSilentDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
		requireRight(t, e.scrape())

		before := commands(d)
		goOn := make(chan struct{})
		var heal []func()
		for _, command := range []string{
			"version", "stats", "list-sas", "list-conns", "get-pools", "list-policies", "get-counters", "get-conns",
		} {
			heal = append(heal, d.Fault(command, vicitest.Delay(goOn)))
		}
		heal = append(heal, d.FaultEvent("ping", vicitest.Delay(goOn)), d.FaultEvent("list-conn", vicitest.Delay(goOn)))
		for range 6 {
			start := time.Now()
			requireDown(t, e.scrape())
			require.Less(t, time.Since(start), 10*time.Second, "a scrape must answer before its scraper gives up")
			pass(5 * time.Second)
		}
		require.LessOrEqual(t, commands(d)-before, 1, "requests that wait in the daemon")

		for _, h := range heal {
			h()
		}
		close(goOn)
		synctest.Wait()
		requireRight(t, e.scrape())
	})
}

func commands(d *vicitest.Daemon) (n int) {
	for _, c := range d.Observe().Commands {
		n += c
	}
	return n
}

// TestOneCommandFails has the ways in which a single command can go wrong. All others must not notice.
func TestOneCommandFails(t *testing.T) {
	faults := map[string]vicitest.Fault{
		"never answers":           vicitest.Hang(),
		"drops the connection":    vicitest.DropAfter(0),
		"unknown":                 vicitest.Unknown(),
		"refused":                 vicitest.Refuse("no"),
		"half an answer":          vicitest.OnAnswer(vicitest.Truncated(3)),
		"4 GiB announced":         vicitest.OnAnswer(vicitest.Oversized(1<<32 - 1)),
		"garbage":                 vicitest.OnAnswer(vicitest.Replaced([]byte{0, 0, 0, 2, 99, 1})),
		"another kind of packet":  vicitest.OnAnswer(vicitest.OfType(5)),
		"a malformed message":     vicitest.OnAnswer(vicitest.Malformed()),
		"1,000 sections nested":   vicitest.OnAnswer(vicitest.Nested(1000)),
		"a foreign event between": vicitest.EventFirst("no-such-event", nil),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newGateway(t, vicitest.Config{})
				e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
				heal := d.Fault("get-pools", fault)
				s := e.scrape()
				require.EqualValues(t, 1, s["strongswan_up"])
				require.EqualValues(t, 1, s[connectionUp])
				require.EqualValues(t, 1, s[childUp])
				require.True(t, s.success(t, "policies"))
				require.True(t, s.success(t, "daemon"))
				harmless := name == "unknown" || name == "a foreign event between"
				require.Equal(t, harmless, s.success(t, "pools"))
				if name != "a foreign event between" {
					require.Empty(t, s.named("strongswan_pool_addresses"))
				}
				heal()
				pass(10 * time.Second) // for which the command is left in peace after a silence
				requireRight(t, e.scrape())
			})
		})
	}
}

// TestSweepFails: what a sweep did not finish is not shown, and what was up is not shown as down.
func TestSweepFails(t *testing.T) {
	faults := map[string]vicitest.Fault{
		"stops in the middle":    vicitest.HangAfter(1),
		"drops in the middle":    vicitest.DropAfter(1),
		"half an event":          vicitest.OnPacket(0, vicitest.Truncated(40)),
		"a malformed event":      vicitest.OnPacket(0, vicitest.Malformed()),
		"an event without an SA": vicitest.OnPacket(0, vicitest.Replaced([]byte("\x00\x00\x00\x09\x07\x07list-sa"))),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newGateway(t, vicitest.Config{})
				_, err := d.Establish("gw", vicitest.Peer{ID: "another.example.org"})
				require.NoError(t, err)
				e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
				requireRight(t, e.scrape())
				heal := d.Fault("list-sas", fault)
				s := e.scrape()
				require.EqualValues(t, 1, s["strongswan_up"])
				require.False(t, s.success(t, "sas"))
				require.Empty(t, s.named("strongswan_ike_sas"))
				require.Empty(t, s.named("strongswan_child_up"))
				require.NotEmpty(t, s.named("strongswan_connection_info"))
				require.EqualValues(t, 14, s[poolSize])
				heal()
				pass(10 * time.Second)
				requireRight(t, e.scrape())
			})
		})
	}
}

// TestBusySA: an SA that another thread uses is passed over by the listing, and stays what it was.
func TestBusySA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
		before := e.scrape()
		requireRight(t, before)
		release, err := d.SetBusy(d.IKESAs()[0].UniqueID)
		require.NoError(t, err)
		for range 5 {
			s := e.scrape()
			requireRight(t, s)
			require.EqualValues(t, 1, s["strongswan_sweep_unlisted_ike_sas"])
			require.Equal(t, before.named("strongswan_ike_sas"), s.named("strongswan_ike_sas"))
			require.Equal(t, before.named("strongswan_child_sas"), s.named("strongswan_child_sas"))
		}
		release()
		s := e.scrape()
		requireRight(t, s)
		require.Zero(t, s["strongswan_sweep_unlisted_ike_sas"])
		for _, request := range d.Requests("list-sas") {
			_, noblock := request.Value("noblock")
			require.True(t, noblock)
		}
	})
}

// TestManyScrapers: the daemon sees one collection at a time, and one per interval.
func TestManyScrapers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--scrape.min-interval=1s", "--web.max-requests=100")
		pass(5 * time.Second) // for the round with which counting begins
		before := d.Observe().Commands
		var scrapers sync.WaitGroup
		for i := range 100 {
			scrapers.Go(func() {
				if i%3 == 0 {
					e.get("/metrics?collect[]=daemon", 10)
					return
				}
				requireRight(t, e.scrape())
			})
		}
		scrapers.Wait()
		seen := d.Observe()
		require.LessOrEqual(t, seen.Commands["list-sas"]-before["list-sas"], 1)
		require.LessOrEqual(t, seen.Commands["stats"]-before["stats"], 2)
		require.LessOrEqual(t, seen.Connections, 3)
		pass(2 * time.Second)
		requireRight(t, e.scrape())
		require.Equal(t, seen.Commands["list-sas"]+1, d.Observe().Commands["list-sas"])
	})
}

// TestSlowDaemon: seven bytes at a time are right if they come in time, and absent if not.
func TestSlowDaemon(t *testing.T) {
	for pause, inTime := range map[time.Duration]bool{time.Microsecond: true, time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			d := newGateway(t, vicitest.Config{})
			d.WrapConnections(vicitest.SlowWrites(7, pause))
			e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
			start := time.Now()
			s := e.scrape()
			require.Less(t, time.Since(start), 10*time.Second)
			if inTime {
				requireRight(t, s)
			} else {
				requireDown(t, s)
			}
			d.WrapConnections(nil)
		})
	}
}

// TestLeavesNothing: after outages of all kinds there is no more open than before. The
// bubble itself fails if a goroutine is left.
func TestLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
		requireRight(t, e.scrape())
		synctest.Wait() // the subscription may come after the first scrape
		open := d.Observe().Connections
		for _, fault := range []vicitest.Fault{vicitest.Hang(), vicitest.DropAfter(0), vicitest.HangAfter(1)} {
			heal := d.Fault("list-sas", fault)
			for range 5 {
				e.scrape()
				pass(time.Minute)
			}
			heal()
			pass(5 * time.Minute)
			requireRight(t, e.scrape())
			synctest.Wait()
			require.LessOrEqual(t, d.Observe().Connections, open)
		}
		e.stop()
		synctest.Wait()
		require.Zero(t, d.Observe().Connections)
	})
}
