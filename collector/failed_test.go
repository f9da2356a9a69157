// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An ended is a tracker that is told of the end of an IKE_SA, and that IKE_SA.
type ended struct {
	*tracker

	sa  vici.IKESA
	now *time.Time
}

// sweep lists the IKE_SA in a state, or does not list it, of a daemon that counts so many.
func (e *ended) sweep(state string, total uint64) {
	e.table.begin()
	if state != "" {
		e.sa.State = state
		e.table.observe(&e.sa, *e.now)
	}
	e.table.end(total, *e.now)
}

// An IKE_SA that ends has failed if it never was up. Its last state does not tell: with IKEv1 it is DELETING in any case. What
// tells is what was seen of it, or that it was never seen although all that were up are known.
func TestFailed(t *testing.T) {
	for name, test := range map[string]struct {
		before func(e *ended)
		state  string
		failed bool
	}{
		"seen connecting":             {func(e *ended) { e.sweep(vici.StateConnecting, 1) }, vici.StateDeleting, true},
		"seen being deleted at first": {func(e *ended) { e.sweep(vici.StateDeleting, 1) }, vici.StateDeleting, false},
		"seen being deleted later": {func(e *ended) {
			e.sweep("", 0)
			e.sweep(vici.StateDeleting, 1)
		}, vici.StateDeleting, true},
		"seen up": {func(e *ended) { e.sweep(vici.StateEstablished, 1) }, vici.StateConnecting, false},
		"came up, and is being deleted": {func(e *ended) {
			e.sweep(vici.StateEstablished, 1)
			e.sweep(vici.StateDeleting, 1)
		}, vici.StateDeleting, false},
		"told to be up": {func(e *ended) {
			e.sweep("", 0)
			e.sa.State = vici.StateEstablished
			e.ikeUpDown(&vici.IKEUpDown{Up: true, IKE: e.sa})
		}, vici.StateDeleting, false},
		"told to be rekeyed": {func(e *ended) {
			e.sweep("", 0)
			old := e.sa
			old.UniqueID = vici.Some(uint32(1000))
			e.ikeRekey(&vici.IKERekey{Old: old, New: e.sa})
		}, vici.StateDeleting, false},
		"not seen, while all are known":       {func(e *ended) { e.sweep("", 0) }, vici.StateDeleting, true},
		"not seen, while not all are known":   {func(e *ended) { e.sweep("", 1) }, vici.StateDeleting, false},
		"not seen, before any sweep":          {func(*ended) {}, vici.StateDeleting, false},
		"connecting, before any sweep":        {func(*ended) {}, vici.StateConnecting, true},
		"just created, before any sweep":      {func(*ended) {}, vici.StateCreated, true},
		"not seen since the events were lost": {func(e *ended) { e.sweep("", 0); e.connect(nil) }, vici.StateDeleting, false},
		"not seen by a sweep that began early": {func(e *ended) {
			e.table.begin()
			e.connect(nil)
			e.table.end(0, *e.now)
		}, vici.StateDeleting, false},
		"seen up, and missed by a sweep": {func(e *ended) {
			e.sweep(vici.StateEstablished, 1)
			e.sweep("", 0)
		}, vici.StateDeleting, false},
		"seen up, and missed when others were": {func(e *ended) {
			e.sweep(vici.StateEstablished, 1)
			for range 3 {
				e.sweep("", 0)
			}
			e.sweep("", 1)
		}, vici.StateDeleting, true}, // nobody waits for the event for so long
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			e := &ended{newTestTracker(&now, anything), vici.IKESA{
				Name: "gw", Version: "1", State: vici.StateEstablished, UniqueID: vici.Some(uint32(1)), InitiatorSPI: vici.Some(vici.IKESPI(7)),
			}, &now}
			e.connect(nil)
			test.before(e)
			e.sa.State = test.state
			e.ikeUpDown(&vici.IKEUpDown{IKE: e.sa})
			c := e.connections["gw"]
			require.Equal(t, test.failed, c.failed == 1, "failed")
			require.Equal(t, !test.failed, c.terminated == 1, "terminated")
		})
	}
}

// What is remembered of IKE_SAs that vanished without a word stays small, also while no sweep is complete.
func TestVanishedAreForgotten(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	for n := range uint32(2 * maxLost) {
		tracker.table.begin()
		tracker.table.observe(&vici.IKESA{Name: "gw", Version: "2", State: vici.StateEstablished, UniqueID: vici.Some(n + 1)}, now)
		tracker.table.end(2, now)
	}
	require.LessOrEqual(t, len(tracker.table.lost), maxLost)
	tracker.table.begin()
	tracker.table.end(0, now)
	tracker.table.begin()
	tracker.table.end(0, now)
	require.Empty(t, tracker.table.lost)
}
