// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A wire is a client that sends and sees bytes, to test what no proper client does.
type wire struct {
	t       *testing.T
	conn    net.Conn
	packets *vici.PacketReader
}

type dialer interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

func newWire(t *testing.T, s dialer) *wire {
	t.Helper()
	conn, err := s.Dial(t.Context(), "", "")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // tests close it themselves where that matters
	return &wire{t: t, conn: conn, packets: vici.NewPacketReader(conn, 0)}
}

func (w *wire) send(p vici.PacketType, name string, m *vici.Message) {
	w.t.Helper()
	body, err := m.MarshalBinary()
	require.NoError(w.t, err)
	segment, err := vici.AppendPacket(nil, p, name, body)
	require.NoError(w.t, err)
	w.sendBytes(segment...)
}

// sendSegment sends bytes with their length.
func (w *wire) sendSegment(segment ...byte) {
	w.t.Helper()
	w.sendBytes(binary.BigEndian.AppendUint32(nil, uint32(len(segment)))...)
	if len(segment) > 0 { // an empty write would wait on a pipe
		w.sendBytes(segment...)
	}
}

func (w *wire) sendBytes(b ...byte) {
	w.t.Helper()
	_, err := w.conn.Write(b)
	require.NoError(w.t, err)
}

// next returns the next packet in words: "EVENT name", "CMD_RESPONSE".
func (w *wire) next() string {
	w.t.Helper()
	p, err := w.packets.Next()
	require.NoError(w.t, err)
	if len(p.Name) > 0 {
		return p.Type.String() + " " + string(p.Name)
	}
	return p.Type.String()
}

func (w *wire) expect(packets ...string) {
	w.t.Helper()
	for _, want := range packets {
		require.Equal(w.t, want, w.next())
	}
}

func (w *wire) expectEnd() {
	w.t.Helper()
	_, err := w.packets.Next()
	require.ErrorIs(w.t, err, io.EOF)
}

func (w *wire) register(event string) {
	w.t.Helper()
	w.send(vici.EventRegister, event, nil)
	w.expect("EVENT_CONFIRM")
}

// session opens an in-memory session.
func session(t *testing.T, s dialer) *vici.Session {
	t.Helper()
	session, err := (&vici.Dialer{DialContext: s.Dial}).Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() }) // its end is not what is tested
	return session
}

func collect(t *testing.T, s *vici.Session, command, event string, request *vici.Message) []*vici.Message {
	t.Helper()
	var all []*vici.Message
	for m, err := range s.Stream(t.Context(), command, event, request) {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

// call sends a command that must succeed.
func call(t *testing.T, s *vici.Session, command string, request *vici.Message) *vici.Message {
	t.Helper()
	m, err := s.Call(t.Context(), command, request)
	require.NoError(t, err)
	return m
}

func message(pairs ...string) *vici.Message {
	m := new(vici.Message)
	for i := 0; i < len(pairs); i += 2 {
		m.Add(pairs[i], pairs[i+1])
	}
	return m
}

// numbers streams as many small events as asked for.
func numbers(n int) vicitest.Command {
	return func(c *vicitest.Call) (*vici.Message, error) {
		for range n {
			if err := c.Event("number", func(e *vici.Encoder) { e.KeyValue("n", "1") }); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func newMux() *vicitest.Mux {
	return &vicitest.Mux{
		Commands: map[string]vicitest.Command{
			"version": vicitest.Answer(message("daemon", "charon")),
			"refuse": func(*vicitest.Call) (*vici.Message, error) {
				return nil, &vici.CommandError{Message: "no"}
			},
			"numbers": numbers(3),
		},
		Events: []string{"number", "news"},
	}
}

func newServer(t *testing.T, options ...vicitest.Option) *vicitest.Server {
	t.Helper()
	s := vicitest.NewUnstartedServer(newMux(), options...)
	t.Cleanup(s.Close)
	return s
}
