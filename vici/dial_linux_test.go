// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

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
