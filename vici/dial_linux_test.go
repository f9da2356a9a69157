// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// fullListener is a Unix socket like charon's whose queue of waiting connections is full.
func fullListener(t *testing.T) (net.Listener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "charon.vici")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	require.NoError(t, syscall.Listen(fd, 0))
	f := os.NewFile(uintptr(fd), path)
	l, err := net.FileListener(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	t.Cleanup(func() { l.Close() })
	for {
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", path)
		if err != nil {
			require.ErrorIs(t, err, syscall.EAGAIN)
			return l, path
		}
		t.Cleanup(func() { conn.Close() })
	}
}

func TestDialWaitsForAFullBacklog(t *testing.T) {
	l, path := fullListener(t)
	retried := make(chan struct{}, 1000)
	d := vici.Dialer{Address: path, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		retried <- struct{}{}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	type result struct {
		s   *vici.Session
		err error
	}
	dialed := make(chan result)
	go func() {
		s, err := d.Dial(t.Context())
		dialed <- result{s, err}
	}()
	for range 5 {
		<-retried
	}
	waiting, err := l.Accept() // makes room for one
	require.NoError(t, err)
	defer waiting.Close()
	r := <-dialed
	require.NoError(t, r.err)
	require.NoError(t, r.s.Close())
}

func TestDialWaitsNoLongerThanTheContext(t *testing.T) {
	_, path := fullListener(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tries := 0
	d := &vici.Dialer{Address: path, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if tries++; tries == 3 {
			cancel()
		}
		return conn, err
	}}
	_, err := d.Dial(ctx)
	require.Equal(t, 3, tries)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, syscall.EAGAIN)
	require.ErrorContains(t, err, "while the daemon's queue of new connections was full")
}

func TestDialWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	path := filepath.Join(dir, "charon.vici")
	l := listen(t, "unix", path)
	defer l.Close()
	require.NoError(t, os.Chmod(path, 0))

	var err error
	asNobody(t, func() { _, err = vici.Dial(t.Context(), path) })
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "vici: dial ("+path+"): ")
}

// asNobody runs fn without root's rights, which would pass every check of permissions. In Linux a
// user id belongs to a thread; this one ends with its goroutine, since that stays locked to it.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	const nobody = 65534
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread()
		var errno syscall.Errno
		if os.Geteuid() == 0 {
			_, _, errno = syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		}
		if errno == 0 {
			fn()
		}
		done <- errno
	}()
	require.Zero(t, <-done)
}
