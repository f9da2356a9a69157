// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// replayed returns a function that runs a round of some sources against what a load answered. What it returns is valid until it
// is called again.
func replayed(tb testing.TB, c load, change func(*Config), sources ...string) (gather func() []*dto.MetricFamily) {
	tb.Helper()
	daemon := newLoad(c)
	defer daemon.Close()
	recording := newTape(daemon)
	config := Config{Dialer: &vici.Dialer{DialContext: recording.Dial}, Timeout: time.Minute}
	change(&config)
	collector, err := New(config)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, collector.Close()) })
	done := func() {}
	gather = func() (families []*dto.MetricFamily) {
		done()
		families, done, err = collector.Gather(tb.Context(), sources...)
		require.NoError(tb, err)
		return families
	}
	gather()
	collector.gateway.client.drop() // so that the next round connects to the recording
	recording.replay = true
	found := newSamples(tb, gather())
	require.Empty(tb, found.failed())
	require.Equal(tb, "1", found.value("up"))
	return gather
}

func asConfigured(*Config) {}

// A stage is a part of a round that has a budget.
type stage struct {
	name    string
	load    load
	change  func(*Config)
	sources []string
	of      string  // what the budget is for each of: SA or series
	allocs  float64 // budget for each
	bytes   float64 // likewise
}

// Where there are many SAs in few connections, a round is the sweep; where there is a connection for each, it is building the
// page. All that an SA or a series needs is there from the round before, but for strings that differ from SA to SA.
var stages = [...]stage{
	{"sweep", load{20_000, 50}, asConfigured, []string{"sas"}, "SA", 0.15, 150},
	{"connections", load{2_000, 2_000}, asConfigured, []string{"sas", "connections", "events"}, "series", 0.15, 100},
	{"peers", load{10_000, 50}, only("peers"), []string{"peers"}, "series", 0.3, 100},
}

// size returns how many of what the budget is for there are.
func (s *stage) size(families []*dto.MetricFamily) float64 {
	if s.of == "SA" {
		return float64(s.load.sas)
	}
	n := 0
	for _, f := range families {
		n += len(f.Metric)
	}
	return float64(n)
}

// TestStageBudgets holds what a round may allocate. The benchmark of the same stages tells the time.
func TestStageBudgets(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			s.load.sas /= 4 // what is allocated for each hardly depends on how many there are
			s.load.connections = min(s.load.connections, s.load.sas)
			gather := replayed(t, s.load, s.change, s.sources...)
			n := s.size(gather())
			allocs, size := allocated(func() { gather() })
			t.Logf("%.2f allocations of %.0f bytes for each of %.0f %s", allocs/n, size/n, n, s.of)
			require.LessOrEqual(t, allocs/n, s.allocs, "allocations for each %s", s.of)
			require.LessOrEqual(t, size/n, s.bytes, "bytes for each %s", s.of)
		})
	}
}

// allocated returns what f allocates, in the mean of some runs.
func allocated(f func()) (allocs, size float64) {
	const runs = 3
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // so that no pool is emptied in between
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs, float64(after.TotalAlloc-before.TotalAlloc) / runs
}

func BenchmarkStages(b *testing.B) {
	for _, s := range stages {
		b.Run(s.name, func(b *testing.B) {
			gather := replayed(b, s.load, s.change, s.sources...)
			n := s.size(gather())
			b.ReportAllocs()
			for b.Loop() {
				gather()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/"+s.of)
		})
	}
}
