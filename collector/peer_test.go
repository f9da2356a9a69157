// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// listedSA is an IKE_SA of a peer, as list-sas tells it.
func listedSA(id int, who, host string) *vici.Message {
	return section("gw", new(vici.Message).Add("uniqueid", strconv.Itoa(id)).Add("version", "2").Add("state", "ESTABLISHED").
		Add("initiator-spi", fmt.Sprintf("%016x", id)).Add("remote-id", who).Add("remote-host", host))
}

// An IKE_SA whose identity changes tells how its new peer is connected, once.
func TestPeerInfoAfterIdentityChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, everything)
		for _, who := range []string{"x", "y", "x"} {
			heal := d.Fault("list-sas", instead(listing("list-sa", listedSA(1, who, "192.0.2.1"), listedSA(2, "x", "192.0.2.1"))))
			families := b.gather()
			requirePedantic(t, families)
			s := newSamples(t, families)
			require.Len(t, s.of("peer_ike_sas"), map[string]int{"x": 1, "y": 2}[who])
			require.Len(t, s.of("peer_info"), len(s.of("peer_ike_sas")))
			heal()
		}
	})
}

// Many devices of one identity have some infos, and the rest is told to be missing. Those that are shown stay.
func TestManyDevicesOfOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, everything)
		gather := func(from, to int) samples {
			var all []*vici.Message
			for i := from; i < to; i++ {
				all = append(all, listedSA(i, "group", fmt.Sprintf("2001:db8::%x", i)))
			}
			heal := d.Fault("list-sas", instead(listing("list-sa", append(all, listedSA(1, "other", "192.0.2.1"))...)))
			defer heal()
			families := b.gather()
			requirePedantic(t, families)
			return newSamples(t, families)
		}
		first := gather(100, 1000)
		require.Equal(t, "900", first.of("peer_ike_sas")[`{connection="gw",peer="group"}`])
		require.Len(t, first.of("peer_info"), maxPeerInfos+1)
		require.Equal(t, strconv.Itoa(900-maxPeerInfos), first.value("series_dropped"))
		require.Empty(t, first.failed())

		require.Equal(t, first.of("peer_info"), gather(90, 1010).of("peer_info"), "those that came are not shown instead")
		gather(500, 503)
		last := gather(500, 503)
		require.Len(t, last.of("peer_info"), 3+1, "there is room again")
		require.Equal(t, "0", last.value("series_dropped"))
	})
}

// IKE_SAs that look the same are one info, also where that is only since what they tell is not UTF-8.
func TestSameInfoOfOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		var all []*vici.Message
		for i := range 100 {
			all = append(all, listedSA(i, "group", "moon"+string([]byte{0x80 + byte(i)})))
		}
		d.Fault("list-sas", instead(listing("list-sa", all...)))
		families := newTestbed(t, d, everything).gather()
		requirePedantic(t, families)
		s := newSamples(t, families)
		require.Len(t, s.of("peer_info"), 1)
		require.Equal(t, "0", s.value("series_dropped"))
	})
}

// What a sweep costs does not grow with the square of the SAs of one identity.
func BenchmarkOnePeer(b *testing.B) {
	for _, n := range []int{1000, 8000, 64000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			table := newSATable(newNames(func(string) bool { return true }), noon)
			table.peers = newPeerBook(DefaultPeersLimit)
			hosts := make([]string, n)
			for i := range hosts {
				hosts[i] = fmt.Sprintf("2001:db8::%x", i)
			}
			for b.Loop() {
				table.begin()
				for i, host := range hosts {
					sa := tunnelAt(uint32(i + 1))
					sa.RemoteID, sa.RemoteHost = "group@example.org", host
					table.observe(sa, noon)
				}
				table.end(uint64(n), noon)
				table.aggregate(noon.Unix())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/SA")
		})
	}
}
