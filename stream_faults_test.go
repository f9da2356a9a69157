// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// TestDamagedStream: whichever packet of a listing is damaged, and however, that costs the families of this listing, no
// memory and no other family, and has a reason of its own in the metrics.
func TestDamagedStream(t *testing.T) {
	const sas = 5
	damages := map[string]struct {
		damage vicitest.Damage
		reason string
	}{
		"4 GiB announced":        {vicitest.Oversized(1<<32 - 1), "too_large"},
		"just above the bound":   {vicitest.Oversized(vici.MaxSegment + 1), "too_large"},
		"1,000 sections nested":  {vicitest.Nested(1000), "too_large"},
		"unknown kind of packet": {vicitest.OfType(99), "malformed"},
		"an answer too early":    {vicitest.OfType(vici.EventConfirm), "malformed"},
		"cut in the length":      {vicitest.Truncated(2), "closed"},
		"cut in the body":        {vicitest.Truncated(20), "closed"},
	}
	for name, test := range damages {
		for _, n := range []int{0, 2, sas - 1} {
			t.Run(fmt.Sprint(name, " in packet ", n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newGateway(t, vicitest.Config{})
					for range sas - 1 {
						_, err := d.Establish("gw", vicitest.Peer{})
						require.NoError(t, err)
					}
					e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
					before := e.scrape()
					requireRight(t, before)
					heal := d.Fault("list-sas", vicitest.OnPacket(n, test.damage))
					var s samples
					require.Less(t, allocated(func() { s = e.scrape() }), uint64(8<<20))
					require.EqualValues(t, 1, s["strongswan_up"])
					require.False(t, s.success(t, "sas"))
					require.Empty(t, s.named("strongswan_ike_sas"))
					require.Empty(t, s.named("strongswan_child_up"))
					require.EqualValues(t, 14, s[poolSize])
					require.Positive(t, s[`strongswan_vici_request_errors_total{command="list-sas",reason="`+test.reason+`"}`],
						s.named("strongswan_vici_request_errors_total"))
					heal()
					pass(10 * time.Second)
					s = e.scrape()
					requireRight(t, s)
					require.Equal(t, before.named("strongswan_ike_sas"), s.named("strongswan_ike_sas"))
				})
			})
		}
	}
}

// allocated returns how many bytes were allocated meanwhile.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDuplicateSAs: SAs, children and keys that are listed twice count once.
func TestDuplicateSAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		child := new(vici.Message).Add("name", "net").Add("uniqueid", "7").Add("state", "INSTALLED").Add("state", "DELETED").
			Add("spi-in", "c0ffee01").Add("bytes-in", "100").Add("bytes-in", "200")
		sa := new(vici.Message).AddSection("gw", new(vici.Message).
			Add("uniqueid", "1").Add("uniqueid", "2").Add("version", "2").Add("state", "ESTABLISHED").
			AddSection("child-sas", new(vici.Message).AddSection("net-7", child).AddSection("net-7", child)).
			AddSection("child-sas", new(vici.Message).AddSection("net-7", child)))
		d.Fault("list-sas", streamed("list-sa", sa, sa))
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
		for range 2 {
			s := e.scrape()
			requireRight(t, s)
			require.EqualValues(t, 1, s.sum("strongswan_ike_sas"))
			require.EqualValues(t, 1, s.sum("strongswan_child_sas"), "%v", s.named("strongswan_child_sas"))
		}
	})
}
