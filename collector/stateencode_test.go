// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// fullState has something in every field, and what is hard to write.
func fullState() *state {
	later := noon.Add(time.Second + 5*time.Nanosecond).In(time.FixedZone("", -5*3600))
	return &state{
		Format: stateFormat, Version: stateVersion, Address: "unix:///run/charon.vici", Saved: noon, Began: later, Boot: "2b1e",
		Daemon: &daemonRun{Since: "Jan 01 00:00:00 2026", Running: "2 days", Told: later},
		Totals: []savedTotal{
			{Connection: "gw", Member: "net", Sum: traffic{1, math.MaxUint64, 3, 4}, Created: noon},
			{Connection: "\"<a>&\\\u2028", Member: "ünï\x00\n\u007f", Created: later},
		},
		Peers: []savedTotal{{Connection: "gw", Member: "moon@example.org", Created: later}},
		Marks: []savedMark{{ID: math.MaxUint32, SPI: math.MaxUint32, Total: 1, Peer: -1, Mark: traffic{5, 6, 7, 8}}, {Peer: 0}},
		Sessions: []savedSession{
			{ID: 1, SPI: vici.IKESPI(math.MaxUint64), Start: later}, {ID: 2, Start: later}, {ID: 3, Start: noon},
		},
		Connections: []savedConnection{
			{Connection: "gw", Counts: [5]uint64{1, 2, 3, 4, 5}, Created: noon, Lengths: &savedLengths{
				Count: 3, Sum: 1e21 / 3, Classic: []uint64{1, 0, 2}, Schema: -4, Zero: 1, Native: map[int32]uint64{-7: 1, 30: 2, 4: 9},
			}},
			{Connection: "other", Created: noon},
		},
		Children: []savedChild{{Connection: "gw", Child: "net", Counts: [3]uint64{1, 2, 3}, Created: noon}},
		Alerts:   []savedAlert{{Alert: "auth-failed", Connection: "gw", Count: 9}},
		Received: map[string]uint64{"alert": 9, "child-rekey": 1},
		Evicted:  3,
	}
}

// What is written row by row is what encoding/json would write, whose reader reads it.
func TestEncodeState(t *testing.T) {
	for name, s := range map[string]*state{
		"full": fullState(), "empty": {}, "without rows": {Totals: []savedTotal{}, Peers: []savedTotal{}, Received: map[string]uint64{}},
	} {
		var written bytes.Buffer
		require.NoError(t, encodeState(&written, s))
		want, err := json.Marshal(s)
		require.NoError(t, err)
		require.JSONEq(t, string(want), written.String(), name)
	}
}

// A state of which something cannot be written is none.
func TestEncodeStateFails(t *testing.T) {
	s := fullState()
	s.Sessions[0].Start = time.Date(100_000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Error(t, encodeState(io.Discard, s))
	require.ErrorIs(t, encodeState(failingWriter{}, fullState()), errFull)
}

var errFull = errors.New("no space left")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

// BenchmarkEncodeState tells what writing a state costs, for each of ten thousand tunnels.
func BenchmarkEncodeState(b *testing.B) {
	const tunnels = 10_000
	s := new(state)
	for i := range tunnels {
		name, n := fmt.Sprint("branch-", i), uint64(i)
		s.Totals = append(s.Totals, savedTotal{Connection: name, Member: "lan", Sum: traffic{n << 20, n << 21, n, n}, Created: noon})
		s.Marks = append(s.Marks, savedMark{ID: uint32(i), SPI: vici.SPI(i << 16), Total: i, Peer: -1, Mark: traffic{n << 20, n << 21, n, n}})
		s.Sessions = append(s.Sessions, savedSession{ID: uint32(i), SPI: vici.IKESPI(i << 32), Start: noon.Add(time.Duration(i))})
		s.Connections = append(s.Connections, savedConnection{Connection: name, Created: noon})
		s.Children = append(s.Children, savedChild{Connection: name, Child: "lan", Created: noon})
	}
	for name, write := range map[string]func() error{
		"by rows":       func() error { return encodeState(io.Discard, s) },
		"encoding/json": func() error { return json.NewEncoder(io.Discard).Encode(s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, write())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tunnels, "ns/tunnel")
		})
	}
}
