// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// FuzzEvent decodes any message as any event: with memory of its own and with memory that held another
// event of the kind, the outcome is the same, and it is an error exactly where nothing is returned.
func FuzzEvent(f *testing.F) {
	events := typedEvents()
	recorded := make(map[string][]vici.Event)
	for i, e := range events {
		c := loadCapture(f, filepath.Join("testdata", "captures", "6.0.6", filepath.FromSlash(e.capture)))
		for _, p := range c.packets[:min(4, len(c.packets))] {
			if p.Type == vici.EventPacket {
				recorded[e.name] = append(recorded[e.name], vici.Event{Name: e.name, Body: p.Body})
				f.Add(byte(i), p.Body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		event := vici.Event{Name: "unheard-of", Body: body}
		if int(kind) < len(events) {
			event.Name = events[kind].name
		}
		fresh, freshErr := event.Decode()
		var decoder vici.EventDecoder
		for _, e := range recorded[event.Name] {
			if _, err := decoder.Decode(e); err != nil {
				t.Fatal(err)
			}
		}
		reused, reusedErr := decoder.Decode(event)
		require.Equal(t, freshErr, reusedErr)
		require.Equal(t, freshErr != nil, fresh == nil)
		require.Equal(t, reusedErr != nil, reused == nil)
		if freshErr == nil {
			require.Equal(t, flattenEvent(fresh), flattenEvent(reused))
		}
	})
}
