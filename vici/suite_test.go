// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// TestSuite is how a daemon behaves, as far as this package relies on it. It runs against the fake one of
// several generations and, where the environment names one, against a real one: so the
// fake is as honest as the real one is known.
//
//	VICI_TEST_ADDRESS  the daemon's VICI address, such as unix:///run/charon.vici
//	VICI_TEST_PEER     that of another daemon, with which the first can talk IKE
//	VICI_TEST_LOG      the file of the first daemon's log, with group CFG at level 2: it tells of registrations
//	VICI_TEST_PING     how to ping from where the first daemon is, such as "ip netns exec moon ping -q": the suite adds
//	                   the number of packets and both addresses
//	VICI_TEST_SEEN     a directory that gets a file, named as the daemon's version, with a line for each command,
//	                   event and field that it sent
//
// The daemons have the addresses suiteHost and suitePeerHost, and behind them suiteInside and suitePeerInside. What is
// loaded into them is changed, so they must be there for tests only; package e2e has such. They do ESP in user space
// (plugin kernel-libipsec).
func TestSuite(t *testing.T) {
	if address := os.Getenv("VICI_TEST_ADDRESS"); address != "" {
		runSuite(t, realSuite(t, address, os.Getenv("VICI_TEST_PEER")))
		return
	}
	for _, generation := range []vicitest.Generation{"5.9.1", "5.9.8", "6.0.1", "6.1.0"} {
		t.Run(string(generation), func(t *testing.T) { runSuite(t, fakeSuite(t, generation)) })
	}
}

func runSuite(t *testing.T, s *suite) {
	t.Helper()
	s.learnVersion(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"daemon", suiteDaemon},
		{"unknown", suiteUnknown},
		{"secrets", suiteSecrets},
		{"keys", suiteKeys},
		{"pools", suitePools},
		{"each option", suiteEachOption},
		{"every option", suiteEveryOption},
		{"certificate sources", suiteCertSources},
		{"connections", suiteConnections},
		{"policies", suitePolicies},
		{"initiator", suiteInitiator},
		{"responder", suiteResponder},
		{"road warrior", suiteWarrior},
		{"counters", suiteCounters},
		{"nothing to do", suiteNothing},
		{"break", suiteBreak},
		{"context", suiteContext},
		{"goroutines", suiteGoroutines},
		{"clear", suiteClear}, // nothing can be initiated afterwards
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
	s.seen.write(t, s.release)
}

// suiteTimeout bounds what a daemon may take for something.
const suiteTimeout = 20 * time.Second

// A suite is a daemon to be tested, and its peer.
type suite struct {
	dialer  *vici.Dialer
	seen    *seenRecord
	release string // of the daemon
	version [3]int // the same
	peer    suitePeer
	hang    func() (heal func()) // lets initiate never be answered

	// ping sends packets through a tunnel's CHILD_SA to an address behind it, and tells whether all of them were answered.
	ping func(t *testing.T, ike, to string) bool

	// registrations counts the registrations that are alive in the daemon, by event.
	registrations func(t *testing.T) map[string]int
}

// A suitePeer is the other end of the suite's tunnels, each of which is an IKE_SA with one CHILD_SA.
type suitePeer interface {
	load(t *testing.T, s *suite)           // the other halves of the tunnels
	initiate(t *testing.T, tunnel string)  // brings it up
	rekey(t *testing.T, tunnel string)     // its CHILD_SA
	rekeyIKE(t *testing.T, tunnel string)  // its IKE_SA
	mistake(t *testing.T)                  // asks for a child of the plain tunnel that the daemon does not have
	terminate(t *testing.T, tunnel string) // closes it
}

func newSuite(address string, dial func(context.Context, string, string) (net.Conn, error)) *suite {
	s := &suite{seen: newSeenRecord()}
	s.dialer = &vici.Dialer{Address: address, DialContext: s.seen.recording(dial)}
	return s
}

func realSuite(t *testing.T, address, peerAddress string) *suite {
	t.Helper()
	require.NotEmpty(t, peerAddress, "VICI_TEST_PEER is missing")
	s := newSuite(address, (&net.Dialer{}).DialContext)
	peer, err := vici.Dial(suiteBound(t), peerAddress)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, peer.Close()) })
	s.peer = &realPeer{peer}
	s.hang = func() func() { return func() {} } // the host of the crowd does not answer
	ping := strings.Fields(os.Getenv("VICI_TEST_PING"))
	require.NotEmpty(t, ping, "VICI_TEST_PING is missing")
	s.ping = func(t *testing.T, _, to string) bool {
		t.Helper()
		args := append(slices.Clone(ping[1:]), "-c", strconv.Itoa(suitePings), "-I", suiteInside, to)
		output, err := exec.CommandContext(suiteBound(t), ping[0], args...).CombinedOutput()
		return err == nil && strings.Contains(string(output), fmt.Sprintf(" %d received", suitePings))
	}
	log := os.Getenv("VICI_TEST_LOG")
	require.NotEmpty(t, log, "VICI_TEST_LOG is missing")
	s.registrations = func(t *testing.T) map[string]int {
		t.Helper()
		return loggedRegistrations(t, log)
	}
	return s
}

