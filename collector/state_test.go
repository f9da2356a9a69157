// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// liveTracker returns a tracker that has seen all kinds of things.
func liveTracker(t *testing.T, now *time.Time) *tracker {
	t.Helper()
	tracker := newTestTracker(now, anything)
	tracker.table.peers = newPeerBook(10)
	*now = now.Add(time.Minute)
	for _, version := range recordings {
		for _, file := range eventFiles {
			for _, e := range recordedEvents(t, version, file) {
				tracker.take(e)
			}
		}
	}
	tracker.ikeUpDown(&vici.IKEUpDown{Up: true, IKE: vici.IKESA{
		Name: "gw", Version: "2", State: vici.StateEstablished, UniqueID: vici.Some(uint32(1000)), InitiatorSPI: vici.Some(vici.IKESPI(1)),
	}})
	tracker.alert(&vici.Alert{Type: "peer-auth-failed"})
	tracker.table.evicted = 3
	return tracker
}

// page returns what a tracker exposes.
func (t *tracker) page() []*dto.MetricFamily {
	out := NewPage()
	t.emit(out)
	t.table.emitTraffic(out, t.now(), t.counting)
	return out.Families()
}

func encode(t testing.TB, s *state) []byte {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	return data
}

// A process that restores a state exposes what the one exposed that saved it, except for histograms and for what it says of
// its own subscription, and saves the same again.
func TestStateRoundTrip(t *testing.T) {
	now := noon
	before := liveTracker(t, &now)
	require.NotEmpty(t, before.table.ledger.entries)
	saved := before.snapshot("unix:///run/charon.vici", now)
	s, err := parseState(encode(t, saved), "unix:///run/charon.vici")
	require.NoError(t, err)

	now = now.Add(time.Minute)
	after := newTestTracker(&now, anything)
	after.restore(s, now)
	own := []string{"strongswan_event_stream_connects_total"}
	require.Equal(t, text(t, without(before.page(), own...)), text(t, without(after.page(), own...)))
	require.Len(t, after.table.ledger.entries, len(before.table.ledger.entries))
	for _, name := range []string{
		"child_received_bytes_total", "ike_sas_established_total", "events_received_total", "traffic_totals_evicted_total",
	} {
		require.Equal(t, created(before.page(), name), created(after.page(), name), name)
	}

	again := after.snapshot("unix:///run/charon.vici", saved.Saved)
	require.ElementsMatch(t, s.Marks, again.Marks)
	require.ElementsMatch(t, s.Totals, again.Totals)
	require.ElementsMatch(t, s.Sessions, again.Sessions)
	require.NotEmpty(t, s.Sessions)
}

func without(families []*dto.MetricFamily, names ...string) []*dto.MetricFamily {
	var left []*dto.MetricFamily
	for _, f := range families {
		if !slices.Contains(names, f.GetName()) {
			left = append(left, f)
		}
	}
	return left
}

// An SA that was counted in part when the state was saved counts the rest, one that came since counts from its first byte, and one
// that was never counted counts from now on.
func TestTrafficOverRestart(t *testing.T) {
	now := noon
	before := newTestTracker(&now, anything)
	now = now.Add(time.Minute)
	ike := &vici.IKESA{Name: "gw", Version: "2", UniqueID: vici.Some(uint32(1))}
	sa := func(id uint32, age time.Duration, bytes uint64) *vici.ChildSA {
		return &vici.ChildSA{
			Name: "net", UniqueID: vici.Some(id), SPIIn: vici.Some(vici.SPI(id)), State: vici.StateInstalled,
			InstallTime: vici.Some(age), BytesIn: vici.Some(bytes),
		}
	}
	before.observe(ike, sa(1, 10*time.Second, 1000), false)
	s, err := parseState(encode(t, before.snapshot("", now)), "")
	require.NoError(t, err)

	for name, test := range map[string]struct {
		clock time.Duration // by which it was set meanwhile
		want  uint64
	}{
		"usual":            {0, 1000 + 500 + 70},
		"clock set ahead":  {time.Hour, 1000 + 500 + 70 + 9},
		"clock set behind": {-time.Hour, 1000 + 500},
	} {
		t.Run(name, func(t *testing.T) {
			later := now.Add(time.Minute + test.clock)
			after := newTestTracker(&later, anything)
			after.restore(s, later)
			after.observe(ike, sa(1, 70*time.Second, 1500), false)
			after.observe(ike, sa(2, 30*time.Second, 70), false)
			after.observe(ike, sa(3, 90*time.Second, 9), false)
			require.Equal(t, test.want, after.table.ledger.total("net")[receivedBytes])
		})
	}
}

