// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Resources are what a process has of the machine.
type resources struct {
	goroutines, descriptors int
	heap, resident          float64 // bytes; the heap as it is after a garbage collection
}

const mebibyte = 1 << 20

// String writes them down.
func (r resources) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, a heap of %.1f MiB, %.1f MiB resident",
		r.goroutines, r.descriptors, r.heap/mebibyte, r.resident/mebibyte)
}

// restingResources returns what an exporter has while nobody but this function asks it for anything. It
// scrapes often enough for some garbage collections: the least heap of these scrapes is what was in use after one.
func restingResources(t *testing.T, e *exporter) resources {
	t.Helper()
	const scrapes = 100
	e.client.CloseIdleConnections()
	r := resources{goroutines: math.MaxInt, descriptors: math.MaxInt, heap: math.Inf(1)}
	for range scrapes {
		p := e.scrape(t)
		r.goroutines = min(r.goroutines, int(p.value(t, "go_goroutines")))
		r.heap = min(r.heap, p.value(t, "go_memstats_heap_alloc_bytes"))
		r.descriptors = min(r.descriptors, descriptors(t, e.cmd.Process.Pid))
	}
	r.resident = residentBytes(t, e.cmd.Process.Pid)
	return r
}

// requireNoMoreThan insists on as many descriptors as at the beginning, and on as many goroutines but for those that
// gather the metrics themselves: one that was left at each fault would be more. Of memory there may be more,
// too: what is remembered of SAs that were rekeyed or closed lately, and what the runtime has not given back yet.
func (r resources) requireNoMoreThan(t *testing.T, before resources) {
	t.Helper()
	const moreGoroutines, moreHeap, moreResident = 4, 24 * mebibyte, 64 * mebibyte
	require.LessOrEqual(t, r.goroutines, before.goroutines+moreGoroutines)
	require.LessOrEqual(t, r.descriptors, before.descriptors)
	require.LessOrEqual(t, r.heap, before.heap+moreHeap)
	require.LessOrEqual(t, r.resident, before.resident+moreResident)
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	require.NoError(t, err)
	return len(open)
}

func residentBytes(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmRSS:")
	require.True(t, found)
	number, _, found := strings.Cut(strings.TrimSpace(after), " kB")
	require.True(t, found)
	kibibytes, err := strconv.ParseFloat(number, 64)
	require.NoError(t, err)
	return 1024 * kibibytes
}
