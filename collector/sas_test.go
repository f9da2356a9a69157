// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"iter"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// site is a connection with one child.
func site(name string) vicitest.Connection {
	return vicitest.Connection{
		Name: name, Version: 2, LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{"192.0.2.2"},
		RekeyTime: 4 * time.Hour,
		Local:     []vicitest.Auth{{ID: "moon"}}, Remote: []vicitest.Auth{{ID: "sun"}},
		Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour, LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"}}},
	}
}

func establish(t *testing.T, d *vicitest.Daemon, connection string) uint32 {
	t.Helper()
	id, err := d.Establish(connection, vicitest.Peer{})
	require.NoError(t, err)
	return id
}

// busy keeps an IKE_SA from being listed until it is released.
func busy(t *testing.T, d *vicitest.Daemon, id uint32) (release func()) {
	t.Helper()
	release, err := d.SetBusy(id)
	require.NoError(t, err)
	return release
}

// about returns the samples of SAs and what is up, without those of traffic and of the sweep itself.
func (s samples) about(connection string) samples {
	found := make(samples)
	for series, value := range s {
		if strings.Contains(series, fmt.Sprintf(`connection=%q`, connection)) {
			found[series] = value
		}
	}
	return found
}

// A busy IKE_SA is not listed. Its series stay as they are, and it stays up, for as long as that lasts.
func TestBusySAsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(site("gw"))
		d.Load(site("other"))
		id := establish(t, d, "gw")
		establish(t, d, "other")
		b := newTestbed(t, d, only("sas", "connections"))
		before := b.scrape()
		require.Equal(t, "0", before.value("sweep_unlisted_ike_sas"))
		require.Equal(t, "1", before.of("connection_up")[`{connection="gw"}`])

		release := busy(t, d, id)
		for range 10 {
			pass(15 * time.Second)
			s := b.scrape()
			require.Equal(t, "1", s.value("sweep_unlisted_ike_sas"))
			require.Equal(t, before.about("gw"), s.about("gw"))
		}
		release()
		pass(15 * time.Second)
		s := b.scrape()
		require.Equal(t, "0", s.value("sweep_unlisted_ike_sas"))
		require.Equal(t, before.about("gw"), s.about("gw"))
	})
}

// An SA that ended while another is busy is not mistaken for that: the daemon's count says how many are hidden, and those
// that were seen last stay.
func TestEndedBesideBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for _, name := range []string{"old", "hidden", "new"} {
			d.Load(site(name))
		}
		old, hidden := establish(t, d, "old"), establish(t, d, "hidden")
		b := newTestbed(t, d, only("sas", "connections"))
		up := func() samples { return b.scrape().of("connection_up") }
		require.Equal(t, samples{`{connection="old"}`: "1", `{connection="hidden"}`: "1", `{connection="new"}`: "0"}, up())

		release := busy(t, d, old)
		pass(time.Second)
		require.Equal(t, "1", up()[`{connection="old"}`])
		release()
		require.NoError(t, d.Down(old))
		release = busy(t, d, hidden)
		pass(time.Second)
		require.Equal(t, "1", up()[`{connection="hidden"}`], "it was seen later than the other")
		require.Equal(t, "0", up()[`{connection="old"}`])
		release()
		require.NoError(t, d.Down(hidden))
		require.Equal(t, samples{`{connection="old"}`: "0", `{connection="hidden"}`: "0", `{connection="new"}`: "0"}, up())
		require.Empty(t, b.scrape().of("ike_sas"), "nothing is kept of what is gone")
	})
}

// Nothing flickers: two scrapes of an unchanged daemon are equal in every sample, at whatever moments they come.
func TestTimestampsAreSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(site("gw"))
		pass(333 * time.Millisecond)
		establish(t, d, "gw")
		b := newTestbed(t, d, only("sas", "connections"))
		first := b.scrape().about("gw")
		require.Contains(t, first, `strongswan_ike_sa_established_timestamp_seconds{connection="gw"}`)
		require.Contains(t, first, `strongswan_child_sa_rekey_timestamp_seconds{child="net",connection="gw"}`)
		for range 50 {
			pass(777 * time.Millisecond)
			require.Equal(t, first, b.scrape().about("gw"))
		}
	})
}

// A child is up through its own rekeyings, those of its IKE_SA, and reauthentication; no series disappears or comes twice.
func TestUpThroughRekeying(t *testing.T) {
	for _, generation := range []vicitest.Generation{vicitest.Generation59, vicitest.Generation61} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: generation, MakeBeforeBreak: vici.Some(true)})
			d.Load(site("gw"))
			id := establish(t, d, "gw")
			b := newTestbed(t, d, only("sas", "connections"))
			series := maps.Clone(b.scrape().of("child_up"))
			check := func() {
				t.Helper()
				s := b.scrape()
				require.Equal(t, series, s.of("child_up"))
				require.Equal(t, samples{`{connection="gw"}`: "1"}, s.of("connection_up"))
				require.Equal(t, "0", s.value("sweep_unlisted_ike_sas"))
				require.Len(t, s.of("child_sa_installed_timestamp_seconds"), 1)
				require.Len(t, s.of("child_sa_rekey_timestamp_seconds"), 1)
			}
			child := func() uint32 {
				sa, err := d.IKESA(id)
				require.NoError(t, err)
				return sa.Children[len(sa.Children)-1].UniqueID
			}
			for i := range 10 {
				pass(10 * time.Second)
				_, err := d.RekeyChild(child(), vicitest.Rekeying{Responder: i%2 == 0, Collision: i == 7})
				require.NoError(t, err)
				check()
				pass(5 * time.Second)
				d.ExpireRekeyed(5 * time.Second)
				check()
			}
			for range 2 {
				next, err := d.RekeyIKE(id, vicitest.Rekeying{})
				require.NoError(t, err)
				id = next
				check()
			}
			next, err := d.Reauthenticate(id)
			require.NoError(t, err)
			check()
			require.NoError(t, d.Down(next))
			require.Equal(t, samples{`{child="net",connection="gw"}`: "0"}, b.scrape().of("child_up"))
		})
	}
}

