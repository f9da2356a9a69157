// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// Daemons on Windows count their allocations themselves, heap by heap.
func TestHeap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{NoMallinfo: true})
		heap := new(vici.Message).Add("total", "1000").Add("allocs", "10")
		d.Fault("stats", instead(vicitest.Answer(new(vici.Message).
			AddSection("mem", new(vici.Message).Add("total", "123456").Add("allocs", "789").AddSection("heap-1", heap)))))
		s := newTestbed(t, d, only("daemon")).scrape()
		require.Equal(t, "123456", s.value("heap_bytes"))
		require.Equal(t, "789", s.value("heap_allocations"))
		require.Empty(t, s.of("malloc_used_bytes"))
	})
}
