// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// recordedEvent returns the first recorded event of a kind.
func recordedEvent(tb testing.TB, path string) vici.Event {
	tb.Helper()
	c := loadCapture(tb, filepath.Join("testdata", "captures", "6.0.6", filepath.FromSlash(path)))
	for _, p := range c.packets {
		if p.Type == vici.EventPacket {
			return vici.Event{Name: string(p.Name), Body: p.Body}
		}
	}
	require.Fail(tb, "no event was recorded", path)
	return vici.Event{}
}

// TestAllocationBudgets holds what the documentation promises about memory: events that say again what was said lately need none.
// Time is not judged, since machines are busy; the benchmarks show it.
func TestAllocationBudgets(t *testing.T) {
	var events vici.EventDecoder
	listSA := oneChild(t)
	for name, c := range map[string]struct {
		budget float64
		run    func() error
	}{
		"Decoder": {0, func() error {
			d := vici.NewDecoder(listSA)
			for d.Next() {
			}
			return d.Err()
		}},
		"list-sa with one child": {0, decoding(&events, vici.Event{Name: "list-sa", Body: listSA})},
		"ParseMessage":           {5, func() error { return second(vici.ParseMessage(listSA)) }},
		"child-updown":           {0, decoding(&events, recordedEvent(t, "events/child-updown-up"))},
		"child-rekey":            {2, decoding(&events, recordedEvent(t, "events/child-rekey"))},
		"ike-updown":             {0, decoding(&events, recordedEvent(t, "events/ike-updown-up"))},
		"ike-rekey":              {0, decoding(&events, recordedEvent(t, "events/ike-rekey"))},
		"log":                    {0, decoding(&events, recordedEvent(t, "events/log"))},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			allocs := testing.AllocsPerRun(100, func() {
				if e := c.run(); e != nil {
					err = e
				}
			})
			require.NoError(t, err)
			require.LessOrEqual(t, allocs, c.budget)
		})
	}
}

// TestEventDecodeMemory holds that an event that is decoded for itself takes memory for what it says, and none for events to
// come.
func TestEventDecodeMemory(t *testing.T) {
	const rounds = 200
	for kind, budget := range map[string]uint64{"log": 700, "child-updown-up": 3000} {
		e := recordedEvent(t, "events/"+kind)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			_, err := e.Decode()
			require.NoError(t, err)
		}
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, (after.TotalAlloc-before.TotalAlloc)/rounds, budget, kind)
	}
}

func decoding(d *vici.EventDecoder, e vici.Event) func() error {
	return func() error { return second(d.Decode(e)) }
}

// BenchmarkEventDecoder decodes one event of each kind into reused memory. A child-updown is meant to take 3 µs at most;
// nothing but a reader of the figures holds that.
func BenchmarkEventDecoder(b *testing.B) {
	for _, kind := range []string{"child-updown-up", "child-rekey", "ike-updown-up", "ike-rekey", "ike-update", "alert", "log"} {
		e := recordedEvent(b, "events/"+kind)
		b.Run(kind, func(b *testing.B) {
			var d vici.EventDecoder
			b.SetBytes(int64(len(e.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConn decodes a connection as ListConns does.
func BenchmarkConn(b *testing.B) {
	e := recordedEvent(b, "commands/list-conns")
	b.SetBytes(int64(len(e.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Decode(); err != nil {
			b.Fatal(err)
		}
	}
}
