// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func TestParseAddress(t *testing.T) {
	tests := map[string]struct{ network, address string }{
		"unix:///var/run/charon.vici": {"unix", "/var/run/charon.vici"},
		"/run/charon.vici":            {"unix", "/run/charon.vici"},
		"unix:///run/a b?c#d%20e":     {"unix", "/run/a b?c#d%20e"},
		"tcp://192.0.2.1:4502":        {"tcp", "192.0.2.1:4502"},
		"tcp://[2001:db8::1]:4502":    {"tcp", "[2001:db8::1]:4502"},
		"tcp://gateway.example:vici":  {"tcp", "gateway.example:vici"},
		"tcp://:4502":                 {"tcp", ":4502"},
	}
	for s, want := range tests {
		network, address, err := vici.ParseAddress(s)
		require.NoError(t, err)
		require.Equal(t, want.network, network, s)
		require.Equal(t, want.address, address, s)
	}
}

func TestParseAddressRefuses(t *testing.T) {
	tests := map[string]string{
		"":                          "unknown form",
		"charon.vici":               "unknown form",
		"run/charon.vici":           "unknown form",
		"192.0.2.1:4502":            "unknown form",
		"http://192.0.2.1:4502":     "unknown form",
		"unix:/run/charon.vici":     "unknown form",
		"unix://":                   "must be absolute",
		"unix://charon.vici":        "must be absolute",
		"unix://host/charon.vici":   "must be absolute",
		"tcp://192.0.2.1":           "host and port are expected",
		"tcp://192.0.2.1:":          "host and port are expected",
		"tcp://2001:db8::1:4502":    "host and port are expected",
		"tcp://":                    "host and port are expected",
		"tcp://192.0.2.1:4502/path": "host and port are expected",
	}
	for s, want := range tests {
		_, _, err := vici.ParseAddress(s)
		require.ErrorContains(t, err, want, s)
		require.ErrorContains(t, err, "(use unix:///path/to/charon.vici or tcp://host:port)")
	}
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	require.NoError(t, err)
	return l
}

// serveVersion answers version on every connection to l until it is closed.
func serveVersion(t *testing.T, l net.Listener) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p := &peer{t: t, conn: conn, in: vici.NewPacketReader(conn, 0)}
			p.answer("version", key("daemon", "charon"))
			p.untilGone()
			conn.Close()
		}
	}()
	t.Cleanup(func() { <-done })
	t.Cleanup(func() { l.Close() })
}

func requireVersion(t *testing.T, s *vici.Session) {
	t.Helper()
	v, err := s.Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "charon", v.Daemon)
	require.NoError(t, s.Close())
}

func TestDialUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "charon.vici")
	l := listen(t, "unix", path)
	serveVersion(t, l)
	for _, address := range []string{path, "unix://" + path} {
		s, err := vici.Dial(t.Context(), address)
		require.NoError(t, err)
		requireVersion(t, s)
	}
}

func TestDialTCP(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	serveVersion(t, l)
	s, err := vici.Dial(t.Context(), "tcp://"+l.Addr().String())
	require.NoError(t, err)
	requireVersion(t, s)
}

func requireDialError(t *testing.T, address string, want error) {
	t.Helper()
	s, err := vici.Dial(t.Context(), address)
	require.Nil(t, s)
	require.ErrorIs(t, err, want)
	var opErr *vici.OpError
	require.ErrorAs(t, err, &opErr)
	require.Equal(t, "dial", opErr.Op)
	require.Equal(t, address, opErr.Address)
	require.Contains(t, err.Error(), "vici: dial ("+address+"): ")
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	requireDialError(t, "unix://"+filepath.Join(dir, "absent"), fs.ErrNotExist)
	requireDialError(t, "unix://"+dir, syscall.ECONNREFUSED)

	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	requireDialError(t, "unix://"+stale, syscall.ECONNREFUSED)

	tcp := listen(t, "tcp", "127.0.0.1:0")
	require.NoError(t, tcp.Close())
	requireDialError(t, "tcp://"+tcp.Addr().String(), syscall.ECONNREFUSED)

	_, err = vici.Dial(t.Context(), "charon.vici")
	require.ErrorContains(t, err, "vici: dial (charon.vici): address")
}

func TestDialDefaultAddress(t *testing.T) {
	var dialed string
	d := vici.Dialer{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		dialed = network + " " + address
		return nil, fs.ErrNotExist
	}}
	_, err := d.Dial(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, vici.DefaultAddress)
	network, address, err := vici.ParseAddress(vici.DefaultAddress)
	require.NoError(t, err)
	require.Equal(t, network+" "+address, dialed)
}

// A transport of the caller's own takes addresses of its own.
func TestDialOtherTransports(t *testing.T) {
	var dialed string
	d := vici.Dialer{Address: "vsock://2:4502", DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		dialed = network + " " + address
		return nil, fs.ErrNotExist
	}}
	_, err := d.Dial(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, "vsock 2:4502", dialed)

	for _, address := range []string{"unix://charon.vici", "tcp://192.0.2.1", "charon.vici"} {
		d.Address = address
		_, err = d.Dial(t.Context())
		require.ErrorContains(t, err, "use unix:///path/to/charon.vici or tcp://host:port", address)
	}
	_, err = vici.Dial(t.Context(), "vsock://2:4502")
	require.ErrorContains(t, err, "unknown form")
}

func TestDialWithEndedContext(t *testing.T) {
	l := listen(t, "unix", filepath.Join(t.TempDir(), "s"))
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := vici.Dial(ctx, "unix://"+l.Addr().String())
	require.ErrorIs(t, err, context.Canceled)
}

// What is wrong is told also where the context ends in an attempt instead of between two.
func TestDialContextEndsInAnAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	attempts := 0
	d := vici.Dialer{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if attempts++; attempts == 1 {
			return nil, syscall.EAGAIN
		}
		cancel()
		return nil, ctx.Err()
	}}
	_, err := d.Dial(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, syscall.EAGAIN)
	require.Equal(t, 2, attempts)
}

// The waits grow up to a bound, so that a busy daemon is neither flooded nor kept waiting.
func TestDialBacklogWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		d := vici.Dialer{DialContext: func(context.Context, string, string) (net.Conn, error) {
			at = append(at, time.Now())
			return nil, syscall.EAGAIN
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := d.Dial(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Greater(t, len(at), 200)
		for i := range len(at) - 1 {
			longest := min(time.Millisecond<<min(i, 10), 50*time.Millisecond)
			wait := at[i+1].Sub(at[i])
			require.LessOrEqual(t, wait, longest, i)
			require.GreaterOrEqual(t, wait, longest/2, i)
		}
	})
}

// A daemon may be compiled with a larger bound; the session then takes what it says it takes.
func TestDialerMaxSegment(t *testing.T) {
	body, err := key("k", strings.Repeat("v", vici.MaxValue)).MarshalBinary()
	require.NoError(t, err)
	body = bytes.Repeat(body, 9)
	script := func(p *peer) {
		p.expect(vici.CmdRequest, "get-pools")
		p.raw(wire(p.t, body))
		p.untilGone()
	}
	s := dialPipe(t, &vici.Dialer{MaxSegment: len(body) + 1}, script)
	answer, err := s.Call(t.Context(), "get-pools", nil)
	require.NoError(t, err)
	require.Equal(t, 9, answer.Len())

	s = dialPipe(t, &vici.Dialer{MaxSegment: len(body)}, script)
	_, err = s.Call(t.Context(), "get-pools", nil)
	require.ErrorIs(t, err, vici.ErrTooLarge)
}
