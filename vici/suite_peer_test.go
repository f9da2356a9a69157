// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// loggedRegistrations tells from a daemon's log which registrations are alive: those of a client end one by one, or all
// with its connection.
func loggedRegistrations(t *testing.T, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	line := regexp.MustCompile(`vici client (\d+) (registered for: |unregistered for: |disconnected)(.*)`)
	clients := make(map[string]map[string]int)
	for _, match := range line.FindAllStringSubmatch(string(text), -1) {
		client, what, event := match[1], match[2], match[3]
		if clients[client] == nil {
			clients[client] = make(map[string]int)
		}
		switch what {
		case "registered for: ":
			clients[client][event]++
		case "unregistered for: ":
			clients[client][event]--
		default:
			delete(clients, client)
		}
	}
	require.NotEmpty(t, line.FindString(string(text)), "the log does not tell of clients")
	alive := make(map[string]int)
	for client := range maps.Values(clients) {
		for event, n := range client {
			alive[event] += n
		}
	}
	return alive
}

// tunnelChild is the child of one of the suite's tunnels.
func tunnelChild(tunnel string) string { return tunnel + "-net" }

// A realPeer is another daemon.
type realPeer struct{ session *vici.Session }

func (p *realPeer) load(t *testing.T, s *suite) {
	t.Helper()
	ctx := suiteBound(t)
	require.NoError(t, p.session.LoadPool(ctx, vici.PoolConfig{Name: suiteVIPs, Addrs: "10.9.5.0/28"}))
	for _, secret := range append(warriorSecrets(), suiteSecret()) {
		require.NoError(t, p.session.LoadShared(ctx, secret))
	}
	conn := s.conn(suitePeerHost, suiteHost)
	strange := conn.Children[0]
	strange.Name, strange.LocalTS, strange.RemoteTS = "suite-strange", []string{"10.2.77.0/24"}, []string{"10.1.77.0/24"}
	conn.Children = append(conn.Children, strange)
	require.NoError(t, p.session.LoadConn(ctx, conn))
	require.NoError(t, p.session.LoadConn(ctx, s.warrior(suitePeerHost, suiteHost)))
}

func (p *realPeer) initiate(t *testing.T, tunnel string) {
	t.Helper()
	request := vici.InitiateRequest{Child: tunnelChild(tunnel), Timeout: suiteTimeout}
	require.NoError(t, p.session.Initiate(suiteBound(t), request, nil))
}

func (p *realPeer) rekey(t *testing.T, tunnel string) {
	t.Helper()
	old := p.settled(t, tunnel, nil).Children
	_, err := p.session.Rekey(suiteBound(t), vici.RekeyRequest{Child: tunnelChild(tunnel)})
	require.NoError(t, err)
	p.settled(t, tunnel, func(sa *vici.IKESA) bool {
		newest := sa.Children[len(sa.Children)-1]
		return newest.State == vici.StateInstalled && newest.UniqueID != old[len(old)-1].UniqueID
	})
}

func (p *realPeer) rekeyIKE(t *testing.T, tunnel string) {
	t.Helper()
	old := p.settled(t, tunnel, nil).UniqueID
	_, err := p.session.Rekey(suiteBound(t), vici.RekeyRequest{IKE: tunnel})
	require.NoError(t, err)
	p.settled(t, tunnel, func(sa *vici.IKESA) bool { return sa.UniqueID != old })
}

// settled returns the tunnel's IKE_SA when there is just one, which has nothing to do, and it is as it should be.
func (p *realPeer) settled(t *testing.T, tunnel string, is func(*vici.IKESA) bool) *vici.IKESA {
	t.Helper()
	var all []*vici.IKESA
	awaitTrue(t, func() bool {
		all = nil
		for sa, err := range p.session.ListSAs(suiteBound(t), vici.ListSAsRequest{IKE: tunnel}) {
			require.NoError(t, err)
			all = append(all, sa.Clone())
		}
		return len(all) == 1 && all[0].State == vici.StateEstablished && len(all[0].Children) > 0 &&
			len(all[0].TasksQueued)+len(all[0].TasksActive)+len(all[0].TasksPassive) == 0 && (is == nil || is(all[0]))
	})
	return all[0]
}

func (p *realPeer) mistake(t *testing.T) {
	t.Helper()
	request := vici.InitiateRequest{Child: "suite-strange", Timeout: suiteTimeout}
	require.Error(t, p.session.Initiate(suiteBound(t), request, nil))
}

func (p *realPeer) terminate(t *testing.T, tunnel string) {
	t.Helper()
	_, err := p.session.Terminate(suiteBound(t), vici.TerminateRequest{IKE: tunnel, Timeout: suiteTimeout}, nil)
	require.NoError(t, err)
}

// A fakePeer is what a fake daemon believes of its peer.
type fakePeer struct{ daemon *vicitest.Daemon }

func (p *fakePeer) load(*testing.T, *suite) {}

// ike returns the IKE_SA of a tunnel.
func (p *fakePeer) ike(t *testing.T, tunnel string) vicitest.IKESA {
	t.Helper()
	sas := p.daemon.IKESAs()
	i := slices.IndexFunc(sas, func(sa vicitest.IKESA) bool { return sa.Name == tunnel })
	require.GreaterOrEqual(t, i, 0)
	return sas[i]
}

func (p *fakePeer) initiate(t *testing.T, tunnel string) {
	t.Helper()
	peer := vicitest.Peer{Responder: true}
	if tunnel == warriorName {
		peer.EAPID = warriorUser
	}
	_, err := p.daemon.Establish(tunnel, peer)
	require.NoError(t, err)
}

func (p *fakePeer) rekey(t *testing.T, tunnel string) {
	t.Helper()
	_, err := p.daemon.RekeyChild(newestChild(p.ike(t, tunnel)), vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
}

func (p *fakePeer) rekeyIKE(t *testing.T, tunnel string) {
	t.Helper()
	_, err := p.daemon.RekeyIKE(p.ike(t, tunnel).UniqueID, vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
}

func (p *fakePeer) mistake(t *testing.T) {
	t.Helper()
	id := p.ike(t, suiteName).UniqueID
	require.NoError(t, p.daemon.Alert("ts-mismatch", id))
	require.NoError(t, p.daemon.Alert("keep-on-child-sa-failure", id))
}

func (p *fakePeer) terminate(t *testing.T, tunnel string) {
	t.Helper()
	require.NoError(t, p.daemon.Down(p.ike(t, tunnel).UniqueID))
}

func newestChild(sa vicitest.IKESA) uint32 { return sa.Children[len(sa.Children)-1].UniqueID }

// carryPings lets as much pass through a tunnel of a fake daemon as pings do.
func carryPings(t *testing.T, daemon *vicitest.Daemon, tunnel string) {
	t.Helper()
	traffic := vicitest.Traffic{Bytes: suitePings * suitePing, Packets: suitePings}
	require.NoError(t, daemon.Carry(newestChild((&fakePeer{daemon}).ike(t, tunnel)), traffic, traffic))
}
