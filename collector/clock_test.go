// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A wallClock can be set, as administrators and NTP set a machine's. Times that it gives are what time.Now gives then:
// the new time of day, and a monotonic reading that knows of nothing.
type wallClock struct{ seconds atomic.Int64 }

// now returns the time. No function of the standard library sets one half of a Time only, so this one knows how
// it keeps them; TestWallClock would notice a change.
func (c *wallClock) now() time.Time {
	const bitsOfNanoseconds = 30
	now := time.Now()
	wall := (*uint64)(unsafe.Pointer(&now))
	*wall += uint64(c.seconds.Load() << bitsOfNanoseconds) // a negative step wraps around, as it is to
	return now
}

// step sets the clock.
func (c *wallClock) step(by time.Duration) { c.seconds.Add(int64(by / time.Second)) }

func TestWallClock(t *testing.T) {
	var c wallClock
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour} {
		before := c.now()
		c.step(step)
		after := c.now()
		require.InDelta(t, 0, after.Sub(before).Seconds(), 60, "the monotonic reading")
		require.InDelta(t, step.Seconds(), after.Round(0).Sub(before.Round(0)).Seconds(), 60, "the time of day")
	}
}

// A clockBed is a collector and a daemon on a machine whose clock can be set. The time is real.
type clockBed struct {
	*testbed

	clock  *wallClock
	daemon *vicitest.Daemon
	began  time.Time // when all was set up
	base   time.Time // the same, as the clock says it now
}

func newClockBed(t *testing.T) *clockBed {
	t.Helper()
	c := &clockBed{clock: new(wallClock)}
	c.daemon = newDaemon(t, vicitest.Config{}) // it tells ages, which do not depend on the time of day
	c.daemon.Fault("stats", instead(c.stats))
	c.daemon.Load(vicitest.Connection{
		Name: "gw", RekeyTime: time.Hour, ReauthTime: 2 * time.Hour, Children: []vicitest.Child{{Name: "net", RekeyTime: time.Hour}},
	})
	c.testbed = newTestbed(t, c.daemon, everything)
	g := c.gateway
	g.now, g.tracker.now = c.clock.now, c.clock.now
	// As if it had watched for a while: SAs tell their age in whole seconds.
	g.table.began = g.table.began.Add(-time.Minute)
	g.table.watching = g.table.began
	c.began = c.clock.now()
	c.base = c.began
	return c
}

// stats tells the daemon's start as charon does: when it was by the clock as it is now.
func (c *clockBed) stats(*vicitest.Call) (*vici.Message, error) {
	total := strconv.Itoa(len(c.daemon.IKESAs()))
	return new(vici.Message).
		AddSection("uptime", new(vici.Message).
			Add("running", fmt.Sprint(int(c.clock.now().Sub(c.began).Seconds()), " seconds")).
			Add("since", c.base.UTC().Format("Jan 02 15:04:05 2006"))).
		AddSection("ikesas", new(vici.Message).Add("total", total).Add("half-open", "0")), nil
}

// set sets the clock, and what is expected of moments with it.
func (c *clockBed) set(by time.Duration) {
	c.clock.step(by)
	c.base = c.base.Round(0).Add(by)
}

// carry lets a packet of 100 bytes pass in each direction.
func (c *clockBed) carry(child uint32) {
	c.t.Helper()
	packet := vicitest.Traffic{Bytes: 100, Packets: 1, Last: time.Now()}
	require.NoError(c.t, c.daemon.Carry(child, packet, packet))
}

// establish brings a tunnel up and returns the unique ids of its SAs.
func (c *clockBed) establish() (ike, child uint32) {
	c.t.Helper()
	ike, err := c.daemon.Establish("gw", vicitest.Peer{ID: "peer.example.org"})
	require.NoError(c.t, err)
	sa, err := c.daemon.IKESA(ike)
	require.NoError(c.t, err)
	return ike, sa.Children[0].UniqueID
}

// requireMoments insists on moments that lie as far from the base as they should.
func (c *clockBed) requireMoments(s samples, after map[string]time.Duration) {
	c.t.Helper()
	const slow = 10 // seconds, of a busy machine
	for name, d := range after {
		value, err := strconv.ParseFloat(s.value(name), 64)
		require.NoError(c.t, err, "%s: %q", name, s.value(name))
		require.InDelta(c.t, c.base.Add(d).Unix(), value, slow, name)
	}
}

