// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

var trafficTime = flag.Duration("traffic", 40*time.Second, "how long traffic is measured; scripts/traffic-check takes longer")

// measuredGenerations are those on which traffic is measured: they report rekeyings differently.
var measuredGenerations = []string{"5.9.8", "6.1.0"}

// rekeying lets gateways rekey often, over a wire as long as one across a continent. Lifetimes leave the time for a
// rekeying with lost packets that they have with default settings.
func rekeying(gateways ...string) []lab.Option {
	return []lab.Option{
		lab.WithChildRekey(12*time.Second, gateways...), lab.WithIKERekey(45*time.Second, gateways...),
		lab.WithSwanctl("child-defaults { life_time = 30s\n rand_time = 1s }"),
		lab.WithDelay(40*time.Millisecond, lab.Sun),
	}
}

// Totals are exact, however often SAs are replaced while Prometheus looks elsewhere, and so is what Prometheus makes of them.
func TestTraffic(t *testing.T) {
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			m := measure(t, lab.New(t, generation, rekeying(lab.Moon)...), plain)
			p := startPrometheus(t, prometheusInterval, map[string]*exporter{"moon": m.sides[0].exporter, "sun": m.sides[1].exporter})
			p.awaitScrapes(t, len(m.sides))
			require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
			m.send(ctx, t, *trafficTime)
			m.finish(ctx, t)
			allowed := bounds{{exact, nearExact}, {exact, exact}}
			m.compare(t, "CHILD_SAs rekeyed every 12 s, IKE_SAs every 45 s, by moon", allowed)
			m.compareIncrease(t, p, allowed)
		})
	}
}

// When both ends begin at the same time, there are SAs that replace one another twice or were never needed.
func TestTrafficWithCollisions(t *testing.T) {
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			options := append(rekeying(), lab.WithSwanctl("child-defaults { rand_time = 0s }"))
			m := measure(t, lab.New(t, generation, options...), plain)
			m.scrapeRegularly(t)
			require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
			sent := m.sendInBackground(ctx, *trafficTime)
			m.collide(ctx, t, int(*trafficTime/(20*time.Second)))
			require.NoError(t, <-sent)
			m.finish(ctx, t)
			m.compare(t, "the same by both at the same time", bounds{{exact, nearExact}, {exact, nearExact}})
		})
	}
}

// IKEv1 tells less of what happens: there are no events for the end of what was replaced, nor for the rekeying of an IKE_SA.
func TestTrafficIKEv1(t *testing.T) {
	ctx := measuring(t)
	m := measure(t, lab.New(t, "5.9.8", rekeying(lab.Moon)...), version1)
	m.scrapeRegularly(t)
	require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
	m.send(ctx, t, *trafficTime)
	m.finish(ctx, t)
	m.compare(t, "IKEv1, rekeyed by moon", bounds{{exact, nearExact}, {exact, exact}})
}

// Exporters that are killed and started again count on where they were, and never expose less than before.
func TestTrafficExporterKilled(t *testing.T) {
	const interval = 5 * time.Second
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			dir := t.TempDir()
			args := func(g *lab.Gateway) []string {
				return []string{"--state.file=" + filepath.Join(dir, g.Name), fmt.Sprintf("--state.interval=%s", interval)}
			}
			l := lab.New(t, generation, rekeying(lab.Moon)...)
			m := measureWith(t, l, plain, args)
			require.NoError(t, l.Moon.Initiate(ctx, m.child))
			sent := m.sendInBackground(ctx, *trafficTime)
			stop := m.scrapeRegularly(t)
			awaitLog(t, "closing CHILD_SA net-net", 2, l.Moon) // SAs have ended since the start
			stop()
			shown := m.totals(m.sides[0].exporter.scrape(t))
			for _, s := range m.sides {
				s.exporter.kill(t)
				s.exporter = startExporter(t, s.gateway.Address(), args(s.gateway)...)
			}
			again := m.totals(m.sides[0].exporter.scrape(t))
			require.GreaterOrEqual(t, again.received.Bytes, shown.received.Bytes)
			require.GreaterOrEqual(t, again.sent.Bytes, shown.sent.Bytes)
			m.scrapeRegularly(t)
			require.NoError(t, <-sent)
			m.finish(ctx, t)
			lost := interval.Seconds() / trafficTime.Seconds()
			m.compare(t, "exporters killed and started again", bounds{{exact + lost, nearExact + lost}, {exact + lost, exact + lost}})
		})
	}
}

// A daemon that is restarted begins to count anew; totals do not.
func TestTrafficDaemonRestarted(t *testing.T) {
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			m := measure(t, lab.New(t, generation, rekeying(lab.Moon)...), plain)
			m.scrapeRegularly(t)
			moon := m.lab.Moon
			require.NoError(t, moon.Initiate(ctx, m.child))
			m.send(ctx, t, *trafficTime/2)
			m.quiet()
			m.sides[0].retire(t)
			require.NoError(t, moon.Stop(ctx))
			for _, s := range m.sides {
				s.ended++
			}
			require.NoError(t, moon.Start(ctx))
			require.NoError(t, moon.LoadAll(ctx))
			m.sides[0].exporter.awaitEvents(t)
			require.NoError(t, moon.Initiate(ctx, m.child))
			m.send(ctx, t, *trafficTime/2)
			m.finish(ctx, t)
			m.compare(t, "moon's daemon restarted", bounds{{exact, nearExact}, {exact, exact}})
		})
	}
}

// measuring bounds a test that measures traffic.
func measuring(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *trafficTime+testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// collide makes both ends rekey at the same time: they begin while the wire is cut, and repeat their requests when it no
// longer is. The first time that is sure; later it depends on when they began anew.
func (m *measurement) collide(ctx context.Context, t *testing.T, times int) {
	t.Helper()
	for range times {
		<-time.After(9 * time.Second) // well before it is due, after 12 s
		require.NoError(t, m.lab.Sun.Unplug(ctx))
		<-time.After(5 * time.Second)
		require.NoError(t, m.lab.Sun.Plug(ctx))
		<-time.After(6 * time.Second) // requests are repeated after 4 s
	}
	awaitLog(t, "rekey collision", 1, m.lab.Moon, m.lab.Sun) // "detected CHILD_REKEY collision", "CHILD_SA rekey collision won"
}
