// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// sas lists a tunnel's IKE_SAs. It waits for those that are busy: a daemon reports what happens while it still
// works on it.
func (s *suite) sas(t *testing.T, tunnel string) []*vici.IKESA {
	t.Helper()
	var all []*vici.IKESA
	for sa, err := range s.dial(t).ListSAs(suiteBound(t), vici.ListSAsRequest{IKE: tunnel}) {
		require.NoError(t, err)
		all = append(all, sa.Clone())
	}
	return all
}

// awaitSAs returns a tunnel's IKE_SAs when there are so many. A daemon may list less, or more, while it replaces one.
func (s *suite) awaitSAs(t *testing.T, tunnel string, n int) []*vici.IKESA {
	t.Helper()
	var all []*vici.IKESA
	awaitTrue(t, func() bool {
		all = s.sas(t, tunnel)
		return len(all) == n
	})
	return all
}

// installedChild returns a tunnel's CHILD_SA when just one is installed. During the rekeying of an IKE_SA there can
// be none in the list for a moment, since it is on its way to the new one.
func (s *suite) installedChild(t *testing.T, tunnel string) *vici.ChildSA {
	t.Helper()
	var installed []*vici.ChildSA
	awaitTrue(t, func() bool {
		installed = nil
		for _, sa := range s.sas(t, tunnel) {
			for i := range sa.Children {
				if sa.Children[i].State == vici.StateInstalled {
					installed = append(installed, &sa.Children[i])
				}
			}
		}
		return len(installed) == 1
	})
	return installed[0]
}

// awaitTrue looks again and again until something is so.
func awaitTrue(t *testing.T, is func() bool) {
	t.Helper()
	deadline := time.After(suiteTimeout)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-deadline:
			require.Fail(t, "it does not come about")
		}
	}
}

// suiteInitiator takes a tunnel that this end initiates through its life.
func suiteInitiator(t *testing.T, s *suite) {
	t.Helper()
	ctx, session, events := suiteBound(t), s.dial(t), s.watch(t, suiteName, "log")
	var log []*vici.ControlLog
	keep := func(l *vici.ControlLog) { log = append(log, l) }
	request := vici.InitiateRequest{Child: suiteChild, IKE: suiteName, Timeout: suiteTimeout, LogLevel: vici.Some(2)}
	require.NoError(t, session.Initiate(ctx, request, keep))
	require.NotEmpty(t, log)
	for _, entry := range log {
		require.NotEmpty(t, entry.Group)
		require.NotEmpty(t, entry.Message)
	}
	ike := events.ikeUpDown(true)
	require.True(t, ike.Initiator)
	require.Equal(t, vici.Some(time.Duration(0)), ike.Established)
	child := events.childUpDown(true)

	sas := s.awaitSAs(t, suiteName, 1)
	requireTunnel(t, sas[0])
	require.Equal(t, ike.UniqueID, sas[0].UniqueID)
	require.Equal(t, child.UniqueID, sas[0].Children[0].UniqueID)
	s.carry(t, suiteName, suitePeerInside)

	// This comes first: a daemon puts it off while there are remains of a rekeyed CHILD_SA.
	ike, child = suiteReauthenticate(t, s, session, events)
	child = suiteRekeyChild(t, s, session, events, child)
	suiteRekeyIKE(t, s, session, events, ike, child)

	carried := s.carry(t, suiteName, suitePeerInside)
	result, err := session.Terminate(ctx, vici.TerminateRequest{ChildID: child.UniqueID, Timeout: suiteTimeout}, keep)
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Terminated)
	gone := events.childUpDown(false)
	require.Equal(t, vici.StateDeleted, gone.State)
	requireTraffic(t, carried, gone)
	require.NoError(t, session.Initiate(ctx, vici.InitiateRequest{Child: suiteChild, Timeout: vici.NoWait}, nil))
	events.childUpDown(true)

	result, err = session.Terminate(ctx, vici.TerminateRequest{IKE: suiteName, Timeout: suiteTimeout}, nil)
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Matches)
	require.False(t, events.ikeUpDown(false).Established.Present(), "it is told while an IKE_SA is established")
	events.childUpDown(false)
	require.Positive(t, events.logged)
	s.awaitSAs(t, suiteName, 0)
}

