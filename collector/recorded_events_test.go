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

// expectedEvents counts what the recordings of a version hold, from the decoded files: apart from all code that is to be tested.
func expectedEvents(t *testing.T, version string) (ike map[string][5]uint64, child map[series][3]uint64) {
	t.Helper()
	ike, child = make(map[string][5]uint64), make(map[series][3]uint64)
	was := make(map[string]bool)
	first := func(what string) bool {
		defer func() { was[what] = true }()
		return !was[what]
	}
	countIKE := func(name string, counter int) {
		c := ike[name]
		c[counter]++
		ike[name] = c
	}
	countChild := func(connection string, name string, counter int) {
		s := series{connection, name}
		c := child[s]
		c[counter]++
		child[s] = c
		ike[connection] = ike[connection] // an event of a child is one of its connection
	}
	for _, file := range eventFiles {
		decodedEvents(t, version, file, func(name string, sa recordedIKE) {
			if name == vici.Unnamed {
				return
			}
			switch file {
			case "ike-update":
				ike[name] = ike[name]
				if sa.State == "ESTABLISHED" {
					countIKE(name, 4)
				}
			case "ike-updown-up":
				countIKE(name, 0)
			case "ike-updown-down":
				countIKE(name, map[bool]int{true: 2, false: 1}[sa.State == "CONNECTING"])
			case "ike-rekey":
				if first("ike " + sa.Old.UniqueID + sa.Old.InitiatorSPI) {
					countIKE(name, 3)
				}
			}
			for key, c := range sa.Children {
				switch file {
				case "child-updown-up":
					countChild(name, c.Name, 0)
				case "child-updown-down":
					countChild(name, c.Name, 1)
				case "child-rekey":
					if first("child " + c.Old.UniqueID + c.Old.SPI) {
						countChild(name, key, 2)
					}
				}
			}
		})
	}
	return ike, child
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

// What real daemons reported is counted as it stands in the recordings.
func TestRecordedEvents(t *testing.T) {
	for _, version := range recordings {
		t.Run(version, func(t *testing.T) {
			now := noon
			tracker := newTestTracker(&now, anything)
			tracker.reject = func(event string) { require.Fail(t, "it cannot be read", event) }
			total := 0
			for _, file := range eventFiles {
				for _, e := range recordedEvents(t, version, file) {
					now = now.Add(time.Minute) // these are no collisions
					times := 1
					if file == "child-rekey" || file == "ike-rekey" {
						times = 2 // one that is reported twice counts once
					}
					for range times {
						tracker.take(e)
						total++
					}
				}
			}
			ike, child := expectedEvents(t, version)
			require.Len(t, tracker.connections, len(ike))
			for name, want := range ike {
				require.Equal(t, want, tracker.connections[name].counts(), name)
			}
			require.Len(t, tracker.children, len(child))
			for s, want := range child {
				require.Equal(t, want, tracker.children[s].counts(), "%v", s)
			}
			received := 0
			for _, n := range tracker.received {
				received += int(n)
			}
			require.Equal(t, total, received)
		})
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