// A state that was saved before more was exposed continues no lower than that, and counts nothing twice. What was forgotten meanwhile
// and began anew is what it is since then.
func TestRaise(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	someLengths := &savedLengths{Count: 1}
	saved := &state{
		Began: at(0),
		Totals: []savedTotal{
			{Connection: "gw", Member: "net", Sum: traffic{100, 100}, Created: at(1)},
			{Connection: "gw", Member: "old", Sum: traffic{7}},
			{Connection: "gw", Member: "renewed", Sum: traffic{7}, Created: at(9)},
		},
		Connections: []savedConnection{
			{"gw", [5]uint64{5, 4, 3, 2, 1}, nil, at(1)}, {"renewed", [5]uint64{1}, nil, at(9)}, {"old", [5]uint64{77}, someLengths, at(1)},
		},
		Children: []savedChild{
			{"gw", "net", [3]uint64{1, 2, 3}, at(1)}, {"gw", "renewed", [3]uint64{1}, at(9)}, {"gw", "old", [3]uint64{77}, at(1)},
		},
		Alerts:   []savedAlert{{"a", "", 1}},
		Received: map[string]uint64{"alert": 2, "ike-updown": 1}, Evicted: 1,
	}
	saved.raise(&state{
		Began: at(0),
		Totals: []savedTotal{
			{Connection: "gw", Member: "net", Sum: traffic{150, 50}, Created: at(1)},
			{Connection: "gw", Member: "new", Sum: traffic{30}, Created: at(2)},
			{Connection: "gw", Member: "old", Sum: traffic{5}, Created: at(3)},
			{Connection: "gw", Member: "renewed", Sum: traffic{9999}, Created: at(3)},
		},
		Connections: []savedConnection{
			{"old", [5]uint64{3}, nil, at(3)},
			{"gw", [5]uint64{6, 1, 1, 1, 1}, nil, at(1)},
			{"renewed", [5]uint64{77}, nil, at(1)},
			{"new", [5]uint64{1}, nil, at(2)},
		},
		Children: []savedChild{
			{"gw", "net", [3]uint64{0, 0, 4}, at(1)},
			{"gw", "renewed", [3]uint64{77}, at(1)},
			{"gw", "new", [3]uint64{1}, at(2)},
			{"gw", "old", [3]uint64{3}, at(3)},
		},
		Alerts:   []savedAlert{{"a", "", 2}, {"b", "", 1}},
		Received: map[string]uint64{"alert": 1, "ike-updown": 5, "ike-rekey": 1}, Evicted: 2,
	})
	require.Equal(t, &state{
		Began: at(0),
		Totals: []savedTotal{
			{Connection: "gw", Member: "net", Sum: traffic{100, 100}, Created: at(1), floor: traffic{150, 50}},
			{Connection: "gw", Member: "old", Created: at(3), floor: traffic{5}},
			{Connection: "gw", Member: "renewed", Sum: traffic{7}, Created: at(9)},
			{Connection: "gw", Member: "new", Created: at(2), floor: traffic{30}},
		},
		Connections: []savedConnection{
			{"gw", [5]uint64{6, 4, 3, 2, 1}, nil, at(1)},
			{"renewed", [5]uint64{1}, nil, at(9)},
			{"old", [5]uint64{3}, nil, at(3)},
			{"new", [5]uint64{1}, nil, at(2)},
		},
		Children: []savedChild{
			{"gw", "net", [3]uint64{1, 2, 4}, at(1)},
			{"gw", "renewed", [3]uint64{1}, at(9)},
			{"gw", "old", [3]uint64{3}, at(3)},
			{"gw", "new", [3]uint64{1}, at(2)},
		},
		Alerts:   []savedAlert{{"a", "", 2}, {"b", "", 1}},
		Received: map[string]uint64{"alert": 2, "ike-updown": 5, "ike-rekey": 1}, Evicted: 2,
	}, saved)

	other := &state{Began: at(5), Evicted: 1}
	other.raise(&state{Began: at(0), Evicted: 9, Received: map[string]uint64{"alert": 9}, Alerts: []savedAlert{{"a", "", 9}}})
	require.Equal(t, &state{Began: at(5), Evicted: 1}, other, "those counted since another moment")
}

