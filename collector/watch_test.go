// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// All that is configured has its counters from the first scrape, and they know since when they count, whatever happens.
func TestCountersFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		l.Load(vicitest.Connection{Name: "shunts", Children: []vicitest.Child{{Name: "local", Mode: "PASS"}}})
		began := time.Now()
		b := newTestbed(t, l, eventful)
		b.watch()
		first := b.gather()
		s := newSamples(t, first)
		for _, name := range lifeCounters {
			want := samples{`{connection="gw"}`: "0", `{connection="shunts"}`: "0"}
			if name[:3] != "ike" {
				want = samples{`{child="net",connection="gw"}`: "0"}
			}
			require.Equal(t, want, s.of(name), name)
		}
		traffic := []string{"child_received_bytes_total", "child_sent_bytes_total", "child_received_packets_total", "child_sent_packets_total"}
		for _, name := range traffic {
			require.Equal(t, samples{`{child="net",connection="gw"}`: "0"}, s.of(name), name)
		}
		require.Equal(t, "0", s.of("ike_sa_session_seconds_count")[`{connection="gw"}`])

		ike := l.establish()
		pass(time.Hour)
		l.rekeyChild(ike, vicitest.Rekeying{})
		require.NoError(t, l.Down(ike))
		pass(48 * time.Hour)
		second := b.gather()
		for _, name := range append(traffic, lifeCounters...) {
			require.NotEmpty(t, created(first, name), name)
			require.Equal(t, created(first, name), created(second, name), name)
			for _, at := range created(first, name) {
				require.WithinDuration(t, began, at, time.Second)
			}
		}
	})
}

// OpenMetrics has a line for the moment since when a counter counts.
func TestCreatedInOpenMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		var out bytes.Buffer
		encoder := expfmt.NewEncoder(&out, expfmt.NewFormat(expfmt.TypeOpenMetrics), expfmt.WithCreatedLines())
		for _, f := range b.gather() {
			require.NoError(t, encoder.Encode(f))
		}
		// Time in the bubble begins with the year 2000.
		require.Contains(t, out.String(), `strongswan_child_received_bytes_created{child="net",connection="gw"} 9.466848e+08`)
		require.Contains(t, out.String(), `strongswan_ike_sas_established_created{connection="gw"} 9.466848e+08`)
		require.Contains(t, out.String(), `strongswan_events_received_created{event="alert"} 9.466848e+08`)
	})
}

// What is neither configured nor in use goes after a day, and with it what it took of memory.
func TestEvictionAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		ike := l.establish()
		packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		b.scrapeSettled()
		require.True(t, l.Unload("gw"))
		pass(48 * time.Hour)
		s := b.scrapeSettled()
		require.Equal(t, "1000", s.value("child_received_bytes_total"), "it has an SA")

		require.NoError(t, l.Down(ike))
		for range 96 { // as Prometheus asks
			pass(15 * time.Minute)
			s = b.scrapeSettled()
		}
		require.Equal(t, "1000", s.value("child_received_bytes_total"))
		require.Equal(t, "1", s.value("ike_sas_terminated_total"))
		pass(30 * time.Minute)
		s = b.scrapeSettled()
		gone := []string{"child_received_bytes_total", "peer_received_bytes_total", "ike_sa_session_seconds_count"}
		for _, name := range append(gone, lifeCounters...) {
			require.Empty(t, s.of(name), name)
		}
		require.Equal(t, "2", s.value("traffic_totals_evicted_total"), "of the child and of the peer")
		require.Empty(t, b.gateway.table.ledger.entries)
		require.Empty(t, b.gateway.tracker.connections)
		require.Empty(t, b.gateway.tracker.children)
	})
}

// Counters go on over a loss of the subscription, which shows, and SAs that came and went meanwhile corrupt no total.
func TestStreamLostAndFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		pass(time.Minute)
		ike := l.establish()
		traffic := func(bytes uint64) vicitest.Traffic { return vicitest.Traffic{Bytes: bytes, Packets: bytes / 100} }
		require.NoError(t, l.Carry(l.child(ike), traffic(1000), traffic(2000)))
		b.scrapeSettled()

		l.RefuseConnections(syscall.ECONNREFUSED)
		l.DropConnections()
		pass(time.Second)
		// An SA that nobody sees, one that replaces the one that is known, and one that stays.
		unseen := l.establish()
		require.NoError(t, l.Carry(l.child(unseen), traffic(500), traffic(500)))
		require.NoError(t, l.Down(unseen))
		l.rekeyChild(ike, vicitest.Rekeying{})
		l.ExpireRekeyed(0)
		require.NoError(t, l.Carry(l.child(ike), traffic(300), traffic(300)))
		pass(10 * time.Second)
		l.RefuseConnections(nil)
		pass(5 * time.Second)

		s := b.scrapeSettled()
		require.Equal(t, "2", s.value("event_stream_connects_total"))
		require.Equal(t, "1", s.value("event_stream_connected"))
		require.Equal(t, "1300", s.value("child_received_bytes_total"), "what nobody saw is missed, all else counts once")
		require.Equal(t, "2300", s.value("child_sent_bytes_total"))
		require.Equal(t, "1", s.value("ike_sas_established_total"))
		require.NoError(t, l.Down(ike))
		s = b.scrapeSettled()
		require.Equal(t, "1", s.value("ike_sas_terminated_total"))
		require.Equal(t, "1300", s.value("child_received_bytes_total"))
	})
}

