// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// segment puts the length before a packet.
func segment(packet ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...)
}

// event is an event packet with that body.
func event(name string, body ...byte) []byte {
	const kind = 7
	return segment(slices.Concat([]byte{kind, byte(len(name))}, []byte(name), body)...)
}

const (
	connected   = "strongswan_event_stream_connected"
	connects    = "strongswan_event_stream_connects_total"
	established = `strongswan_ike_sas_established_total{connection="gw"}`
)

// newSubscribed returns an exporter that has subscribed to the events of a daemon with one tunnel up.
func newSubscribed(t *testing.T) (*vicitest.Daemon, *exporter) {
	t.Helper()
	d := newGateway(t, vicitest.Config{})
	e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
	synctest.Wait()
	s := e.scrape()
	requireRight(t, s)
	require.EqualValues(t, 1, s[connected])
	return d, e
}

// requireCounting insists that events are counted, from where they were.
func requireCounting(t *testing.T, d *vicitest.Daemon, e *exporter) {
	t.Helper()
	before := e.scrape()[established]
	_, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)
	synctest.Wait()
	s := e.scrape()
	requireRight(t, s)
	require.Equal(t, before+1, s[established])
}

// TestUnreadableEvents: an event of which no more than its name can be read is counted as such, and costs nothing else.
func TestUnreadableEvents(t *testing.T) {
	nested := slices.Concat(slices.Repeat([]byte("\x01\x01s"), 1000), slices.Repeat([]byte{2}, 1000))
	for name, body := range map[string][]byte{
		"empty": nil, "no element": {99}, "half a key": []byte("\x03\x05up"), "a value beyond the end": []byte("\x03\x02up\xff\xffyes"),
		"a section without an end": []byte("\x01\x02gw"), "an end without a section": {2}, "1,000 sections deep": nested,
		"random": []byte(strings.Repeat("\xa5\x00\x17", 333)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, e := newSubscribed(t)
				for _, name := range []string{"ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update"} {
					d.BroadcastRaw(name, event(name, body...))
				}
				synctest.Wait()
				s := e.scrape()
				for _, name := range []string{"ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update"} {
					require.EqualValues(t, 1, s[`strongswan_vici_values_rejected_total{field="`+name+`"}`], name)
					require.EqualValues(t, 1, s[`strongswan_events_received_total{event="`+name+`"}`], name)
				}
				requireCounting(t, d, e)
				require.EqualValues(t, 1, e.scrape()[connects], "the subscription stays")
			})
		})
	}
}

// TestBrokenEventStream: what is no event ends the subscription, which is made anew; no memory is spent on what is announced.
func TestBrokenEventStream(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"4 GiB announced":    {255, 255, 255, 255},
		"above the bound":    {0, 8, 0, 1},
		"unknown kind":       segment(99),
		"half a name":        segment(7, 200, 'x'),
		"nothing":            segment(),
		"an answer":          segment(1),
		"a foreign event":    event("no-such-event"),
		"an unknown command": segment(2),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, e := newSubscribed(t)
				for range 5 {
					d.BroadcastRaw("ike-updown", bytes)
					pass(10 * time.Second)
				}
				require.EqualValues(t, 1, e.scrape()[connected])
				requireCounting(t, d, e)
				require.LessOrEqual(t, d.Observe().Connections, 3)
			})
		})
	}
}

// TestEventFlood: however many events there are, they are read and counted, and scrapes are answered between them.
func TestEventFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, e := newSubscribed(t)
		const floods, each = 20, 5000
		random := rand.New(rand.NewPCG(1, 2))
		id := d.IKESAs()[0].UniqueID
		for range floods {
			for range each {
				require.NoError(t, d.Move(id, vicitest.Endpoint{}, vicitest.Endpoint{Port: uint16(1 + random.IntN(1<<15))}))
			}
			requireRight(t, e.scrape())
		}
		synctest.Wait()
		s := e.scrape()
		require.EqualValues(t, floods*each, s[`strongswan_ike_sas_moved_total{connection="gw"}`])
		require.EqualValues(t, floods*each, s[`strongswan_events_received_total{event="ike-update"}`])
		require.Zero(t, d.Observe().Queued, "nothing waits in the daemon")
	})
}
