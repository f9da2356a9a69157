// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// The gateway of a soak.
const (
	soakConnections = 20
	soakPeers       = 25 // of each connection

	soakTick   = 10 * time.Millisecond
	soakEvents = 1000 // per second

	// An SA is listed for that long after it was rekeyed.
	rekeyedListed = 5 * time.Second
)

// A soakGateway is a fake daemon with many tunnels, and the truth about all that has happened to them as far as the
// exporter can know it: nothing happens while it is not subscribed. One goroutine uses it.
type soakGateway struct {
	*vicitest.Daemon

	random  *rand.Rand
	tunnels []soakTunnel
	turn    int // of the tunnel that is replaced next
	truth   series
	raised  int           // events, all of them
	lived   time.Duration // without what further took, and
	events  int           // events in that time
}

// A soakTunnel is an IKE_SA with one CHILD_SA, and all that it and those before it have carried.
type soakTunnel struct {
	connection, peer string
	ike, child       uint32
	in, out          vicitest.Traffic
}

const soakChild = "net"

// newSoakGateway returns a gateway that is not booted yet.
func newSoakGateway(t *testing.T, random *rand.Rand) *soakGateway {
	t.Helper()
	g := &soakGateway{
		Daemon: vicitest.NewDaemon(vicitest.Config{Seed: random.Uint64()}),
		random: random,
		truth:  make(series),
	}
	t.Cleanup(g.Close)
	for i := range soakConnections * soakPeers {
		g.tunnels = append(g.tunnels, soakTunnel{
			connection: fmt.Sprintf("gw-%d", i%soakConnections), peer: fmt.Sprintf("peer-%d.example.org", i),
		})
	}
	return g
}

// boot loads all connections into a daemon that has just started, and brings the tunnels up when the exporter is there
// to see it.
func (g *soakGateway) boot(t *testing.T, e *exporter) {
	t.Helper()
	for i := range soakConnections {
		g.Load(vicitest.Connection{
			Name: fmt.Sprintf("gw-%d", i), Version: 2, RemoteAddrs: []string{"192.0.2.2"},
			Children: []vicitest.Child{{Name: soakChild}},
		})
	}
	g.awaitSubscription(t, e)
	for i := range g.tunnels {
		g.establish(t, &g.tunnels[i])
	}
}

// awaitSubscription returns when the exporter has subscribed once more.
func (g *soakGateway) awaitSubscription(t *testing.T, e *exporter) {
	t.Helper()
	g.truth.add(1, "strongswan_event_stream_connects_total")
	await(t, func() bool {
		p := e.scrape(t)
		return p.series["strongswan_event_stream_connected"] == 1 &&
			p.series["strongswan_event_stream_connects_total"] >= g.truth["strongswan_event_stream_connects_total"]
	}, "the exporter subscribes to events again")
}

// live lets things happen for some time. After each tick it calls further.
func (g *soakGateway) live(t *testing.T, during time.Duration, further func()) {
	t.Helper()
	ticker := time.NewTicker(soakTick)
	defer ticker.Stop()
	last := time.Now()
	for end := last.Add(during); last.Before(end); {
		<-ticker.C
		g.lived += time.Since(last)
		before := g.raised
		for due := int(g.lived.Seconds()*soakEvents) - g.events; g.raised < before+due; {
			g.happen(t, &g.tunnels[g.random.IntN(len(g.tunnels))])
		}
		g.events += g.raised - before
		g.ExpireRekeyed(rekeyedListed)
		further()
		last = time.Now()
	}
}

// rate returns how many events per second there were while the gateway was left to live.
func (g *soakGateway) rate() float64 { return float64(g.events) / g.lived.Seconds() }

// happen lets one thing happen: to a tunnel, or to the one that was replaced longest ago, since no SA is
// replaced within seconds.
func (g *soakGateway) happen(t *testing.T, other *soakTunnel) {
	t.Helper()
	replaced := &g.tunnels[g.turn%len(g.tunnels)]
	g.carry(t, other)
	switch n := g.random.IntN(100); {
	case n < 10:
		g.turn++
		g.rekeyChild(t, replaced)
	case n < 13:
		g.turn++
		g.rekeyIKE(t, replaced)
	case n < 15:
		g.turn++
		g.close(t, replaced)
		g.establish(t, replaced)
	case n < 40:
		g.move(t, other)
	default:
		g.alert(t, other)
	}
}

// event takes note of an event of the daemon.
func (g *soakGateway) event(name string) {
	g.raised++
	g.truth.add(1, "strongswan_events_received_total", "event", name)
}

func (g *soakGateway) establish(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	var err error
	tunnel.ike, err = g.Establish(tunnel.connection, vicitest.Peer{Responder: true, ID: tunnel.peer})
	require.NoError(t, err)
	sa, err := g.IKESA(tunnel.ike)
	require.NoError(t, err)
	require.Len(t, sa.Children, 1)
	tunnel.child = sa.Children[0].UniqueID
	g.event("ike-update") // to the port that its next message comes from, which counts as no move
	g.event("ike-updown")
	g.event("child-updown")
	g.truth.add(1, "strongswan_ike_sas_established_total", "connection", tunnel.connection)
	g.truth.add(1, "strongswan_child_sas_established_total", "connection", tunnel.connection, "child", soakChild)
}

