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
	"github.com/strongswan-exporter/strongswan_exporter/vici"
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

// Rekeyings that no timer foretells are announced by the daemon's log only: those for a volume, and those by hand.
func TestTrafficUntimed(t *testing.T) {
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			l := lab.New(t, generation, lab.WithDelay(40*time.Millisecond, lab.Sun),
				lab.WithSwanctl("child-defaults { rekey_time = 0s\n life_time = 0s }"),
				lab.WithSwanctl("child-defaults { rekey_bytes = 4000000\n life_bytes = 8000000\n rand_bytes = 1 }", lab.Moon))
			m := measure(t, l, plain)
			m.scrapeRegularly(t)
			require.NoError(t, l.Moon.Initiate(ctx, m.child))
			m.send(ctx, t, *trafficTime/2)
			require.Positive(t, logged(t, "creating rekey job", l.Moon), "rekeyed for bytes")
			require.NoError(t, l.Moon.Configure(ctx,
				"child-defaults { rekey_bytes = 0\n life_bytes = 0\n rekey_packets = 3500\n life_packets = 9000\n rand_packets = 1 }"))
			sent := m.sendInBackground(ctx, *trafficTime/2)
			<-time.After(5 * time.Second)
			require.NoError(t, l.Moon.Rekey(ctx, "--child", m.child))
			before := logged(t, "creating rekey job", l.Moon)
			require.NoError(t, <-sent)
			require.Greater(t, logged(t, "creating rekey job", l.Moon), before, "rekeyed for packets")
			m.finish(ctx, t)
			m.compare(t, "rekeyed by moon for bytes, for packets and by hand", bounds{{exact, nearExact}, {exact, exact}})
		})
	}
}

// When both ends begin at the same time, there are SAs that replace one another twice or were never needed. Each of these
// rekeyings counts once all the same.
func TestTrafficWithCollisions(t *testing.T) {
	for _, generation := range measuredGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := measuring(t)
			m := measure(t, lab.New(t, generation, lab.WithDelay(40*time.Millisecond, lab.Sun)), plain)
			m.scrapeRegularly(t)
			require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
			sent := m.sendInBackground(ctx, *trafficTime)
			children := m.collide(ctx, t, vici.RekeyRequest{Child: m.child}, int(*trafficTime/(15*time.Second)))
			ikes := m.collide(ctx, t, vici.RekeyRequest{IKE: m.connection}, 1)
			require.NoError(t, <-sent)
			m.finish(ctx, t)
			for _, s := range m.sides {
				p := s.exporter.scrape(t)
				children.requireCounted(t, m.of(p, "child_sas_rekeyed_total"), s.gateway.Name)
				ikes.requireCounted(t, p.value(t, "strongswan_ike_sas_rekeyed_total", "connection", m.connection), s.gateway.Name)
			}
			m.compare(t, "rekeyed by both at the same time", bounds{{exact, nearExact}, {exact, nearExact}})
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
			awaitLog(t, l.Moon, "closing CHILD_SA net-net", 2) // SAs have ended since the start
			stop()
			for _, s := range m.sides {
				shown := s.exporter.scrape(t)
				s.exporter.kill(t)
				s.exporter = startExporter(t, s.gateway.Address(), args(s.gateway)...)
				requireNoLess(t, shown, s.exporter.scrape(t))
			}
			m.scrapeRegularly(t)
			require.NoError(t, <-sent)
			m.finish(ctx, t)
			lost := interval.Seconds() / trafficTime.Seconds()
			m.compare(t, "exporters killed and started again", bounds{{exact + lost, nearExact + lost}, {exact + lost, exact + lost}})
		})
	}
}