// When the clock is set, forth or back, moments move with it, and nothing is counted twice or not at all.
func TestClockSteps(t *testing.T) {
	for _, steps := range [][]time.Duration{{time.Hour, -time.Hour}, {-time.Hour, time.Hour}, {-time.Hour, -time.Hour, 48 * time.Hour}} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			c := newClockBed(t)
			ike, child := c.establish()
			bytes := 0
			check := func(step time.Duration) {
				c.set(step)
				for range 2 {
					c.carry(child)
					bytes += 100
					s := c.scrape()
					require.Empty(t, s.failed())
					c.requireMoments(s, map[string]time.Duration{
						"ike_sa_established_timestamp_seconds": 0, "ike_sa_rekey_timestamp_seconds": time.Hour,
						"ike_sa_reauth_timestamp_seconds": 2 * time.Hour, "child_sa_installed_timestamp_seconds": 0,
						"child_sa_rekey_timestamp_seconds": time.Hour, "start_time_seconds": 0,
						"child_last_received_timestamp_seconds": 0, "child_last_sent_timestamp_seconds": 0,
						"peer_established_timestamp_seconds": 0, "peer_last_received_timestamp_seconds": 0,
					})
					for _, name := range []string{"child_received_bytes_total", "peer_sent_bytes_total"} {
						require.Equal(t, strconv.Itoa(bytes), s.value(name), name)
					}
				}
			}
			check(0)
			for _, step := range steps {
				check(step)
				var err error
				child, err = c.daemon.RekeyChild(child, vicitest.Rekeying{Responder: true})
				require.NoError(t, err)
				c.daemon.ExpireRekeyed(0)
				check(0)
				require.NoError(t, c.daemon.Down(ike))
				c.scrape()
				ike, child = c.establish()
				check(0)
			}
		})
	}
}

// Events count in the same way, and sessions last as long as they lasted.
func TestClockStepsBetweenEvents(t *testing.T) {
	c := newClockBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	defer func() {
		cancel()
		require.ErrorIs(t, <-ran, context.Canceled)
	}()
	subscribed := func(o vicitest.Observation) bool { return o.Registrations["alert"] == 1 }
	require.NoError(t, c.daemon.WaitFor(ctx, subscribed))
	for i, step := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour} {
		ike, child := c.establish()
		c.carry(child)
		c.set(step)
		c.carry(child)
		require.NoError(t, c.daemon.Down(ike))
		var s samples
		require.Eventually(t, func() bool {
			s = c.scrape()
			return s.value("ike_sas_terminated_total") == strconv.Itoa(i+1)
		}, 10*time.Second, time.Millisecond)
		require.Equal(t, strconv.Itoa(200*(i+1)), s.value("child_received_bytes_total"))
		require.Equal(t, strconv.Itoa(i+1), s.value("ike_sa_session_seconds_count"))
		seconds, err := strconv.ParseFloat(s.value("ike_sa_session_seconds_sum"), 64)
		require.NoError(t, err)
		require.Less(t, seconds, 60.0)
	}
}

// The start of a daemon that has run for days is told too coarsely to find its zone in one answer. Once it is known, a
// clock that is set does not make it unknown.
func TestStartTimeAfterStepsOfOurClock(t *testing.T) {
	var c wallClock
	var s startTime
	zone := zones()["Kathmandu"]
	begin := c.now()
	start := begin.Round(0).Add(-70 * time.Hour)
	for minutes := range 27 * 60 { // the number of days changes
		at := begin.Add(time.Duration(minutes) * time.Minute)
		s.learn(said(start, at.Round(0), zone), at)
	}
	_, known := s.known()
	require.True(t, known)
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour, 17 * time.Second, 400 * 24 * time.Hour} {
		c.step(step)
		start = start.Add(step)
		at := c.now().Add(27 * time.Hour)
		s.learn(said(start, at.Round(0), zone), at)
		got, known := s.known()
		require.True(t, known, step)
		require.InDelta(t, start.Unix(), got.Unix(), 2)
	}
	at := c.now().Add(28 * time.Hour)
	s.learn(said(at.Round(0).Add(-50*time.Hour), at.Round(0), zone), at)
	_, known = s.known()
	require.False(t, known, "another start that no step explains")
}
