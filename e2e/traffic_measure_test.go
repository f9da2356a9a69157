// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// prometheusInterval is how often exporters are scraped while traffic is measured: as Prometheus does by default.
const prometheusInterval = 15 * time.Second

// A tunnel of the laboratory.
type tunnel struct {
	connection, child string
	network           int // inside
}

var (
	plain    = tunnel{"gw-gw", "net-net", 0}
	version1 = tunnel{"gw-v1", "v1-net", 3}
)

// A measurement compares what exporters say of one tunnel's traffic with what really went through it.
type measurement struct {
	tunnel

	lab   *lab.Lab
	sides [2]*side // moon, sun
}

// A side is one end of the tunnel.
type side struct {
	gateway  *lab.Gateway
	exporter *exporter
	before   truth   // the tunnel device's counters when the measurement began
	earlier  truth   // what went through daemons that have ended since
	ended    float64 // tunnels
}

// truth is what a tunnel device counts.
type truth struct{ received, sent lab.Counters }

func (t truth) plus(o truth) truth {
	return truth{
		received: lab.Counters{Bytes: t.received.Bytes + o.received.Bytes, Packets: t.received.Packets + o.received.Packets},
		sent:     lab.Counters{Bytes: t.sent.Bytes + o.sent.Bytes, Packets: t.sent.Packets + o.sent.Packets},
	}
}

func (t truth) minus(o truth) truth {
	return truth{
		received: lab.Counters{Bytes: t.received.Bytes - o.received.Bytes, Packets: t.received.Packets - o.received.Packets},
		sent:     lab.Counters{Bytes: t.sent.Bytes - o.sent.Bytes, Packets: t.sent.Packets - o.sent.Packets},
	}
}

// measure begins a measurement of a tunnel, with an exporter on each gateway.
func measure(t *testing.T, l *lab.Lab, what tunnel) *measurement {
	t.Helper()
	return measureWith(t, l, what, func(*lab.Gateway) []string { return nil })
}

// measureWith is measure for exporters with arguments.
func measureWith(t *testing.T, l *lab.Lab, what tunnel, args func(*lab.Gateway) []string) *measurement {
	t.Helper()
	m := &measurement{tunnel: what, lab: l}
	for i, g := range []*lab.Gateway{l.Moon, l.Sun} {
		s := &side{gateway: g, exporter: startExporter(t, g.Address(), args(g)...)}
		s.exporter.awaitEvents(t)
		s.before = s.device(t)
		m.sides[i] = s
	}
	return m
}

// device reads the counters of the gateway's tunnel device.
func (s *side) device(t *testing.T) truth {
	t.Helper()
	received, sent, err := s.gateway.TunnelBytes(t.Context())
	require.NoError(t, err)
	return truth{received, sent}
}

// truth returns what went through the tunnel since the measurement began.
func (s *side) truth(t *testing.T) truth {
	t.Helper()
	return s.earlier.plus(s.device(t).minus(s.before))
}

// retire keeps what went through a daemon that is about to end: its device goes with it.
func (s *side) retire(t *testing.T) {
	t.Helper()
	s.earlier, s.before = s.truth(t), truth{}
}

// totals returns what the exporter says.
func (m *measurement) totals(p *page) truth {
	value := func(metric string) uint64 { return uint64(m.of(p, "child_"+metric)) }
	return truth{
		received: lab.Counters{Bytes: value("received_bytes_total"), Packets: value("received_packets_total")},
		sent:     lab.Counters{Bytes: value("sent_bytes_total"), Packets: value("sent_packets_total")},
	}
}

// send carries traffic in both directions for that long.
func (m *measurement) send(ctx context.Context, t *testing.T, d time.Duration) {
	t.Helper()
	require.NoError(t, <-m.sendInBackground(ctx, d))
}

// sendInBackground is send for a test that does something meanwhile. The traffic is far below what the machine can do, so that none is
// lost; it is UDP, since iperf3 would send TCP in bursts of a third of a second.
func (m *measurement) sendInBackground(ctx context.Context, d time.Duration) <-chan error {
	done := make(chan error, 1)
	go func() {
		done <- m.lab.Iperf(ctx, lab.Traffic{
			From: m.lab.Moon, To: m.lab.Sun, FromInside: m.lab.Moon.Inside(m.network), ToInside: m.lab.Sun.Inside(m.network),
			Duration: d, BitsPerSecond: 3_000_000, UDP: true,
		})
	}()
	return done
}

// quiet waits for the last packets to arrive.
func (m *measurement) quiet() { <-time.After(time.Second) }

