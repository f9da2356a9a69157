// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A disk that is full, or cannot be written to, costs the state that is on it, and one line in the log.
func TestNoRoomForState(t *testing.T) {
	const readOnly = syscall.MS_REMOUNT | syscall.MS_RDONLY
	d := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(d.Close)
	d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}}})
	_, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)
	disk := mountSmallDisk(t)
	state := filepath.Join(disk, "state")
	fill(t, filepath.Join(disk, "others"))
	e := startExporter(t, d.Address(), "--state.file="+state, "--state.interval=100ms")

	files := []string{"state", "state.exposed"}
	said := func(what string, times int) func() bool {
		return func() bool {
			for _, file := range files {
				if len(e.logged(what, strconv.Quote(filepath.Join(disk, file)))) != times {
					return false
				}
			}
			return true
		}
	}
	requireRightPages(t, e)
	await(t, said(cannotSave, 1), "the full disk is noticed")
	require.NotEmpty(t, e.logged(cannotSave, "no space left on device"))
	requireRightPages(t, e)
	require.True(t, said(cannotSave, 1)(), "once is enough")
	require.Equal(t, []string{"others"}, entries(t, disk))

	require.NoError(t, os.Remove(filepath.Join(disk, "others")))
	requireRightPages(t, e)
	await(t, said(canSave, 1), "there is room again")
	require.Equal(t, files, entries(t, disk))
	before := read(t, state)

	require.NoError(t, syscall.Mount("", disk, "", readOnly, ""))
	requireRightPages(t, e)
	await(t, said(cannotSave, 2), "the disk can only be read")
	requireRightPages(t, e)
	require.True(t, said(cannotSave, 2)(), "once is enough")
	require.Equal(t, before, read(t, state), "what was saved last is still whole")

	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""))
	requireRightPages(t, e)
	await(t, said(canSave, 2), "the disk can be written to again")
}

// What the log says of state files.
const (
	cannotSave = "The state cannot be saved"
	canSave    = "The state can be saved again"
)

// mountSmallDisk mounts a file system with room for some pages of memory.
func mountSmallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	return disk
}

// fill writes a file until there is no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	const more = 1 << 20
	require.ErrorIs(t, os.WriteFile(path, bytes.Repeat([]byte{'x'}, more), 0o600), syscall.ENOSPC)
}

// requireRightPages scrapes for as long as the state is saved some times.
func requireRightPages(t *testing.T, e *exporter) {
	t.Helper()
	const enough = 10
	scrapes := 0
	await(t, func() bool {
		p := requirePresent(t, e)
		require.InDelta(t, 1, p.value(t, "strongswan_child_up", "connection", "gw", "child", "net"), 0)
		scrapes++
		return scrapes == enough
	}, "%d scrapes", enough)
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range all {
		names = append(names, entry.Name())
	}
	return names
}