// requireTunnel insists on all that is known of the tunnel when it is new.
func requireTunnel(t *testing.T, sa *vici.IKESA) {
	t.Helper()
	require.Equal(t, suiteName, sa.Name)
	require.Equal(t, "2", sa.Version)
	require.Equal(t, vici.StateEstablished, sa.State)
	require.Equal(t, suiteHost, sa.LocalHost)
	require.Equal(t, suitePeerHost, sa.RemoteHost)
	require.Equal(t, suiteID(suiteHost), sa.LocalID)
	require.Equal(t, suiteID(suitePeerHost), sa.RemoteID)
	require.NotZero(t, sa.InitiatorSPI.Or(0))
	require.NotZero(t, sa.ResponderSPI.Or(0))
	require.Equal(t, "AES_CBC", sa.Encryption)
	require.Equal(t, vici.Some[uint32](256), sa.EncryptionBits)
	require.Equal(t, "HMAC_SHA2_256_128", sa.Integrity)
	require.Equal(t, "PRF_HMAC_SHA2_256", sa.PRF)
	require.Equal(t, "CURVE_25519", sa.KeyExchange)
	requireSooner(t, 4*time.Hour, sa.RekeyTime)
	requireSooner(t, 6*time.Hour, sa.ReauthTime)
	require.Len(t, sa.LocalVIPs, 1)
	require.Empty(t, sa.RemoteVIPs)
	require.Len(t, sa.Children, 1)
	child := sa.Children[0]
	require.Equal(t, suiteChild, child.Name)
	require.Equal(t, vici.StateInstalled, child.State)
	require.Equal(t, "TUNNEL", child.Mode)
	require.Equal(t, "ESP", child.Protocol)
	require.Equal(t, "AES_GCM_16", child.Encryption)
	require.Empty(t, child.KeyExchange, "it has keys from the IKE_SA's")
	require.NotZero(t, child.SPIIn.Or(0))
	require.NotZero(t, child.SPIOut.Or(0))
	for _, counter := range []vici.Opt[uint64]{child.BytesIn, child.PacketsIn, child.BytesOut, child.PacketsOut} {
		require.Equal(t, vici.Some[uint64](0), counter)
	}
	require.False(t, child.UseIn.Present(), "it was never used")
	require.Greater(t, child.LifeTime.Or(0), child.RekeyTime.Or(0))
	require.Equal(t, []string{"10.1.4.0/24"}, child.LocalTS)
	require.Equal(t, []string{"10.2.4.0/24"}, child.RemoteTS)
}

// requireSooner insists on a time that is left, which the daemon shortens at random.
func requireSooner(t *testing.T, configured time.Duration, left vici.Opt[time.Duration]) {
	t.Helper()
	require.LessOrEqual(t, left.Or(0), configured)
	require.Greater(t, left.Or(0), configured*2/3)
}

func suiteRekeyChild(t *testing.T, s *suite, session *vici.Session, events *suiteEvents, child *vici.ChildSA) *vici.ChildSA {
	t.Helper()
	carried := s.carry(t, suiteName, suitePeerInside)
	require.Equal(t, child.UniqueID, carried.UniqueID)
	result, err := session.Rekey(suiteBound(t), vici.RekeyRequest{Child: suiteChild})
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Matches)
	rekeyed := events.childRekey(carried, s.rekeyedState(false))
	require.Equal(t, "CURVE_25519", rekeyed.KeyExchange)
	installed := s.installedChild(t, suiteName)
	require.Equal(t, rekeyed.UniqueID, installed.UniqueID)
	return installed
}

// rekeyedState is the state of an old CHILD_SA in the event of its rekeying.
func (s *suite) rekeyedState(responder bool) string {
	switch {
	case !responder && (!s.since(5, 9, 8) || s.since(6, 0, 0)):
		return vici.StateRekeying
	case s.since(6, 0, 0):
		return vici.StateDeleted
	}
	return vici.StateRekeyed
}

