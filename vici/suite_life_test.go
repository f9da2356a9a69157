// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// suiteEvents are what a daemon reports of the suite's tunnel.
type suiteEvents struct {
	t      *testing.T
	bodies chan vici.EventBody
	logged int // events of the log
}

// watch subscribes to all events.
func (s *suite) watch(t *testing.T) *suiteEvents {
	t.Helper()
	session := s.dial(t)
	events, err := session.Events(suiteBound(t),
		"log", "ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey", "alert")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	e := &suiteEvents{t: t, bodies: make(chan vici.EventBody, 10000)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event, err := range events.All(ctx) {
			if err != nil {
				return
			}
			body, err := event.Decode()
			if err != nil {
				t.Errorf("event %s: %v", event.Name, err)
				return
			}
			e.bodies <- body
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return e
}

// next returns the next event, other than those of the log.
func (e *suiteEvents) next() vici.EventBody {
	e.t.Helper()
	for {
		select {
		case body := <-e.bodies:
			log, isLog := body.(*vici.Log)
			if !isLog {
				return body
			}
			require.NotEmpty(e.t, log.Group)
			e.logged++
		case <-time.After(suiteTimeout):
			require.Fail(e.t, "no event")
		}
	}
}

// nextOf insists on the type of the next event.
func nextOf[T vici.EventBody](e *suiteEvents) T {
	e.t.Helper()
	next := e.next()
	event, ok := next.(T)
	require.True(e.t, ok, "not %T but %T: %+v", event, next, next)
	return event
}

// ikeUpDown insists that the tunnel's IKE_SA coming or going is the next event.
func (e *suiteEvents) ikeUpDown(up bool) *vici.IKESA {
	e.t.Helper()
	event := nextOf[*vici.IKEUpDown](e)
	require.Equal(e.t, up, event.Up)
	require.Equal(e.t, suiteName, event.IKE.Name)
	require.Empty(e.t, event.IKE.Children)
	state := vici.StateEstablished
	if !up {
		state = vici.StateDeleting
	}
	require.Equal(e.t, state, event.IKE.State)
	return &event.IKE
}

// childUpDown is ikeUpDown for the CHILD_SA.
func (e *suiteEvents) childUpDown(up bool) *vici.ChildSA {
	e.t.Helper()
	event := nextOf[*vici.ChildUpDown](e)
	require.Equal(e.t, up, event.Up)
	require.Equal(e.t, suiteName, event.IKE.Name)
	child := event.Child()
	require.Equal(e.t, suiteChild, child.Name)
	require.True(e.t, child.BytesIn.Present(), "traffic is told")
	if up {
		require.Equal(e.t, vici.StateInstalled, child.State)
	}
	return child
}

// childRekey insists that the CHILD_SA's rekeying is the next event.
func (e *suiteEvents) childRekey(from *vici.ChildSA, oldState string) *vici.ChildSA {
	e.t.Helper()
	event := nextOf[*vici.ChildRekey](e)
	require.Equal(e.t, suiteName, event.IKE.Name)
	require.Equal(e.t, from.UniqueID, event.Old.UniqueID)
	require.Equal(e.t, from.SPIIn, event.Old.SPIIn)
	require.Equal(e.t, oldState, event.Old.State)
	require.Equal(e.t, suiteChild, event.New.Name)
	require.NotEqual(e.t, from.UniqueID, event.New.UniqueID)
	require.Equal(e.t, from.ReqID, event.New.ReqID)
	require.True(e.t, event.Old.BytesIn.Present(), "the old one's traffic is told")
	return &event.New
}

// sas lists the tunnel's IKE_SAs. It waits for those that are busy: a daemon reports what happens while it still
// works on it.
func (s *suite) sas(t *testing.T) []*vici.IKESA {
	t.Helper()
	var all []*vici.IKESA
	for sa, err := range s.dial(t).ListSAs(suiteBound(t), vici.ListSAsRequest{IKE: suiteName}) {
		require.NoError(t, err)
		all = append(all, sa.Clone())
	}
	return all
}

// installedChild returns the tunnel's only CHILD_SA that is installed.
func (s *suite) installedChild(t *testing.T) *vici.ChildSA {
	t.Helper()
	var installed []*vici.ChildSA
	for _, sa := range s.sas(t) {
		for i := range sa.Children {
			if sa.Children[i].State == vici.StateInstalled {
				installed = append(installed, &sa.Children[i])
			}
		}
	}
	require.Len(t, installed, 1)
	return installed[0]
}

// suiteInitiator takes a tunnel that this end initiates through its life.
func suiteInitiator(t *testing.T, s *suite) {
	ctx, session, events := suiteBound(t), s.dial(t), s.watch(t)
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

	sas := s.sas(t)
	require.Len(t, sas, 1)
	requireTunnel(t, sas[0])
	require.Equal(t, ike.UniqueID, sas[0].UniqueID)
	require.Equal(t, child.UniqueID, sas[0].Children[0].UniqueID)

	// This comes first: a daemon puts it off while there are remains of a rekeyed CHILD_SA.
	ike, child = suiteReauthenticate(t, s, session, events)
	child = suiteRekeyChild(t, s, session, events, child)
	suiteRekeyIKE(t, s, session, events, ike, child)

	result, err := session.Terminate(ctx, vici.TerminateRequest{ChildID: child.UniqueID, Timeout: suiteTimeout}, keep)
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Terminated)
	require.Equal(t, vici.StateDeleted, events.childUpDown(false).State)
	require.NoError(t, session.Initiate(ctx, vici.InitiateRequest{Child: suiteChild, Timeout: vici.NoWait}, nil))
	events.childUpDown(true)

	result, err = session.Terminate(ctx, vici.TerminateRequest{IKE: suiteName, Timeout: suiteTimeout}, nil)
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Matches)
	require.False(t, events.ikeUpDown(false).Established.Present(), "it is told while an IKE_SA is established")
	events.childUpDown(false)
	require.Positive(t, events.logged)
	require.Empty(t, s.sas(t))
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
	result, err := session.Rekey(suiteBound(t), vici.RekeyRequest{Child: suiteChild})
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint32](1), result.Matches)
	rekeyed := events.childRekey(child, s.rekeyedState(false))
	require.Equal(t, "CURVE_25519", rekeyed.KeyExchange)
	installed := s.installedChild(t)
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
	moved := s.installedChild(t)
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
	require.Len(t, s.sas(t), 1)
	return ike, child
}

