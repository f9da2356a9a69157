// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// What a daemon tells of its start, by which a state is known to be of it, or not.
func TestIdentify(t *testing.T) {
	const since = "Nov 22 10:00:00 2026" // for two hours when it was told at noon, in a zone that does not matter
	for name, test := range map[string]struct {
		since, running string
		after          time.Duration
		want           identity
	}{
		"the same":                                  {since, "2 hours", time.Minute, sameRun},
		"the same, a second off":                    {"Nov 22 10:00:01 2026", "2 hours", time.Minute, sameRun},
		"restarted":                                 {"Nov 22 12:00:30 2026", "30 seconds", time.Minute, earlierRun},
		"restarted an hour ago":                     {"Nov 22 12:30:00 2026", "1 hour", 90 * time.Minute, earlierRun},
		"restarted, and longer ago than it ran":     {"Nov 22 13:00:00 2026", "4 hours", 5 * time.Hour, maybeOther},
		"restarted in another zone":                 {"Nov 22 09:00:30 2026", "30 seconds", time.Minute, earlierRun},
		"asleep for an hour":                        {"Nov 22 11:00:00 2026", "2 hours", 70 * time.Minute, maybeOwn},
		"asleep for much longer than it ran":        {"Nov 23 10:00:00 2026", "2 hours", 25 * time.Hour, maybeOther},
		"the clock was set back":                    {"Nov 22 09:00:00 2026", "2 hours", time.Minute - time.Hour, maybeOther},
		"the clock was set back a little":           {"Nov 22 09:59:50 2026", "2 hours", time.Minute - 10*time.Second, maybeOwn},
		"another one, which started earlier":        {"Nov 22 07:00:00 2026", "5 hours", time.Minute, maybeOwn},
		"another one, which started later":          {"Nov 22 11:00:00 2026", "61 minutes", time.Minute, maybeOwn},
		"another one, which cannot be told":         {"Nov 22 11:00:00 2026", "1 hour", time.Hour, maybeOther},
		"nothing that can be read":                  {"yesterday", "2 hours", time.Minute, sameRun},
		"no age, started earlier":                   {"Nov 22 07:00:00 2026", "ages", time.Minute, maybeOwn},
		"no age, started later than it can be told": {"Nov 22 12:00:30 2026", "ages", time.Minute, earlierRun},
	} {
		t.Run(name, func(t *testing.T) {
			state := &daemonRun{Since: since, Running: "2 hours", Told: noon}
			require.Equal(t, test.want, state.identify(vici.Uptime{Since: test.since, Running: test.running}, noon.Add(test.after)))
		})
	}
}

// restartable returns a function that runs one process after another on one state file.
func restartable(t *testing.T) (process func(t *testing.T, d fakeDaemon) (b *testbed, stop func())) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	return func(t *testing.T, d fakeDaemon) (b *testbed, stop func()) {
		t.Helper()
		b = newTestbed(t, d, eventful, withState(path))
		stop = b.watch()
		return b, stop
	}
}

// sameKeys lets the newest CHILD_SA have the keys of the first one ever, as no real daemon does: SPIs are random.
func (l *life) sameKeys(ike uint32) {
	l.t.Helper()
	require.NoError(l.t, l.Update(ike, func(sa *vicitest.IKESA) { sa.Children[0].SPIIn, sa.InitiatorSPI = 0xc0000001, 7 }))
}

// The daemon is restarted while the exporter is down. Totals and counters go on; marks and sessions of the earlier run are
// void, even for an SA with the same keys.
func TestDaemonRestartedMeanwhile(t *testing.T) {
	for name, after := range map[string]time.Duration{"just now": time.Minute, "long ago": 12 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			process := restartable(t)
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 2)
				packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
				pass(time.Hour)
				first, stop := process(t, l)
				pass(time.Minute)
				ike := l.establish()
				l.sameKeys(ike)
				for range 3 {
					require.NoError(t, l.Carry(l.child(ike), packet, packet))
				}
				require.Equal(t, "3000", first.scrapeSettled().value("child_received_bytes_total"))
				stop()

				pass(5 * time.Second)
				l.Crash()
				require.NoError(t, l.Restart())
				l.Load(vicitest.Connection{Name: "gw", Version: 2, Children: []vicitest.Child{{Name: "net"}}})
				ike = l.establish()
				l.sameKeys(ike)
				require.NoError(t, l.Carry(l.child(ike), packet, packet))
				pass(after)
				second, _ := process(t, l)
				s := second.scrapeSettled()
				require.Equal(t, "4000", s.value("child_received_bytes_total"))
				require.Equal(t, "4000", s.value("peer_sent_bytes_total"))
				require.Equal(t, "1", s.value("ike_sas_established_total"))
				require.Contains(t, second.log.String(), "The daemon was restarted since the state was saved")
				l.last(ike, time.Minute)
				n, _ := second.sessions()
				require.Zero(t, n, "nobody saw the beginning")
			})
		})
	}
}

