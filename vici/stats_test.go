// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func TestStats(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.answer("stats", new(vici.Message).
			AddSection("uptime", key("running", "13 seconds").Add("since", "Nov 02 18:29:05 2026")).
			AddSection("workers", key("total", "16").Add("idle", "0").AddSection("active", keys("critical=4 high=0 medium=1 low=2"))).
			AddSection("queues", keys("critical=0 high=0 medium=0 low=9")).
			Add("scheduled", "5").
			AddSection("ikesas", keys("total=3 half-open=many")).
			AddList("plugins", "charon", "vici").
			AddSection("mallinfo", keys("sbrk=4294967296 mmap=1 used=2 free=3")))
		p.answer("stats", nil)
		p.untilGone()
	})
	got, err := s.Stats(t.Context())
	require.NoError(t, err)
	n := vici.Some[uint64]
	require.Equal(t, vici.Stats{
		Uptime:    vici.Uptime{Running: "13 seconds", Since: "Nov 02 18:29:05 2026"},
		Workers:   vici.Workers{Total: n(16), Idle: n(0), Active: vici.Priorities{Critical: n(4), High: n(0), Medium: n(1), Low: n(2)}},
		Queues:    vici.Priorities{Critical: n(0), High: n(0), Medium: n(0), Low: n(9)},
		Scheduled: n(5), IKESAs: vici.IKESACounts{Total: n(3)}, Plugins: []string{"charon", "vici"},
		Mallinfo: vici.Some(vici.Mallinfo{Sbrk: n(4294967296), Mmap: n(1), Used: n(2), Free: n(3)}),
	}, got)

	got, err = s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, vici.Stats{}, got, "absent is not zero")
}

func TestUptimeSince(t *testing.T) {
	zone := time.FixedZone("daemon's", 2*60*60)
	since, err := vici.Uptime{Since: "Nov 02 18:29:05 2026"}.SinceIn(zone)
	require.NoError(t, err)
	require.True(t, time.Date(2026, 11, 2, 16, 29, 5, 0, time.UTC).Equal(since))

	for _, text := range []string{"", "2026-11-02", "Nov 31 18:29:05 2026", "Nov 02 18:29:05 2026 CET"} {
		_, err = vici.Uptime{Since: text}.SinceIn(zone)
		require.ErrorContains(t, err, "uptime.since")
	}
}

func TestVersion(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.answer("version", keys("daemon=charon version=5.9.8 sysname=Linux release=6.1.0 machine=x86_64"))
		p.untilGone()
	})
	v, err := s.Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, vici.Version{Daemon: "charon", Version: "5.9.8", Sysname: "Linux", Release: "6.1.0", Machine: "x86_64"}, v)
}

func TestOpt(t *testing.T) {
	var absent vici.Opt[uint32]
	some := vici.Some[uint32](0)
	v, ok := some.Get()
	require.True(t, ok)
	require.Zero(t, v)
	_, ok = absent.Get()
	require.False(t, ok)
	require.True(t, some.Present())
	require.False(t, absent.Present())
	require.Equal(t, uint32(0), some.Or(7))
	require.Equal(t, uint32(7), absent.Or(7))
	require.Equal(t, "0", some.String())
	require.Equal(t, "-", absent.String())

	type holder struct {
		A vici.Opt[uint32] `json:"a"`
		B vici.Opt[uint32] `json:"b"`
		C vici.Opt[uint32] `json:"c,omitzero"`
	}
	b, err := json.Marshal(holder{B: some})
	require.NoError(t, err)
	require.JSONEq(t, `{"a":null,"b":0}`, string(b))
	require.NotContains(t, string(b), `"c"`)

	read := holder{A: some, C: some}
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, holder{B: some, C: some}, read)
	require.Error(t, json.Unmarshal([]byte(`{"b":"x"}`), &read))
	require.Equal(t, some, read.B, "what cannot be read changes nothing")
}
