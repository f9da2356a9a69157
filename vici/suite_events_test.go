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

// suiteEvents are what a daemon reports of one of the suite's tunnels.
type suiteEvents struct {
	t      *testing.T
	tunnel string
	bodies chan vici.EventBody
	logged int // events of the log
}

// watch subscribes to events of a tunnel, and to more.
func (s *suite) watch(t *testing.T, tunnel string, more ...string) *suiteEvents {
	t.Helper()
	session := s.dial(t)
	events, err := session.Events(suiteBound(t),
		append(more, "ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey")...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	e := &suiteEvents{t: t, tunnel: tunnel, bodies: make(chan vici.EventBody, 10000)}
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

// next returns the next event. Those of the log are only counted; alerts come when they come.
func (e *suiteEvents) next() vici.EventBody {
	e.t.Helper()
	for {
		switch body := e.receive().(type) {
		case *vici.Log:
			require.NotEmpty(e.t, body.Group)
			e.logged++
		case *vici.Alert:
		default:
			return body
		}
	}
}

// alert waits for an alert of some kind about the tunnel.
func (e *suiteEvents) alert(kind string) {
	e.t.Helper()
	for {
		if alert, ok := e.receive().(*vici.Alert); ok && alert.Type == kind {
			require.Equal(e.t, e.tunnel, alert.IKE.Name)
			return
		}
	}
}

func (e *suiteEvents) receive() vici.EventBody {
	e.t.Helper()
	select {
	case body := <-e.bodies:
		return body
	case <-time.After(suiteTimeout):
		require.Fail(e.t, "no event")
		return nil
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
	require.Equal(e.t, e.tunnel, event.IKE.Name)
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
	require.Equal(e.t, e.tunnel, event.IKE.Name)
	child := event.Child()
	require.Equal(e.t, tunnelChild(e.tunnel), child.Name)
	require.True(e.t, child.BytesIn.Present(), "traffic is told")
	if up {
		require.Equal(e.t, vici.StateInstalled, child.State)
	}
	return child
}

// childRekey insists that the CHILD_SA's rekeying is the next event, and that the old one's traffic is told.
func (e *suiteEvents) childRekey(from *vici.ChildSA, oldState string) *vici.ChildSA {
	e.t.Helper()
	event := nextOf[*vici.ChildRekey](e)
	require.Equal(e.t, e.tunnel, event.IKE.Name)
	require.Equal(e.t, from.UniqueID, event.Old.UniqueID)
	require.Equal(e.t, from.SPIIn, event.Old.SPIIn)
	require.Equal(e.t, oldState, event.Old.State)
	require.Equal(e.t, tunnelChild(e.tunnel), event.New.Name)
	require.NotEqual(e.t, from.UniqueID, event.New.UniqueID)
	require.Equal(e.t, from.ReqID, event.New.ReqID)
	requireTraffic(e.t, from, &event.Old)
	require.True(e.t, event.Old.UseIn.Present())
	requireUnused(e.t, &event.New)
	return &event.New
}