func suiteRekeyIKE(t *testing.T, s *suite, session *vici.Session, events *suiteEvents, ike *vici.IKESA, child *vici.ChildSA) {
	t.Helper()
	carried := s.carry(t, suiteName, suitePeerInside)
	result, err := session.Rekey(suiteBound(t), vici.RekeyRequest{IKEID: ike.UniqueID})
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Matches)
	event := nextOf[*vici.IKERekey](events)
	require.Equal(t, suiteName, event.Old.Name)
	require.Equal(t, ike.UniqueID, event.Old.UniqueID)
	require.Equal(t, vici.StateRekeying, event.Old.State)
	require.Equal(t, vici.StateEstablished, event.New.State)
	require.NotEqual(t, ike.UniqueID, event.New.UniqueID)
	require.NotEqual(t, ike.InitiatorSPI, event.New.InitiatorSPI)
	moved := s.installedChild(t, suiteName)
	requireTraffic(t, carried, moved)
	require.Equal(t, child.UniqueID, moved.UniqueID, "children move as they are")
	require.Equal(t, child.SPIIn, moved.SPIIn)
}

// suiteReauthenticate returns what is there afterwards.
func suiteReauthenticate(t *testing.T, s *suite, session *vici.Session, events *suiteEvents) (ike *vici.IKESA, child *vici.ChildSA) {
	t.Helper()
	_, err := session.Rekey(suiteBound(t), vici.RekeyRequest{IKE: suiteName, Reauth: true})
	require.NoError(t, err)
	makeFirst := s.since(6, 0, 0) // before break
	for _, up := range []bool{makeFirst, !makeFirst} {
		sa := events.ikeUpDown(up)
		sub := events.childUpDown(up)
		if up {
			ike, child = sa, sub
		}
	}
	s.awaitSAs(t, suiteName, 1)
	return ike, child
}

// suiteResponder takes a tunnel that the peer initiates through its life.
func suiteResponder(t *testing.T, s *suite) {
	t.Helper()
	events := s.watch(t, suiteName, "alert")
	s.peer.initiate(t, suiteName)
	s.nextUpdate(t, events)
	require.False(t, events.ikeUpDown(true).Initiator)
	events.childUpDown(true)

	s.rekeyByPeer(t, events, suitePeerInside)
	s.peer.mistake(t)
	if s.since(6, 0, 3) {
		events.alert("ts-mismatch")
		events.alert("keep-on-child-sa-failure")
	}
	s.peer.terminate(t, suiteName)
	events.ikeUpDown(false)
	events.childUpDown(false)
}

// nextUpdate insists on what a responder reports before it knows the peer.
func (s *suite) nextUpdate(t *testing.T, events *suiteEvents) {
	t.Helper()
	if !s.since(5, 9, 2) {
		return
	}
	update := nextOf[*vici.IKEUpdate](events) // the ports change from 500 to 4500
	require.Equal(t, vici.Unnamed, update.IKE.Name)
	require.Equal(t, vici.StateConnecting, update.IKE.State)
	require.Equal(t, vici.Some[uint16](500), update.IKE.RemotePort)
	require.Equal(t, vici.Some[uint16](4500), update.RemotePort)
	require.Equal(t, suitePeerHost, update.RemoteHost)
}

// rekeyByPeer lets traffic pass and the peer rekey the CHILD_SA. It returns the new one, through which traffic has passed, too.
func (s *suite) rekeyByPeer(t *testing.T, events *suiteEvents, to string) *vici.ChildSA {
	t.Helper()
	carried := s.carry(t, events.tunnel, to)
	s.peer.rekey(t, events.tunnel)
	rekeyed := events.childRekey(carried, s.rekeyedState(true))
	again := s.carry(t, events.tunnel, to)
	require.Equal(t, rekeyed.UniqueID, again.UniqueID)
	return again
}