// close closes a tunnel and all of its CHILD_SAs, those included that were rekeyed and are listed still.
func (g *soakGateway) close(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	require.NoError(t, g.Down(tunnel.ike))
	g.closed(tunnel)
}

func (g *soakGateway) closed(tunnel *soakTunnel) {
	g.event("ike-updown")
	g.event("child-updown")
	g.truth.add(1, "strongswan_ike_sas_terminated_total", "connection", tunnel.connection)
	g.truth.add(1, "strongswan_child_sas_terminated_total", "connection", tunnel.connection, "child", soakChild)
}

func (g *soakGateway) rekeyChild(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	var err error
	// As the responder: what else passed before could not be known.
	tunnel.child, err = g.RekeyChild(tunnel.child, vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
	g.event("child-rekey")
	g.truth.add(1, "strongswan_child_sas_rekeyed_total", "connection", tunnel.connection, "child", soakChild)
}

func (g *soakGateway) rekeyIKE(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	var err error
	tunnel.ike, err = g.RekeyIKE(tunnel.ike, vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
	g.event("ike-rekey")
	g.truth.add(1, "strongswan_ike_sas_rekeyed_total", "connection", tunnel.connection)
}

func (g *soakGateway) move(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	require.NoError(t, g.Move(tunnel.ike, vicitest.Endpoint{}, vicitest.Endpoint{Port: uint16(1024 + g.random.IntN(1<<15))}))
	g.event("ike-update")
	g.truth.add(1, "strongswan_ike_sas_moved_total", "connection", tunnel.connection)
}

func (g *soakGateway) alert(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	kinds := [...]string{"retransmit-send", "retransmit-receive", "invalid-ike-spi", "parse-error-body"}
	kind := kinds[g.random.IntN(len(kinds))]
	require.NoError(t, g.Alert(kind, tunnel.ike))
	g.event("alert")
	g.truth.add(1, "strongswan_alerts_total", "alert", kind, "connection", tunnel.connection)
}

// carry lets some packets pass, which is no event.
func (g *soakGateway) carry(t *testing.T, tunnel *soakTunnel) {
	t.Helper()
	in, out := g.packets(), g.packets()
	require.NoError(t, g.Carry(tunnel.child, in, out))
	tunnel.in.Bytes += in.Bytes
	tunnel.in.Packets += in.Packets
	tunnel.out.Bytes += out.Bytes
	tunnel.out.Packets += out.Packets
}

func (g *soakGateway) packets() vicitest.Traffic {
	n := 1 + g.random.Uint64N(50)
	return vicitest.Traffic{Bytes: n * (40 + g.random.Uint64N(1400)), Packets: n, Last: time.Now()}
}

// counts returns the truth about all that is counted.
func (g *soakGateway) counts() series {
	counts := maps.Clone(g.truth)
	for _, tunnel := range g.tunnels {
		for owner, name := range map[string]string{"child": soakChild, "peer": tunnel.peer} {
			labels := []string{"connection", tunnel.connection, owner, name}
			counts.add(float64(tunnel.in.Bytes), "strongswan_"+owner+"_received_bytes_total", labels...)
			counts.add(float64(tunnel.out.Bytes), "strongswan_"+owner+"_sent_bytes_total", labels...)
			counts.add(float64(tunnel.in.Packets), "strongswan_"+owner+"_received_packets_total", labels...)
			counts.add(float64(tunnel.out.Packets), "strongswan_"+owner+"_sent_packets_total", labels...)
		}
	}
	return counts
}

// settle returns when the exporter has seen all that was until now: by events, and by a round that has begun since. The
// first scrape may join one that is under way.
func (g *soakGateway) settle(t *testing.T, e *exporter) {
	t.Helper()
	right := func() bool { return allSucceed(e.scrape(t)) }
	await(t, right, "the exporter finds nothing wrong")
	await(t, right, "the exporter finds nothing wrong")
	await(t, func() bool {
		found := e.scrape(t).series
		for id, n := range g.truth.of("strongswan_events_received_total") {
			if found[id] < n {
				return false
			}
		}
		return true
	}, "the exporter receives all events")
}

// allSucceed reports whether a page lacks nothing.
func allSucceed(p *page) bool {
	for _, success := range p.series.of("strongswan_up", "strongswan_scrape_collector_success") {
		if success != 1 {
			return false
		}
	}
	return true
}

// requireGauges compares what is with what the daemon has.
func (g *soakGateway) requireGauges(t *testing.T, p *page) {
	t.Helper()
	up := make(series)
	for i := range soakConnections {
		connection := fmt.Sprintf("gw-%d", i)
		up.add(1, "strongswan_connection_up", "connection", connection)
		up.add(1, "strongswan_child_up", "connection", connection, "child", soakChild)
		up.add(soakPeers, "strongswan_ike_sas", "connection", connection, "version", "2", "state", "ESTABLISHED")
	}
	require.Equal(t, up, p.series.of(up.metrics()...))
	require.InDelta(t, soakConnections*soakPeers, p.value(t, "strongswan_daemon_ike_sas"), 0)
}
