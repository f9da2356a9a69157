// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A disk that is full, or cannot be written to, costs the state that is on it, and one line in the log.
func TestNoRoomForState(t *testing.T) {
	const readOnly = syscall.MS_REMOUNT | syscall.MS_RDONLY
	d := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(d.Close)
	d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}}})
	ike, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)
	sa, err := d.IKESA(ike)
	require.NoError(t, err)
	packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
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
	require.NoError(t, d.Carry(sa.Children[0].UniqueID, packet, packet)) // so that there is something to save
	requireRightPages(t, e)
	await(t, said(cannotSave, 2), "the disk can only be read")
	requireRightPages(t, e)
	require.True(t, said(cannotSave, 2)(), "once is enough")
	require.Equal(t, before, read(t, state), "what was saved last is still whole")

	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""))
	requireRightPages(t, e)
	await(t, said(canSave, 2), "the disk can be written to again")
}

// What a disk could not take must not come back from it as it was before: a counter that falls a little counts as one that began anew. So
// the next process begins at zero, or has all, be there room by then or not.
func TestNoRoomAtRestart(t *testing.T) {
	for name, test := range map[string]struct {
		fail, mend func(t *testing.T, disk string)
	}{
		"still full": {fillAgain, func(*testing.T, string) {}},
		"full once": {fillAgain, func(t *testing.T, disk string) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(disk, "others")))
		}},
		"still read-only": {func(t *testing.T, disk string) {
			t.Helper()
			require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		}, func(*testing.T, string) {}},
	} {
		t.Run(name, func(t *testing.T) {
			d := vicitest.NewDaemon(vicitest.Config{})
			t.Cleanup(d.Close)
			d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}}})
			disk := mountSmallDisk(t)
			start := func() *exporter {
				e := startExporter(t, d.Address(), "--state.file="+filepath.Join(disk, "state"), "--state.interval=100ms")
				e.awaitEvents(t)
				return e
			}
			e := start()
			ike, err := d.Establish("gw", vicitest.Peer{})
			require.NoError(t, err)
			sa, err := d.IKESA(ike)
			require.NoError(t, err)
			received := func(e *exporter) float64 {
				return e.scrape(t).value(t, "strongswan_child_received_bytes_total", "connection", "gw", "child", "net")
			}
			carry := func() {
				require.NoError(t, d.Carry(sa.Children[0].UniqueID, vicitest.Traffic{Bytes: 1000, Packets: 1}, vicitest.Traffic{}))
			}
			carry()
			await(t, func() bool { return received(e) > 0 }, "the first packet is counted")
			e.end(t)
			e = start()
			before := received(e)
			require.Positive(t, before)

			test.fail(t, disk)
			shown := before
			await(t, func() bool {
				carry()
				shown = received(e)
				return shown > before && len(e.logged(cannotSave)) > 0
			}, "the disk is noticed")
			e.end(t)
			test.mend(t, disk)
			if after := received(start()); after > 0 {
				require.GreaterOrEqual(t, after, shown)
			}
		})
	}
}

// fillAgain fills a disk for as long as room is made.
func fillAgain(t *testing.T, disk string) {
	t.Helper()
	others, err := os.OpenFile(filepath.Join(disk, "others"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for page := bytes.Repeat([]byte{'x'}, os.Getpagesize()); ctx.Err() == nil; {
			if _, err := others.Write(page); err != nil {
				<-time.After(time.Millisecond)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		require.NoError(t, others.Close())
	})
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