// suiteResponder takes a tunnel that the peer initiates through its life.
func suiteResponder(t *testing.T, s *suite) {
	events := s.watch(t)
	s.peer.initiate(t)
	if s.since(5, 9, 2) {
		update := nextOf[*vici.IKEUpdate](events) // the ports change from 500 to 4500
		require.Equal(t, vici.Unnamed, update.IKE.Name)
		require.Equal(t, vici.StateConnecting, update.IKE.State)
		require.Equal(t, vici.Some[uint16](500), update.IKE.RemotePort)
		require.Equal(t, vici.Some[uint16](4500), update.RemotePort)
		require.Equal(t, suitePeerHost, update.RemoteHost)
	}
	require.False(t, events.ikeUpDown(true).Initiator)
	child := events.childUpDown(true)

	s.peer.rekey(t)
	rekeyed := events.childRekey(child, s.rekeyedState(true))
	require.Equal(t, rekeyed.UniqueID, s.installedChild(t).UniqueID)

	s.peer.mistake(t)
	if s.since(6, 0, 3) {
		for _, kind := range []string{"ts-mismatch", "keep-on-child-sa-failure"} {
			alert := nextOf[*vici.Alert](events)
			require.Equal(t, kind, alert.Type)
			require.Equal(t, suiteName, alert.IKE.Name)
		}
	}
	s.peer.terminate(t)
	events.ikeUpDown(false)
	events.childUpDown(false)
}

// suiteCounters looks at what the tunnel's life has counted.
func suiteCounters(t *testing.T, s *suite) {
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
}