// Another daemon, which ran beside the one that the state is of, has come to its address. Nothing of the state is kept.
func TestStateOfAnotherDaemon(t *testing.T) {
	process := restartable(t)
	synctest.Test(t, func(t *testing.T) {
		other := newLife(t, vicitest.Generation61, 2)
		packet := vicitest.Traffic{Bytes: 7, Packets: 1}
		strange := other.establish()
		pass(time.Hour)
		l := newLife(t, vicitest.Generation61, 2)
		pass(30 * time.Second)
		first, stop := process(t, l)
		pass(time.Minute)
		ike := l.establish()
		require.NoError(t, l.Carry(l.child(ike), vicitest.Traffic{Bytes: 1000, Packets: 1}, packet))
		l.last(ike, time.Minute)
		require.Equal(t, "1000", first.scrapeSettled().value("child_received_bytes_total"))
		stop()

		late := other.establish()
		for _, id := range []uint32{strange, late} {
			require.NoError(t, other.Carry(other.child(id), packet, packet))
		}
		pass(time.Minute)
		began := time.Now()
		second, stop := process(t, other)
		s := second.scrapeSettled()
		require.Contains(t, second.log.String(), "The state file is of another daemon")
		require.Equal(t, "0", s.value("child_received_bytes_total"), "what it had carried before")
		require.Equal(t, "0", s.value("ike_sas_established_total"))
		n, _ := second.sessions()
		require.Zero(t, n)
		require.Equal(t, "0", s.of("events_received_total")[`{event="ike-updown"}`])
		for _, name := range []string{"child_received_bytes_total", "ike_sas_established_total", "events_received_total"} {
			for series, at := range created(second.gather(), name) {
				require.WithinDuration(t, began, at, time.Second, series)
			}
		}
		require.NoError(t, other.Carry(other.child(late), packet, packet))
		require.Equal(t, "7", second.scrapeSettled().value("child_received_bytes_total"))
		stop()

		pass(time.Minute)
		third, _ := process(t, other)
		require.Equal(t, "7", third.scrapeSettled().value("child_received_bytes_total"))
		require.NotContains(t, third.log.String(), "level=WARN")
	})
}

// A clock that was set while the exporter was down makes the daemon tell another start. Its SAs tell that it is the same.
func TestClockSetMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		by      time.Duration
		suspect bool // it looks like another daemon, and else like a restarted one
	}{
		"ahead": {time.Hour, true}, "back": {-time.Hour, false}, "back a little": {-10 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			before := newTestTracker(&now, anything)
			now = now.Add(time.Minute)
			started := noon.Add(-2 * time.Hour)
			uptime := func() vici.Uptime {
				return vici.Uptime{Since: started.Format("Jan 02 15:04:05 2006"), Running: "2 hours"}
			}
			require.False(t, before.meet(uptime(), now))
			ike := &vici.IKESA{Name: "gw", Version: "2", State: vici.StateEstablished, UniqueID: vici.Some(uint32(1))}
			carried := func(bytes uint64) *vici.IKESA {
				ike.Children = []vici.ChildSA{{
					Name: "net", UniqueID: vici.Some(uint32(1)), SPIIn: vici.Some(vici.SPI(7)), State: vici.StateInstalled,
					InstallTime: vici.Some(10 * time.Second), BytesIn: vici.Some(bytes),
				}}
				return ike
			}
			before.observe(ike, &carried(1000).Children[0], false)
			s, err := parseState(encode(t, before.snapshot("", now)), "")
			require.NoError(t, err)

			now, started = now.Add(time.Minute+test.by), started.Add(test.by)
			after := newTestTracker(&now, anything)
			after.restore(s, now)
			require.Equal(t, !test.suspect, after.meet(uptime(), now))
			require.Equal(t, test.suspect, after.suspect != nil)
			saved := after.snapshot("", now).Daemon
			require.Equal(t, test.suspect, saved.Since == s.Daemon.Since, "until that is decided, the state is what it was")
			after.table.begin()
			after.table.observe(carried(1500), now)
			after.table.end(1, now)
			require.False(t, after.settle(now))
			require.EqualValues(t, 1500, after.table.ledger.total("net")[receivedBytes])
		})
	}
}
