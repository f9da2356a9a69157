// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"net"
	"sync"
	"time"
)

// RefuseConnections makes the server refuse new connections with err, until it is called with nil. In-memory
// connections get the error as it is, such as [syscall.EAGAIN] for a full backlog; those of a
// listener are closed as soon as they are accepted.
func (s *Server) RefuseConnections(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// WrapConnections makes new connections pass through wrap, until it is called with nil. The server
// reads from and writes to what wrap returns.
func (s *Server) WrapConnections(wrap func(net.Conn) net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connFault = wrap
}

// SlowWrites writes at most n bytes at a time and pauses in between. It is made for [Server.WrapConnections].
func SlowWrites(n int, pause time.Duration) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn {
		return &slowConn{Conn: c, n: n, pause: pause, closed: make(chan struct{})}
	}
}

type slowConn struct {
	net.Conn

	n      int
	pause  time.Duration
	once   sync.Once
	closed chan struct{}
}

func (c *slowConn) Write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := c.Conn.Write(b[written:min(written+c.n, len(b))])
		written += n
		if err != nil {
			return written, err
		}
		c.wait()
	}
	return written, nil
}

func (c *slowConn) wait() {
	if c.pause <= 0 {
		return
	}
	t := time.NewTimer(c.pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.closed:
	}
}

func (c *slowConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// DropAfterBytes closes a connection when n bytes were written to it. It is made for
// [Server.WrapConnections].
func DropAfterBytes(n int) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn { return &droppingConn{Conn: c, left: n} }
}

type droppingConn struct {
	net.Conn

	left int // used by the one goroutine that writes
}

func (c *droppingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b[:min(len(b), c.left)])
	c.left -= n
	if err == nil && c.left == 0 {
		_ = c.Close() // the next write tells
	}
	return n, err
}

// Mute swallows all that is written, so that clients connect and never get an answer. It is made for
// [Server.WrapConnections].
func Mute(c net.Conn) net.Conn { return muteConn{c} }

type muteConn struct{ net.Conn }

func (muteConn) Write(b []byte) (int, error) { return len(b), nil }