// damaged are states that must not be restored, and why.
func damaged() map[string]string {
	const head = `{"format":"strongswan_exporter state","version":1,"address":"here",` +
		`"saved":"2026-11-22T12:00:00Z","began":"2026-11-22T12:00:00Z"`
	long := strings.Repeat("x", 300)
	return map[string]string{
		"":                   "damaged",
		"x":                  "damaged",
		head:                 "damaged",
		`{}`:                 "not a state",
		`[]`:                 "damaged",
		`{"format":"other"}`: "not a state",
		head[:len(head)-26] + `:"2026-11-22T12:00:00Z","format":7}`:                     "damaged",
		strings.Replace(head, `"version":1`, `"version":2`, 1) + `}`:                    "version 2",
		strings.Replace(head, "here", "there", 1) + `}`:                                 "another daemon, at there",
		strings.Replace(head, `"saved":"2026-11-22T12:00:00Z",`, "", 1) + `}`:           "does not say when",
		strings.Replace(head, `"began":"2026-11-22T12:00:00Z"`, `"evicted":0`, 1) + `}`: "does not say when",
		strings.Replace(head, `"saved"`, `"sawed"`, 1) + `}`:                            "sawed",
		strings.Replace(head, `"version":1`, `"version":2,"new":[]`, 1) + `}`:           "version 2",
		head + `,"totals":{}}`:             "damaged",
		head + `,"received":[]}`:           "damaged",
		head + `,"received":{"alert":-1}}`: "damaged",
		head + `,"totals":[`:               "damaged",
		head + `}{}`:                       "more than a state",
		`null`:                             "not a state",
		head + `,"saved":"yesterday"}`:     "damaged",
		head + `,"marks":[{"id":1,"total":0,"peer":-1}]}`:                                                        "CHILD_SA 1",
		head + `,"marks":[{"id":1,"total":-1,"peer":-1}]}`:                                                       "CHILD_SA 1",
		head + `,"totals":[{"member":"x"}],"marks":[{"id":1,"total":0,"peer":0}]}`:                               "CHILD_SA 1",
		head + `,"totals":[{"member":"x"}],"marks":[{"id":1,"total":0,"peer":-2}]}`:                              "CHILD_SA 1",
		head + `,"totals":[{"member":"x"}],"marks":[{"id":1,"total":0,"peer":-1},{"id":1,"total":0,"peer":-1}]}`: "twice",
		head + `,"totals":[{"sum":[-1,0,0,0]}]}`:                                                                 "damaged",
		head + `,"totals":[{"sum":[1e30,0,0,0]}]}`:                                                               "damaged",
		head + `,"totals":[{"member":"x"},{"member":"x"}]}`:                                                      "twice",
		head + `,"peers":[{"member":"x"},{"member":"x"}]}`:                                                       "twice",
		head + `,"connections":[{"connection":"x"},{"connection":"x"}]}`:                                         "twice",
		head + `,"children":[{"child":"x"},{"child":"x"}]}`:                                                      "twice",
		head + `,"alerts":[{"alert":"x"},{"alert":"x"}]}`:                                                        "twice",
		head + fmt.Sprintf(`,"alerts":[{"alert":%q}]}`, long):                                                    "no label",
		head + `,"connections":[{"connection":"x","lengths":{"count":1}}]}`:                                      "lengths of sessions",
		head + lengths(`"count":2,"native":{"3":1}`):                                                             "lengths of sessions",
		head + lengths(`"count":1,"native":{"2000000000":1}`):                                                    "lengths of sessions",
		head + lengths(`"count":1,"zero":1,"sum":-1`):                                                            "lengths of sessions",
		head + lengths(`"count":1,"zero":1,"schema":9`):                                                          "lengths of sessions",
		head + `,"evicted":-1}`:                                                                                  "negative",
	}
}

// lengths is what follows the head of a state in which a connection has lengths of sessions.
func lengths(histogram string) string {
	return `,"connections":[{"connection":"x","lengths":{"classic":[0,0,0,0,0,0,0,0,0,0],` + histogram + `}}]}`
}

func TestParseDamagedState(t *testing.T) {
	for data, want := range damaged() {
		s, err := parseState([]byte(data), "here")
		require.ErrorContains(t, err, want, data)
		require.Nil(t, s)
	}
}

// Whatever stands in a state file: what can be restored of it gives a page that the official registry would give.
func FuzzParseState(f *testing.F) {
	now := noon
	tracker := newTestTracker(&now, anything)
	f.Add(encode(f, tracker.snapshot("here", now)))
	for data := range damaged() {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data, "here")
		if err != nil {
			require.Nil(t, s)
			return
		}
		now := noon
		s.raise(s)
		restored := newTestTracker(&now, anything)
		restored.restore(s, now)
		requirePedantic(t, restored.page())
		_, err = parseState(encode(t, restored.snapshot("here", now)), "here")
		require.NoError(t, err)
	})
}

// readState reads a file.
func readState(t *testing.T, path string) *state {
	t.Helper()
	s, err := (&stateFile{path: path}).read("")
	require.NoError(t, err)
	return s
}

func parseState(data []byte, address string) (*state, error) {
	return decodeState(bytes.NewReader(data), address)
}