func fakeSuite(t *testing.T, generation vicitest.Generation) *suite {
	t.Helper()
	daemon := vicitest.NewDaemon(vicitest.Config{Generation: generation, UserSpaceESP: true})
	t.Cleanup(daemon.Close)
	s := newSuite(daemon.Address(), (&net.Dialer{}).DialContext)
	s.peer = &fakePeer{daemon: daemon}
	s.ping = func(t *testing.T, ike, _ string) bool {
		t.Helper()
		carryPings(t, daemon, ike)
		return true
	}
	s.hang = func() func() { return daemon.Fault("initiate", vicitest.Hang()) }
	s.registrations = func(*testing.T) map[string]int { return daemon.Observe().Registrations }
	return s
}

func (s *suite) learnVersion(t *testing.T) {
	t.Helper()
	version, err := s.dial(t).Version(suiteBound(t))
	require.NoError(t, err)
	s.release = version.Version
	n, err := fmt.Sscanf(version.Version, "%d.%d.%d", &s.version[0], &s.version[1], &s.version[2])
	require.NoError(t, err)
	require.Equal(t, 3, n)
	t.Log("strongSwan", version.Version)
}

// since tells whether the daemon is of that release or a later one.
func (s *suite) since(release ...int) bool { return slices.Compare(s.version[:], release) >= 0 }

// dial opens a session for the time of a test.
func (s *suite) dial(t *testing.T) *vici.Session {
	t.Helper()
	session, err := s.dialer.Dial(suiteBound(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	return session
}

// suiteBound is the context of what has to end.
func suiteBound(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	t.Cleanup(cancel)
	return ctx
}

// Where the daemon and its peer are, and what the tunnel between them is called.
const (
	suiteHost       = "192.0.2.1"
	suitePeerHost   = "192.0.2.2"
	suiteInside     = "10.1.4.1"
	suitePeerInside = "10.2.4.1"
	suiteName       = "suite"
	suiteChild      = "suite-net"
	suiteVIPs       = "suite-vips" // the peer's pool
)

// conn is one half of the tunnel. The daemon asks its peer for a virtual IP, beside the network that it has.
func (s *suite) conn(local, remote string) vici.ConnConfig {
	inside := map[string][]string{suiteHost: {"10.1.4.0/24"}, suitePeerHost: {"10.2.4.0/24"}}
	c := vici.ConnConfig{
		Name: suiteName, Version: vici.Some[uint8](2), LocalAddrs: []string{local}, RemoteAddrs: []string{remote},
		Proposals: []string{"aes256-sha256-x25519"}, DPDDelay: 20 * time.Minute,
		RekeyTime: vici.Some(4 * time.Hour), ReauthTime: vici.Some(6 * time.Hour),
		Local:  []vici.AuthConfig{{Auth: "psk", ID: suiteID(local)}},
		Remote: []vici.AuthConfig{{Auth: "psk", ID: suiteID(remote)}},
		Children: []vici.ChildConfig{{
			Name: suiteChild, ESPProposals: []string{"aes256gcm16-x25519"}, RekeyTime: vici.Some(time.Hour),
			LocalTS: inside[local], RemoteTS: inside[remote],
		}},
	}
	if local == suiteHost {
		c.VIPs = []string{"0.0.0.0"}
	} else {
		c.Pools = []string{suiteVIPs}
	}
	if s.since(5, 9, 6) {
		c.Children[0].Label, c.Children[0].LabelMode = "suite", "simple"
	}
	return c
}

func suiteID(host string) string { return "suite-" + host + ".example" }

// suiteSecret is the tunnel's pre-shared key.
func suiteSecret() vici.LoadSharedRequest {
	return vici.LoadSharedRequest{
		ID: "suite-psk", Type: "ike", Data: []byte("of the suite"), Owners: []string{suiteID(suiteHost), suiteID(suitePeerHost)},
	}
}

// collectAll returns all that a listing yields.
func collectAll[T any](t *testing.T, list func(func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for item, err := range list {
		require.NoError(t, err)
		all = append(all, item)
	}
	return all
}

// requireRefused insists on the daemon's own refusal.
func requireRefused(t *testing.T, err error, about ...any) {
	t.Helper()
	var refused *vici.CommandError
	require.ErrorAs(t, err, &refused, about...)
	require.NotEmpty(t, refused.Message)
}
