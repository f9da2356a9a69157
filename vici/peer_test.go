// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A peer is the daemon's end of a connection, driven packet by packet, so that every fault can be
// made exactly.
type peer struct {
	t    testing.TB
	conn net.Conn
	in   *vici.PacketReader
}

// dialPipe opens a session on an in-memory connection and runs script as its daemon. When script
// returns, its end of the connection is closed; the test ends when it has returned.
func dialPipe(t testing.TB, d *vici.Dialer, script func(*peer)) *vici.Session {
	t.Helper()
	var scripts sync.WaitGroup
	dialer := vici.Dialer{Address: "tcp://pipe:1"}
	if d != nil {
		dialer = *d
		dialer.Address = "tcp://pipe:1"
	}
	dialer.DialContext = func(context.Context, string, string) (net.Conn, error) {
		client, daemon := net.Pipe()
		scripts.Go(func() {
			defer daemon.Close()
			script(&peer{t: t, conn: daemon, in: vici.NewPacketReader(daemon, 0)})
		})
		return client, nil
	}
	s, err := dialer.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		scripts.Wait()
	})
	return s
}

// stop ends the script as a failure of the test.
func (p *peer) stop(format string, args ...any) {
	p.t.Errorf("peer: "+format, args...)
	runtime.Goexit()
}

// expect reads the next packet and insists on its type and name.
func (p *peer) expect(want vici.PacketType, name string) []byte {
	packet, err := p.in.Next()
	switch {
	case err != nil:
		p.stop("%s %q was due: %v", want, name, err)
	case packet.Type != want || string(packet.Name) != name:
		p.stop("%s %q was due, not %s %q", want, name, packet.Type, packet.Name)
	}
	return packet.Body
}

// send writes one packet. A session that is gone is for the test to judge.
func (p *peer) send(t vici.PacketType, name string, body []byte) {
	packet, err := vici.AppendPacket(nil, t, name, body)
	if err != nil {
		p.stop("%v", err)
	}
	p.raw(packet)
}

// sendMessage is send with a message.
func (p *peer) sendMessage(t vici.PacketType, name string, m *vici.Message) {
	body, err := m.MarshalBinary()
	if err != nil {
		p.stop("%v", err)
	}
	p.send(t, name, body)
}

func (p *peer) raw(b []byte) {
	if _, err := p.conn.Write(b); err != nil && !gone(err) {
		p.stop("%v", err)
	}
}

func gone(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// untilGone reads and drops what the session sends, until it closes the connection.
func (p *peer) untilGone() {
	if _, err := io.Copy(io.Discard, p.conn); err != nil && !gone(err) {
		p.stop("%v", err)
	}
}

// answer serves one command.
func (p *peer) answer(command string, answer *vici.Message) {
	p.expect(vici.CmdRequest, command)
	p.sendMessage(vici.CmdResponse, "", answer)
}

// confirm serves a registration or its end.
func (p *peer) confirm(t vici.PacketType, event string) {
	p.expect(t, event)
	p.send(vici.EventConfirm, "", nil)
}

// beginStream serves the start of a streaming command up to its first event.
func (p *peer) beginStream(command, event string) {
	p.confirm(vici.EventRegister, event)
	p.expect(vici.CmdRequest, command)
}

// endStream serves the end of a streaming command.
func (p *peer) endStream(event string) {
	p.send(vici.CmdResponse, "", nil)
	p.confirm(vici.EventUnregister, event)
}

func key(name, value string) *vici.Message { return new(vici.Message).Add(name, value) }