// suiteCounters looks at what the tunnel's life has counted.
func suiteCounters(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	all, err := session.Counters(ctx, vici.CountersRequest{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Empty(t, all[0].Name)
	require.GreaterOrEqual(t, all[0].IKEInitInReq.Or(0), uint64(1))

	own, err := session.Counters(ctx, vici.CountersRequest{Name: vici.Some(suiteName)})
	require.NoError(t, err)
	require.Len(t, own, 1)
	require.Equal(t, suiteName, own[0].Name)
	require.EqualValues(t, 2, own[0].ChildRekey.Or(0))
	require.EqualValues(t, 1, own[0].IKERekeyInit.Or(0))
	require.Zero(t, own[0].IKERekeyResp.Or(0))
	require.EqualValues(t, 2, own[0].IKEInitOutReq.Or(0), "the first one, and the one of the reauthentication")
	require.Positive(t, own[0].InfoOutReq.Or(0))

	var names []string
	for c, err := range session.CountersOf(ctx, []string{"suite-nobody-has-it", suiteName}) {
		require.NoError(t, err)
		names = append(names, c.Name)
	}
	require.Equal(t, []string{suiteName}, names)

	require.NoError(t, session.ResetCounters(ctx, vici.CountersRequest{Name: vici.Some(suiteName)}))
	_, err = session.Counters(ctx, vici.CountersRequest{Name: vici.Some(suiteName)})
	requireRefused(t, err)
	named, err := session.Counters(ctx, vici.CountersRequest{All: true})
	require.NoError(t, err)
	for _, c := range named {
		require.NotEqual(t, suiteName, c.Name)
	}
}

func suitePolicies(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	request := vici.InstallRequest{Child: suiteChild, IKE: suiteName}
	listed := func() []*vici.Policy {
		return collectAll(t, session.ListPolicies(ctx, vici.ListPoliciesRequest{Trap: true, Pass: true, Drop: true, IKE: suiteName}))
	}
	require.Empty(t, listed())
	require.NoError(t, session.Install(ctx, request))
	all := listed()
	require.Len(t, all, 1)
	require.Equal(t, suiteName+"/"+suiteChild, all[0].Name)
	require.Equal(t, suiteName, all[0].IKE)
	require.Equal(t, suiteChild, all[0].Child)
	require.Equal(t, "TUNNEL", all[0].Mode)
	require.Equal(t, []string{"10.1.4.0/24"}, all[0].LocalTS)
	require.Equal(t, s.since(6, 0, 2), all[0].ReqID.Present())
	require.NoError(t, session.Uninstall(ctx, request))
	require.Empty(t, listed())
	requireRefused(t, session.Uninstall(ctx, request))
	requireRefused(t, session.Install(ctx, vici.InstallRequest{Child: "suite-nobody-has-it"}))
}

// suiteNothing asks for what there is nothing of.
func suiteNothing(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	const nobody = "suite-nobody-has-it"
	requireRefused(t, session.Initiate(ctx, vici.InitiateRequest{Child: nobody, Timeout: suiteTimeout}, nil))
	_, err := session.Terminate(ctx, vici.TerminateRequest{IKE: nobody, Timeout: suiteTimeout}, nil)
	requireRefused(t, err)
	_, err = session.Terminate(ctx, vici.TerminateRequest{}, nil)
	requireRefused(t, err)
	_, err = session.Rekey(ctx, vici.RekeyRequest{Child: nobody})
	requireRefused(t, err)
	_, err = session.Redirect(ctx, vici.RedirectRequest{Gateway: "192.0.2.250", IKE: nobody})
	requireRefused(t, err)
	require.Empty(t, collectAll(t, session.ListSAs(ctx, vici.ListSAsRequest{IKE: nobody})))
	require.Empty(t, collectAll(t, session.ListConns(ctx, vici.ListConnsRequest{IKE: nobody})))
	require.Empty(t, collectAll(t, session.ListCerts(ctx, vici.ListCertsRequest{Type: "nonsense"})))

	// What cannot be read is missing, so that all are listed. That is why requests with such a text are refused here.
	all := collectAll(t, session.ListConns(ctx, vici.ListConnsRequest{}))
	require.NotEmpty(t, all)
	require.Len(t, collectAll(t, session.Stream(ctx, "list-conns", "list-conn", key("ike", "ü"))), len(all))
}