// A daemon that is restarted uses unique ids again, and counts from zero. Totals go on.
func TestDaemonRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		packet := vicitest.Traffic{Bytes: 1000, Packets: 10}
		for n := range 3 {
			require.NoError(t, l.Carry(l.child(l.establish()), packet, packet))
			b.scrapeSettled()
			if n == 1 {
				l.Crash()
			} else {
				require.NoError(t, l.Shutdown(t.Context()))
			}
			pass(10 * time.Second)
			require.NoError(t, l.Restart())
			l.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour}}})
			pass(10 * time.Second)
		}
		s := b.scrapeSettled()
		require.Equal(t, "3000", s.value("child_received_bytes_total"))
		require.Equal(t, "30", s.value("child_sent_packets_total"))
		require.Equal(t, "3", s.value("ike_sas_established_total"))
		require.Equal(t, "2", s.value("ike_sas_terminated_total"), "a daemon that crashes says nothing")
	})
}

// Counting begins when the exporter does, and not at the first scrape.
func TestCountingBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		child := l.child(l.establish())
		require.NoError(t, l.Carry(child, vicitest.Traffic{Bytes: 1000}, vicitest.Traffic{}))
		pass(time.Hour)
		b := newTestbed(t, l, eventful, func(c *Config) { c.MinInterval = 0 })
		go func() { _ = b.Run(t.Context()) }()
		pass(time.Second)
		require.NoError(t, l.Carry(child, vicitest.Traffic{Bytes: 300}, vicitest.Traffic{}))
		require.Equal(t, "300", b.scrapeSettled().value("child_received_bytes_total"))
	})
}

// Of ten thousand events in a second none is lost, none waits in the daemon for long, and they leave nothing behind.
func TestTenThousandEvents(t *testing.T) {
	const events = 10_000
	d := vicitest.NewDaemon(vicitest.Config{})
	defer d.Close()
	d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour}}})
	c, err := New(Config{Dialer: &vici.Dialer{Address: d.Address()}, Looks: usualLooks})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	go func() { _ = c.Run(t.Context()) }()
	subscribed := func(o vicitest.Observation) bool {
		return o.Registrations["child-rekey"] == 1 && o.Commands["version"] > 0 && o.InFlight == 0
	}
	require.NoError(t, d.WaitFor(t.Context(), subscribed))
	ike, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)

	run := func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for n := range events {
			sa, err := d.IKESA(ike)
			require.NoError(t, err)
			_, err = d.RekeyChild(sa.Children[0].UniqueID, vicitest.Rekeying{})
			require.NoError(t, err)
			d.ExpireRekeyed(0)
			if n%100 == 0 {
				<-ticker.C
			}
		}
	}
	run()
	rekeyed := func() uint64 { return gathered(t, c, "events_received_total", "child-rekey", "events") }
	require.Eventually(t, func() bool { return rekeyed() == events }, 10*time.Second, 10*time.Millisecond)
	before := heapInUse()
	run()
	require.Eventually(t, func() bool { return rekeyed() == 2*events }, 10*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 2*events, gathered(t, c, "child_sas_rekeyed_total", "net", "events"), "each was a rekeying of its own")
	// Of the last rekeying another event may be on its way when the counted one has been.
	require.Eventually(t, func() bool { return d.Observe().Queued == 0 }, 10*time.Second, 10*time.Millisecond)
	o := d.Observe()
	const all = events * 1300 // bytes; on a machine that has other things to do some wait for a moment
	require.Less(t, o.MaxQueued, all/2, "the daemon had to keep events for a reader that is slow")
	require.Less(t, heapInUse()-before, int64(8<<20), "what is remembered of SAs that are gone must not grow")
}

// gathered returns the value of the sample of a source's counter that has a label value.
func gathered(t *testing.T, c *Collector, name, label, source string) uint64 {
	t.Helper()
	families, _, err := c.Gather(t.Context(), source)
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == namespace+name && hasLabel(m, label) {
				return uint64(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

func hasLabel(m *dto.Metric, value string) bool {
	for _, pair := range m.Label {
		if pair.GetValue() == value {
			return true
		}
	}
	return false
}