// A daemon that is restarted begins to count anew; totals do not. One that is stopped ends its SAs, one that is killed tells nothing.
func TestTrafficDaemonRestarted(t *testing.T) {
	for name, end := range map[string]func(*lab.Gateway, context.Context) error{
		"stopped": (*lab.Gateway).Stop, "killed": (*lab.Gateway).Kill,
	} {
		for _, generation := range measuredGenerations {
			t.Run(name+"/"+generation, func(t *testing.T) {
				ctx := measuring(t)
				m := measure(t, lab.New(t, generation, rekeying(lab.Moon)...), plain)
				m.scrapeRegularly(t)
				require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
				m.send(ctx, t, *trafficTime/2)
				m.quiet()
				m.restartMoon(ctx, t, end)
				require.NoError(t, m.lab.Moon.Initiate(ctx, m.child))
				m.send(ctx, t, *trafficTime/2)
				m.finish(ctx, t)
				m.compare(t, fmt.Sprintf("moon's daemon %s and started", name), bounds{{exact, nearExact}, {exact, exact}})
			})
		}
	}
}

// restartMoon ends moon's daemon and starts it again, and insists that no counter of either exporter is lower afterwards.
func (m *measurement) restartMoon(ctx context.Context, t *testing.T, end func(*lab.Gateway, context.Context) error) {
	t.Helper()
	moon := m.lab.Moon
	var shown []*page
	for _, s := range m.sides {
		shown = append(shown, s.exporter.scrape(t))
	}
	m.sides[0].retire(t)
	require.NoError(t, end(moon, ctx))
	require.NoError(t, moon.Start(ctx))
	require.NoError(t, moon.LoadAll(ctx))
	m.sides[0].exporter.awaitEvents(t)
	for i, s := range m.sides {
		requireNoLess(t, shown[i], s.exporter.scrape(t))
		s.ended = m.of(s.exporter.scrape(t), "child_sas_terminated_total")
	}
}

// measuring bounds a test that measures traffic.
func measuring(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *trafficTime+testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// collisions are rekeyings that both ends were made to begin at the same time.
type collisions struct{ begun, detected int }

// requireCounted insists on how many rekeyings an exporter counted. Where the ends missed each other there were two.
func (c collisions) requireCounted(t *testing.T, counted float64, side string) {
	t.Helper()
	require.GreaterOrEqual(t, counted, float64(c.begun), side)
	require.LessOrEqual(t, counted, float64(2*c.begun-c.detected), side)
}

// collide makes both ends rekey at the same time, so many times: each has begun long before the other's request has come over
// the long wire. That they collided is what the daemons say themselves; there has to be a collision, or the test fails.
func (m *measurement) collide(ctx context.Context, t *testing.T, what vici.RekeyRequest, times int) (c collisions) {
	t.Helper()
	for range max(times, 1) {
		<-time.After(9 * time.Second)
		before := m.collided(t)
		m.rekeyBoth(ctx, t, what)
		<-time.After(time.Second) // for as long as two exchanges over that wire take, and more
		c.begun++
		if m.collided(t) > before {
			c.detected++
		}
	}
	require.Positive(t, c.detected, "no collision of %d was one", c.begun)
	return c
}

// rekeyBoth asks both daemons to rekey, over connections that stand, so that they begin within milliseconds.
func (m *measurement) rekeyBoth(ctx context.Context, t *testing.T, what vici.RekeyRequest) {
	t.Helper()
	var sessions []*vici.Session
	for _, s := range m.sides {
		session, err := (&vici.Dialer{Address: s.gateway.Address()}).Dial(ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = session.Close() })
		require.NoError(t, session.Ping(ctx))
		sessions = append(sessions, session)
	}
	asked := make(chan error, len(sessions))
	for _, session := range sessions {
		go func() {
			_, err := session.Rekey(ctx, what)
			asked <- err
		}()
	}
	for range sessions {
		require.NoError(t, <-asked)
	}
}

// collided counts what both daemons say of collisions: "detected CHILD_REKEY collision with CHILD_REKEY", "detected rekey
// collision for CHILD_SA net-net{2}", "detected IKE_REKEY collision with IKE_REKEY".
func (m *measurement) collided(t *testing.T) (times int) {
	t.Helper()
	for _, text := range []string{"collision with CHILD_REKEY", "detected rekey collision for", "collision with IKE_REKEY"} {
		times += logged(t, text, m.lab.Moon) + logged(t, text, m.lab.Sun)
	}
	return times
}