// Whoever can send a packet can make half-open IKE_SAs: they are a number and no series of their own.
func TestHalfOpenFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(site("gw"))
		establish(t, d, "gw")
		_, err := d.HalfOpen("", "198.51.100.1")
		require.NoError(t, err)
		b := newTestbed(t, d, everything)
		before := b.scrape()
		require.Equal(t, "1", before.of("ike_sas")[`{connection="",version="2",state="CONNECTING"}`]+
			before.of("ike_sas")[`{connection="",state="CONNECTING",version="2"}`])
		for i := range 10_000 {
			_, err := d.HalfOpen("", fmt.Sprintf("198.51.%d.%d", i/250, i%250))
			require.NoError(t, err)
		}
		after := b.scrape()
		require.Equal(t, "10001", after.of("ike_sas")[`{connection="",state="CONNECTING",version="2"}`])
		require.ElementsMatch(t, keysOf(before), keysOf(after))
	})
}

func keysOf(s samples) []string {
	keys := make([]string, 0, len(s))
	for series := range s {
		keys = append(keys, series)
	}
	return keys
}

// Older daemons put a child under any IKE_SA with the same addresses; it is still its own connection's.
func TestChildUnderAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation59})
		one, two := site("one"), site("two")
		two.Children[0].Name = "dmz"
		d.Load(one)
		d.Load(two)
		id := establish(t, d, "one")
		_, err := d.AddChild(id, "two", "dmz", false)
		require.NoError(t, err)
		s := newTestbed(t, d, only("sas", "connections")).scrape()
		require.Equal(t, samples{
			`{child="net",connection="one"}`: "1", `{child="dmz",connection="two"}`: "1",
		}, s.of("child_up"))
		require.Contains(t, s.of("child_sas"), `{child="dmz",connection="two",mode="TUNNEL",protocol="ESP",state="INSTALLED"}`)
		require.Equal(t, samples{`{connection="one"}`: "1", `{connection="two"}`: "0"}, s.of("connection_up"))
	})
}

// After a restart of the daemon unique ids begin anew; nothing of the old SAs is mixed up with the new ones.
func TestDaemonRestartBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(site("gw"))
		establish(t, d, "gw")
		b := newTestbed(t, d, only("sas", "connections"))
		first := b.scrape().value("ike_sa_established_timestamp_seconds")
		pass(time.Hour)
		d.Crash()
		require.NoError(t, d.Restart())
		require.Empty(t, b.scrape().of("connection_up"), "nothing is loaded")
		d.Load(site("gw"))
		require.Equal(t, "0", b.scrape().value("connection_up"))
		establish(t, d, "gw")
		s := b.scrape()
		require.Equal(t, "1", s.value("connection_up"))
		require.NotEqual(t, first, s.value("ike_sa_established_timestamp_seconds"))
		require.Equal(t, `{connection="gw",state="ESTABLISHED",version="2"}`, keysOf(s.of("ike_sas"))[0])
		require.Equal(t, "1", s.value("ike_sas"))
	})
}

// A crowd is a population of road warriors of one connection.
type crowd struct{ size int }

func (c crowd) Counts() (total, halfOpen int) { return c.size, 0 }

func (c crowd) IKESAs(now time.Time) iter.Seq[*vicitest.IKESA] {
	return func(yield func(*vicitest.IKESA) bool) {
		for i := range c.size {
			id := uint32(i + 1)
			sa := vicitest.IKESA{
				Name: "rw", UniqueID: id, Version: 2, State: vicitest.IKEEstablished, InitiatorSPI: uint64(id), Established: now,
				Children: []*vicitest.ChildSA{{
					Name: "net", UniqueID: id, State: vicitest.ChildInstalled, Mode: "TUNNEL", Protocol: "ESP", SPIIn: id, Installed: now,
				}},
			}
			if !yield(&sa) {
				return
			}
		}
	}
}

// However many SAs a connection has, each is counted, and series are as many as for one.
func TestManySAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{Population: crowd{5000}})
		b := newTestbed(t, d, only("sas"))
		for range 3 {
			s := b.scrape()
			require.Equal(t, samples{`{connection="rw",state="ESTABLISHED",version="2"}`: "5000"}, s.of("ike_sas"))
			require.Equal(t, samples{`{child="net",connection="rw",mode="TUNNEL",protocol="ESP",state="INSTALLED"}`: "5000"}, s.of("child_sas"))
			require.Equal(t, "0", s.value("sweep_unlisted_ike_sas"))
			pass(15 * time.Second)
		}
	})
}
