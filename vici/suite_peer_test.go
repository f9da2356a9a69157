// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"maps"
	"os"
	"regexp"
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

// A realPeer is another daemon.
type realPeer struct{ session *vici.Session }

func (p *realPeer) load(t *testing.T) {
	t.Helper()
	conn := suiteConn(suitePeerHost, suiteHost)
	strange := conn.Children[0]
	strange.Name, strange.LocalTS, strange.RemoteTS = "suite-strange", []string{"10.2.77.0/24"}, []string{"10.1.77.0/24"}
	conn.Children = append(conn.Children, strange)
	require.NoError(t, p.session.LoadShared(suiteBound(t), suiteSecret()))
	require.NoError(t, p.session.LoadConn(suiteBound(t), conn))
}

func (p *realPeer) initiate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.session.Initiate(suiteBound(t), vici.InitiateRequest{Child: suiteChild, Timeout: suiteTimeout}, nil))
}

func (p *realPeer) rekey(t *testing.T) {
	t.Helper()
	_, err := p.session.Rekey(suiteBound(t), vici.RekeyRequest{Child: suiteChild})
	require.NoError(t, err)
}

func (p *realPeer) mistake(t *testing.T) {
	t.Helper()
	request := vici.InitiateRequest{Child: "suite-strange", Timeout: suiteTimeout}
	require.Error(t, p.session.Initiate(suiteBound(t), request, nil))
}

func (p *realPeer) terminate(t *testing.T) {
	t.Helper()
	_, err := p.session.Terminate(suiteBound(t), vici.TerminateRequest{IKE: suiteName, Timeout: suiteTimeout}, nil)
	require.NoError(t, err)
}

// A fakePeer is what a fake daemon believes of its peer.
type fakePeer struct {
	daemon *vicitest.Daemon
	ike    uint32 // of the tunnel
}

func (p *fakePeer) load(*testing.T) {}

func (p *fakePeer) initiate(t *testing.T) {
	t.Helper()
	var err error
	p.ike, err = p.daemon.Establish(suiteName, vicitest.Peer{Responder: true})
	require.NoError(t, err)
}

func (p *fakePeer) rekey(t *testing.T) {
	t.Helper()
	sa, err := p.daemon.IKESA(p.ike)
	require.NoError(t, err)
	_, err = p.daemon.RekeyChild(sa.Children[len(sa.Children)-1].UniqueID, vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
}

func (p *fakePeer) mistake(t *testing.T) {
	t.Helper()
	require.NoError(t, p.daemon.Alert("ts-mismatch", p.ike))
	require.NoError(t, p.daemon.Alert("keep-on-child-sa-failure", p.ike))
}

func (p *fakePeer) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.daemon.Down(p.ike))
}
