// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// What a proper client makes of each fault tells that the fault is what it says.
func TestFaultsOfAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		fault vicitest.Fault
		want  error
	}{
		"unknown":        {vicitest.Unknown(), vici.ErrUnknownCommand},
		"drop at once":   {vicitest.DropAfter(0), io.EOF},
		"truncated":      {vicitest.OnAnswer(vicitest.Truncated(6)), io.ErrUnexpectedEOF},
		"oversized":      {vicitest.OnAnswer(vicitest.Oversized(1 << 30)), vici.ErrTooLarge},
		"garbage":        {vicitest.OnAnswer(vicitest.Replaced([]byte{0, 0, 0, 2, 77, 77})), vici.ErrMalformed},
		"malformed":      {vicitest.OnAnswer(vicitest.Malformed()), vici.ErrMalformed},
		"wrong kind":     {vicitest.OnAnswer(vicitest.OfType(vici.EventConfirm)), vici.ErrMalformed},
		"unknown kind":   {vicitest.OnAnswer(vicitest.OfType(200)), vici.ErrMalformed},
		"first packet":   {vicitest.OnPacket(0, vicitest.Malformed()), vici.ErrMalformed},
		"too deep":       {vicitest.OnAnswer(vicitest.Nested(1000)), vici.ErrTooLarge},
		"another packet": {vicitest.OnPacket(1, vicitest.Malformed()), nil},
		"foreign event":  {vicitest.EventFirst("news", nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			heal := s.Fault("version", c.fault)
			_, err := session(t, s).Call(t.Context(), "version", nil)
			require.ErrorIs(t, err, c.want)
			heal()
			call(t, session(t, s), "version", nil)
		})
	}
}

func TestRefuse(t *testing.T) {
	s := newServer(t)
	s.Fault("version", vicitest.Refuse("not today"))
	_, err := session(t, s).Call(t.Context(), "version", nil)
	var refused *vici.CommandError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "not today", refused.Message)
}

func TestFaultsOfStreams(t *testing.T) {
	for name, c := range map[string]struct {
		fault  vicitest.Fault
		events int
		want   error
	}{
		"drop after two":    {vicitest.DropAfter(2), 2, io.EOF},
		"second truncated":  {vicitest.OnPacket(1, vicitest.Truncated(8)), 1, io.ErrUnexpectedEOF},
		"second malformed":  {vicitest.OnPacket(1, vicitest.Malformed()), 1, vici.ErrMalformed},
		"answer malformed":  {vicitest.OnAnswer(vicitest.Malformed()), 3, vici.ErrMalformed},
		"foreign event":     {vicitest.EventFirst("news", message("a", "b")), 3, nil},
		"unknown command":   {vicitest.Unknown(), 0, vici.ErrUnknownCommand},
		"second too deep":   {vicitest.OnPacket(1, vicitest.Nested(1000)), 1, vici.ErrTooLarge},
		"third of no kind":  {vicitest.OnPacket(2, vicitest.OfType(99)), 2, vici.ErrMalformed},
		"two answers":       {vicitest.OnPacket(0, vicitest.OfType(vici.CmdUnknown)), 0, vici.ErrMalformed},
		"answer is garbage": {vicitest.OnAnswer(vicitest.Replaced([]byte{0xff, 0, 0, 0})), 3, vici.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.Fault("numbers", c.fault)
			events := 0
			var failure error
			for _, err := range session(t, s).Stream(t.Context(), "numbers", "number", nil) {
				if err != nil {
					failure = err
					break
				}
				events++
			}
			require.ErrorIs(t, failure, c.want)
			require.Equal(t, c.events, events)
		})
	}
}

func TestFaultsCompose(t *testing.T) {
	s := newServer(t)
	s.Fault("version", vicitest.Refuse("no"))
	s.Fault("version", vicitest.OnAnswer(vicitest.Malformed())) // damages the refusal
	_, err := session(t, s).Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, vici.ErrMalformed)
}

func TestFaultsOfRegistrations(t *testing.T) {
	s := newServer(t)
	heal := s.FaultEvent("news", vicitest.Unknown())
	w := newWire(t, s)
	w.send(vici.EventRegister, "news", nil)
	w.expect("EVENT_UNKNOWN")
	heal()
	s.FaultEvent("news", vicitest.EventFirst("news", message("early", "yes")))
	w.send(vici.EventRegister, "news", nil)
	w.expect("EVENT news", "EVENT_CONFIRM")
}

func TestHangEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Fault("version", vicitest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := session(t, s).Call(ctx, "version", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Zero(t, s.Observe().InFlight)
	})
}

func TestHangAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Fault("numbers", vicitest.HangAfter(2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		events := 0
		for _, err := range session(t, s).Stream(ctx, "numbers", "number", nil) {
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			events++
		}
		require.Equal(t, 2, events)
	})
}

func TestSlowWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.WrapConnections(vicitest.SlowWrites(7, time.Second))
		began := time.Now()
		call(t, session(t, s), "version", nil) // 21 bytes: the last of three parts needs no pause before it
		require.Equal(t, 2*time.Second, time.Since(began))
		s.WrapConnections(nil)
		began = time.Now()
		call(t, session(t, s), "version", nil)
		require.Zero(t, time.Since(began))
	})
}

func TestDropAfterBytes(t *testing.T) {
	s := newServer(t)
	s.WrapConnections(vicitest.DropAfterBytes(10))
	_, err := session(t, s).Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.WrapConnections(vicitest.Mute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := session(t, s).Call(ctx, "version", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, s.Observe().Commands["version"])
	})
}

func TestRefuseConnections(t *testing.T) {
	s := newServer(t)
	require.NoError(t, s.Listen("tcp://127.0.0.1:0"))
	s.RefuseConnections(syscall.ECONNREFUSED)
	_, err := (&vici.Dialer{DialContext: s.Dial}).Dial(t.Context())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	dialled, err := vici.Dial(t.Context(), s.Address())
	require.NoError(t, err) // the connection is made, and closed at once
	_, err = dialled.Call(t.Context(), "version", nil)
	require.Error(t, err)
	s.RefuseConnections(nil)
	call(t, session(t, s), "version", nil)
}

// A full backlog is what charon shows when it is dialled rapidly; the client tries again.
func TestBacklogIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.RefuseConnections(syscall.EAGAIN)
		time.AfterFunc(time.Second, func() { s.RefuseConnections(nil) })
		call(t, session(t, s), "version", nil)
		require.Greater(t, s.Observe().Accepted, 3)
	})
}

func TestOwnFault(t *testing.T) {
	s := newServer(t)
	twice := func(next vicitest.Command) vicitest.Command {
		return func(c *vicitest.Call) (*vici.Message, error) {
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				return errors.Join(send(segment), send(segment))
			}))
		}
	}
	s.Fault("version", twice)
	w := newWire(t, s)
	w.send(vici.CmdRequest, "version", nil)
	w.expect("CMD_RESPONSE", "CMD_RESPONSE")
}
