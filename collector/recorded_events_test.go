// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// eventFiles are the recorded kinds of events, in an order in which an SA's can follow each other.
var eventFiles = []string{
	"ike-update", "ike-updown-up", "child-updown-up", "child-rekey", "ike-rekey", "child-updown-down", "ike-updown-down",
}

// recordedEvents reads the events of one file.
func recordedEvents(t *testing.T, version, file string) []vici.Event {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "vici", "testdata", "captures", version, "events", file+".bin"))
	require.NoError(t, err)
	var events []vici.Event
	for packets := vici.NewPacketReader(bytes.NewReader(data), 0); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		require.NoError(t, err)
		require.Equal(t, vici.EventPacket, p.Type)
		events = append(events, vici.Event{Name: string(p.Name), Body: bytes.Clone(p.Body)})
	}
}

// A recordedIKE is an IKE_SA as strongSwan's own client decoded it from an event.
type recordedIKE struct {
	UniqueID     string `json:"uniqueid"`
	InitiatorSPI string `json:"initiator-spi"`
	Version      string
	State        string
	Old          struct {
		UniqueID     string `json:"uniqueid"`
		InitiatorSPI string `json:"initiator-spi"`
	}
	Children map[string]struct {
		Name string
		Old  struct {
			UniqueID string `json:"uniqueid"`
			SPI      string `json:"spi-in"`
		}
	} `json:"child-sas"`
}

// decodedEvents calls f for the IKE_SA of each event in one file.
func decodedEvents(t *testing.T, version, file string, f func(name string, ike recordedIKE)) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "vici", "testdata", "captures", version, "events", file+".json"))
	require.NoError(t, err)
	var events []struct{ Message map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal(data, &events))
	for _, e := range events {
		for name, body := range e.Message {
			var ike recordedIKE
			if json.Unmarshal(body, &ike) == nil {
				f(name, ike)
			}
		}
	}
}

// An expectedCount counts what the recordings of a version hold, from the decoded files: apart from all code that is to be tested.
type expectedCount struct {
	ike   map[string]*[5]uint64
	child map[series]*[3]uint64
	seen  map[string]bool
}

func expectedEvents(t *testing.T, version string) *expectedCount {
	t.Helper()
	e := &expectedCount{make(map[string]*[5]uint64), make(map[series]*[3]uint64), make(map[string]bool)}
	for _, file := range eventFiles {
		decodedEvents(t, version, file, func(name string, sa recordedIKE) {
			if name != vici.Unnamed {
				e.countIKE(file, name, sa)
				e.countChildren(file, name, sa)
			}
		})
	}
	return e
}

func (e *expectedCount) first(what ...string) bool {
	key := strings.Join(what, " ")
	defer func() { e.seen[key] = true }()
	return !e.seen[key]
}

func (e *expectedCount) countIKE(file, name string, sa recordedIKE) {
	c := e.ike[name]
	if c == nil { // also for what counts nothing itself
		c = new([5]uint64)
		e.ike[name] = c
	}
	switch {
	case file == "ike-updown-up":
		c[0]++
	case file == "ike-updown-down" && sa.State != "CONNECTING":
		c[1]++
	case file == "ike-updown-down":
		c[2]++
	case file == "ike-rekey" && e.first("ike", sa.Old.UniqueID, sa.Old.InitiatorSPI):
		c[3]++
	case file == "ike-update" && sa.State == "ESTABLISHED":
		c[4]++
	}
}

func (e *expectedCount) countChildren(file, name string, sa recordedIKE) {
	for key, child := range sa.Children {
		if file == "child-rekey" {
			child.Name = key
		}
		s := series{name, child.Name}
		if e.child[s] == nil {
			e.child[s] = new([3]uint64)
		}
		switch {
		case file == "child-updown-up":
			e.child[s][0]++
		case file == "child-updown-down":
			e.child[s][1]++
		case file == "child-rekey" && e.first("child", child.Old.UniqueID, child.Old.SPI):
			e.child[s][2]++
		}
	}
}

// newTestTracker returns a tracker in a time of its own.
func newTestTracker(now *time.Time, include func(string) bool) *tracker {
	n := newNames(include)
	return newTracker(n, newSATable(n, *now), newSchedule(LooksConfig{}), func() time.Time { return *now })
}

func (e *connectionEvents) counts() [5]uint64 {
	return [5]uint64{e.established, e.terminated, e.failed, e.rekeyed, e.moved}
}

func (e *childEvents) counts() [3]uint64 { return [3]uint64{e.established, e.terminated, e.rekeyed} }

// What real daemons reported is counted as it stands in the recordings. A rekeying that is reported twice counts once.
func TestRecordedEvents(t *testing.T) {
	for _, version := range recordings {
		t.Run(version, func(t *testing.T) {
			now := noon
			tracker := newTestTracker(&now, anything)
			tracker.reject = func(event string) { require.Fail(t, "an event that cannot be read", event) }
			received := make(map[string]uint64)
			for _, file := range eventFiles {
				for _, e := range recordedEvents(t, version, file) {
					now = now.Add(2 * collisionTime) // these are no collisions
					times := map[string]int{"child-rekey": 2, "ike-rekey": 2}[file]
					for range max(1, times) {
						tracker.take(e)
						received[e.Name]++
					}
				}
			}
			require.Equal(t, received, tracker.received)
			requireCounts(t, expectedEvents(t, version), tracker)
		})
	}
}

func requireCounts(t *testing.T, want *expectedCount, tracker *tracker) {
	t.Helper()
	require.Len(t, tracker.connections, len(want.ike))
	for name, counts := range want.ike {
		require.Equal(t, *counts, tracker.connections[name].counts(), name)
	}
	require.Len(t, tracker.children, len(want.child))
	for s, counts := range want.child {
		require.Equal(t, *counts, tracker.children[s].counts(), "%v", s)
	}
}

func anything(string) bool { return true }

// Connections that the user excluded give no series; neither do SAs that have no configuration yet.
func TestExcludedEvents(t *testing.T) {
	for _, version := range recordings {
		now := noon
		tracker := newTestTracker(&now, func(name string) bool { return name == "gw-gw" })
		for _, file := range eventFiles {
			for _, e := range recordedEvents(t, version, file) {
				tracker.take(e)
			}
		}
		require.Len(t, tracker.connections, 1)
		require.Contains(t, tracker.connections, "gw-gw")
		for s := range tracker.children {
			require.Equal(t, "gw-gw", s.connection)
		}
		for s := range tracker.table.ledger.totals.bySeries {
			require.Equal(t, "gw-gw", s.connection)
		}
	}
}
