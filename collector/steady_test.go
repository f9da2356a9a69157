// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// steadyDaemon has one tunnel of one child with one packet in each direction.
func steadyDaemon(t *testing.T) (d *vicitest.Daemon, ike, child uint32) {
	t.Helper()
	d = newDaemon(t, vicitest.Config{})
	d.Load(vicitest.Connection{
		Name: "gw", RekeyTime: time.Hour, ReauthTime: 2 * time.Hour, Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour}},
	})
	ike, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)
	sa, err := d.IKESA(ike)
	require.NoError(t, err)
	child = sa.Children[0].UniqueID
	packet := vicitest.Traffic{Bytes: 84, Packets: 1, Last: time.Now()}
	require.NoError(t, d.Carry(child, packet, packet))
	return d, ike, child
}

// The daemon does not tell the times of an IKE_SA while it is being rekeyed.
func TestTimesStayWhileRekeying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ike, _ := steadyDaemon(t)
		b := newTestbed(t, d, only("sas"))
		before := b.scrape()
		require.NoError(t, d.Update(ike, func(sa *vicitest.IKESA) { sa.State = vicitest.IKERekeying }))
		pass(time.Minute)
		during := b.scrape()
		require.Equal(t, samples{`{connection="gw",state="REKEYING",version="2"}`: "1"}, during.of("ike_sas"))
		for _, name := range []string{"established", "rekey", "reauth"} {
			name = "ike_sa_" + name + "_timestamp_seconds"
			require.Len(t, before.of(name), 1)
			require.Equal(t, before.of(name), during.of(name))
		}
	})
}

// A new SA knows of no packet until one passes; its child does, as long as there is any SA of it.
func TestLastPacketStaysOverRekeying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ike, child := steadyDaemon(t)
		b := newTestbed(t, d, only("sas", "peers"))
		names := []string{"child_last_received", "child_last_sent", "peer_last_received", "peer_last_sent"}
		before := b.scrape()
		_, err := d.RekeyChild(child, vicitest.Rekeying{})
		require.NoError(t, err)
		b.scrape()
		pass(10 * time.Second)
		require.Equal(t, 1, d.ExpireRekeyed(5*time.Second))
		for range 2 {
			after := b.scrape()
			for _, name := range names {
				require.Len(t, before.of(name+"_timestamp_seconds"), 1)
				require.Equal(t, before.of(name+"_timestamp_seconds"), after.of(name+"_timestamp_seconds"))
			}
		}

		require.NoError(t, d.Down(ike))
		b.scrape()
		_, err = d.Establish("gw", vicitest.Peer{})
		require.NoError(t, err)
		for _, name := range names {
			require.Empty(t, b.scrape().of(name+"_timestamp_seconds"), "another tunnel, without a packet")
		}
	})
}
