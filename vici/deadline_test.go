// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A timelessConn is a connection without deadlines, as one through an SSH channel is. Release, if not nil, holds up who sets
// one.
type timelessConn struct {
	net.Conn

	release chan struct{}
}

func (c *timelessConn) SetDeadline(time.Time) error {
	if c.release != nil {
		<-c.release
	}
	return errors.ErrUnsupported
}

// dialTimeless opens a session on a timelessConn. The peer at the other end is the test's to drive.
func dialTimeless(t *testing.T, release chan struct{}) (*vici.Session, *peer) {
	t.Helper()
	client, daemon := net.Pipe()
	dialer := vici.Dialer{Address: "ssh://gw", DialContext: func(context.Context, string, string) (net.Conn, error) {
		return &timelessConn{client, release}, nil
	}}
	s, err := dialer.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, daemon.Close())
	})
	return s, &peer{t: t, conn: daemon, in: vici.NewPacketReader(daemon, 0)}
}

func TestContextEndsCallWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := dialTimeless(t, nil)
		go p.untilGone()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Call(ctx, "version", nil)
		require.EqualError(t, err, "vici: call version (ssh://gw): context deadline exceeded")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, s.Err(), vici.ErrClosed)
	})
}

// A call that has its answer when its context ends has succeeded, and its session is as closed as its connection.
func TestContextEndsJustAfterTheAnswerWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, p := dialTimeless(t, release)
		ctx, cancel := context.WithCancel(t.Context())
		called := make(chan error, 1)
		go func() { called <- second(s.Call(ctx, "first", nil)) }()
		p.expect(vici.CmdRequest, "first")
		synctest.Wait() // now the answer is waited for
		cancel()
		synctest.Wait() // now the interruption is held up
		p.send(vici.CmdResponse, "", nil)
		close(release)
		require.NoError(t, <-called)
		require.ErrorIs(t, s.Err(), vici.ErrClosed)
		require.ErrorIs(t, s.Err(), context.Canceled)
	})
}

func TestContextEndsEventsWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := dialTimeless(t, nil)
		go func() {
			p.confirm(vici.EventRegister, "log")
			p.send(vici.EventPacket, "log", []byte("1"))
			p.untilGone()
		}()
		e, err := s.Events(t.Context(), "log")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, []string{"log 1"}, next(ctx, t, e, 1), "leaving the loop does no harm")
		require.ErrorIs(t, lastError(ctx, e), context.DeadlineExceeded)
		require.ErrorIs(t, s.Err(), vici.ErrClosed)
	})
}

// What a keep-alive needs is missing here: that must not go unnoticed.
func TestKeepAliveWithoutDeadlines(t *testing.T) {
	s, p := dialTimeless(t, nil)
	go func() {
		p.confirm(vici.EventRegister, "log")
		p.untilGone()
	}()
	e, err := s.Events(t.Context(), "log")
	require.NoError(t, err)
	e.KeepAlive(keepAlive)
	require.ErrorIs(t, lastError(t.Context(), e), errors.ErrUnsupported)
}