// scrapeRegularly scrapes both exporters as Prometheus would, until the test ends or the returned function is called.
func (m *measurement) scrapeRegularly(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ticker := time.NewTicker(prometheusInterval); ; {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				ticker.Stop()
				return
			}
			for _, s := range m.sides {
				_, _ = s.exporter.tryScrape(ctx) // it may be down just now; the last scrape is what is judged
			}
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// finish closes the tunnel and waits until both exporters have heard of it.
func (m *measurement) finish(ctx context.Context, t *testing.T) {
	t.Helper()
	m.quiet()
	require.NoError(t, m.lab.Moon.Terminate(ctx, "--ike", m.connection))
	for _, s := range m.sides {
		await(t, func() bool {
			p := s.exporter.scrape(t)
			return m.of(p, "child_sas_terminated_total") >= 1+s.ended
		}, "%s's exporter hears of the end of the tunnel", s.gateway.Name)
	}
}

// of returns the value of one of the child's series.
func (m *measurement) of(p *page, metric string) float64 {
	return p.series[seriesName("strongswan_"+metric, "connection", m.connection, "child", m.child)]
}

// lasting are the counters that never fall, whatever is restarted.
var lasting = []string{
	"strongswan_child_received_bytes_total", "strongswan_child_sent_bytes_total",
	"strongswan_child_received_packets_total", "strongswan_child_sent_packets_total",
	"strongswan_ike_sas_established_total", "strongswan_ike_sas_terminated_total", "strongswan_ike_sas_failed_total",
	"strongswan_ike_sas_rekeyed_total", "strongswan_ike_sas_moved_total",
	"strongswan_child_sas_established_total", "strongswan_child_sas_terminated_total", "strongswan_child_sas_rekeyed_total",
	"strongswan_events_received_total", "strongswan_alerts_total",
}

// requireNoLess insists that no counter fell from one page to a later one, and none vanished.
func requireNoLess(t *testing.T, before, after *page) {
	t.Helper()
	counters := before.series.of(lasting...)
	require.NotEmpty(t, counters)
	for id, before := range counters {
		value, ok := after.series[id]
		require.True(t, ok, id)
		require.GreaterOrEqual(t, value, before, id)
	}
}

// A row is the error of one total.
type row struct {
	side, direction string
	truth, total    lab.Counters
	bound           float64 // of the bytes that may be missed, as a part of the truth
}

// missed is what the exporter missed, as a part of the truth; below 0 it counted what was not there.
func (r row) missed() float64 {
	return (float64(r.truth.Bytes) - float64(r.total.Bytes)) / float64(r.truth.Bytes)
}

func (r row) String() string {
	return fmt.Sprintf("%-5s %-9s %12d %12d %12d %12d %+9.4f %% %8.2f %%", r.side, r.direction,
		r.truth.Bytes, r.total.Bytes, r.truth.Packets, r.total.Packets, 100*r.missed(), 100*r.bound)
}

// Bounds of what may be missed.
const (
	exact     = 0.0005 // inbound, and outbound where the peer rekeys
	nearExact = 0.006  // outbound where this end rekeys
)

// bounds say what may be missed in the four directions: moon's received and sent, sun's received and sent.
type bounds [2][2]float64

// compare prints what both exporters say beside the truth, and holds the bounds.
func (m *measurement) compare(t *testing.T, title string, b bounds) {
	t.Helper()
	var rows []row
	for i, s := range m.sides {
		truth, total := s.truth(t), m.totals(s.exporter.scrape(t))
		rows = append(rows,
			row{s.gateway.Name, "received", truth.received, total.received, b[i][0]},
			row{s.gateway.Name, "sent", truth.sent, total.sent, b[i][1]})
	}
	lines := []string{fmt.Sprintf("%s (strongSwan %s)", title, m.lab.Version()), fmt.Sprintf(
		"%-5s %-9s %12s %12s %12s %12s %11s %10s", "host", "direction", "bytes", "counted", "packets", "counted", "missed", "allowed")}
	for _, r := range rows {
		lines = append(lines, r.String())
	}
	t.Log("\n" + strings.Join(lines, "\n"))
	for _, r := range rows {
		require.NotZero(t, r.truth.Bytes)
		require.LessOrEqual(t, r.missed(), r.bound, "%s %s misses too much", r.side, r.direction)
		require.LessOrEqual(t, r.total.Bytes, r.truth.Bytes, "%s %s counts what was not there", r.side, r.direction)
		require.LessOrEqual(t, r.total.Packets, r.truth.Packets, "%s %s counts what was not there", r.side, r.direction)
	}
}

// compareIncrease holds the same bounds for what Prometheus makes of the totals. It extrapolates by up to an interval, so the
// difference of its samples is held to the bounds, and the increase to those and an interval's share.
func (m *measurement) compareIncrease(t *testing.T, p *prometheus, b bounds) {
	t.Helper()
	p.awaitScrapes(t, len(m.sides))
	now := time.Now()
	for direction, metric := range []string{"strongswan_child_received_bytes_total", "strongswan_child_sent_bytes_total"} {
		selector := fmt.Sprintf("%s{connection=%q,child=%q}[1h]", metric, m.connection, m.child)
		sampled := p.query(t, now, fmt.Sprintf("max_over_time(%[1]s) - min_over_time(%[1]s)", selector))
		increase := p.query(t, now, fmt.Sprintf("increase(%s)", selector))
		resets := p.query(t, now, fmt.Sprintf("resets(%s)", selector))
		for i, s := range m.sides {
			name, truth := s.gateway.Name, s.truth(t)
			bytes := float64([]uint64{truth.received.Bytes, truth.sent.Bytes}[direction])
			t.Logf("%-5s %s: increase() %+.2f %%, samples %+.4f %%", name, metric, 100*(increase[name]/bytes-1), 100*(sampled[name]/bytes-1))
			require.Zero(t, resets[name])
			require.LessOrEqual(t, sampled[name], bytes)
			require.GreaterOrEqual(t, sampled[name], bytes*(1-b[i][direction]))
			require.InDelta(t, bytes, increase[name], bytes*(b[i][direction]+prometheusInterval.Seconds()/trafficTime.Seconds()))
		}
	}
}

// awaitLog waits until the gateway's daemon has logged a text so many times.
func awaitLog(t *testing.T, g *lab.Gateway, text string, times int) {
	t.Helper()
	deadline := time.After(*trafficTime)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for logged(t, text, g) < times {
		select {
		case <-ticker.C:
		case <-deadline:
			require.Fail(t, "not logged while traffic was measured", "%q", text)
		}
	}
}

// logged counts the lines of the gateway's daemon's log that have a text in them.
func logged(t *testing.T, text string, g *lab.Gateway) int {
	t.Helper()
	log, err := os.ReadFile(g.LogFile())
	require.NoError(t, err)
	return strings.Count(string(log), text)
}
