// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

func TestCounterSetOrder(t *testing.T) {
	var set counterSet
	set.add(&vici.Counters{
		IKEInitInReq: vici.Some[uint64](1), IKEAuthOutResp: vici.Some[uint64](2), InfoOutResp: vici.Some[uint64](3),
		IKERekeyInit: vici.Some[uint64](4), IKERekeyResp: vici.Some[uint64](5), ChildRekey: vici.Some[uint64](6),
		Invalid: vici.Some[uint64](7), InvalidSPI: vici.Some[uint64](8),
	})
	require.Len(t, set.values, len(messageKinds)+5)
	for i, want := range map[int]uint64{
		4: 1, 11: 2, 15: 3, ikeRekeysInitiated: 4, ikeRekeysAnswered: 5, childRekeysDone: 6, invalidMessages: 7, invalidSPIMessages: 8,
	} {
		require.Equal(t, want, set.values[i])
		require.NotZero(t, set.present&(1<<i))
	}
	require.Equal(t, "IKE_AUTH", messageKinds[11].exchange)

	require.Zero(t, set.present&1)

	totals := newCountersSource().connections
	totals.begin()
	totals.add("gw", newLabels("connection", "gw"), &vici.Counters{})
	var all []string
	for i := range countersInSet {
		labels := totals.series["gw"].labels(i)
		all = append(all, written(labels))
	}
	require.Equal(t, "connection=gw direction=out exchange=IKE_AUTH type=response", all[11])
	require.Equal(t, "connection=gw role=initiator", all[ikeRekeysInitiated])
	require.Equal(t, "connection=gw role=responder", all[ikeRekeysAnswered])
	require.Equal(t, []string{"connection=gw", "connection=gw", "connection=gw"}, all[childRekeysDone:])
	require.True(t, slices.IsSorted(all[:len(messageKinds)]), "or all samples would have to be sorted")
}

func written(labels Labels) string {
	var pairs []string
	for _, p := range labels {
		pairs = append(pairs, p.GetName()+"="+p.GetValue())
	}
	return strings.Join(pairs, " ")
}

// An answer that came only in part, or was asked for twice, adds nothing to the whole one that follows.
func TestCountersInPart(t *testing.T) {
	totals := newCountersSource().connections
	add := func(name string, n uint64) {
		totals.add(name, newLabels("connection", name), &vici.Counters{ChildRekey: vici.Some(n)})
	}
	values := func() string {
		page := NewPage()
		totals.emit(page)
		return text(t, page.Families())
	}
	totals.begin()
	add("a", 1)
	add("a", 2)
	add("b", 4)
	totals.end(noon, noon)
	whole := values()
	require.Contains(t, whole, `{connection="a"} 3`)
	require.Contains(t, whole, `{connection="b"} 4`)

	totals.begin()
	add("a", 100)
	add("c", 100)
	totals.begin()
	add("a", 3)
	add("b", 4)
	totals.end(noon, noon)
	require.Equal(t, whole, values())

	totals.begin()
	add("b", 4)
	totals.end(noon, noon)
	require.NotContains(t, values(), `{connection="a"}`)
}

// Counters began with the daemon until they are seen to have been reset.
func TestCountersReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		start := time.Now().UTC()
		d.Load(vicitest.Connection{Name: "gw"})
		d.Count("gw", "child-rekey", 5)
		b := newTestbed(t, d, only("counters"))
		pass(30 * time.Second)
		families := b.gather()
		require.Equal(t, "5", newSamples(t, families).value("connection_child_rekeys_total"))
		require.Equal(t, "5", newSamples(t, families).value("child_rekeys_total"))
		require.Equal(t, start, created(families, "connection_child_rekeys_total")["connection=gw"])
		require.Equal(t, start, created(families, "child_rekeys_total")[""])

		seen := time.Now().UTC()
		pass(time.Minute)
		reset(t, d, vici.CountersRequest{Name: vici.Some("gw")})
		d.Count("gw", "child-rekey", 2)
		families = b.gather()
		require.Equal(t, "2", newSamples(t, families).value("connection_child_rekeys_total"))
		require.Equal(t, "7", newSamples(t, families).value("child_rekeys_total"))
		require.Equal(t, seen, created(families, "connection_child_rekeys_total")["connection=gw"], "not before it was seen with more")
		require.Equal(t, start, created(families, "child_rekeys_total")[""])

		pass(time.Minute)
		reset(t, d, vici.CountersRequest{All: true})
		require.Empty(t, b.scrape().of("connection_child_rekeys_total"), "there are none until the next message")
		missing := time.Now().UTC()
		pass(time.Minute)
		d.Count("gw", "child-rekey", 9)
		families = b.gather()
		require.Equal(t, "9", newSamples(t, families).value("connection_child_rekeys_total"))
		require.Equal(t, missing, created(families, "connection_child_rekeys_total")["connection=gw"], "higher, but it was away")
	})
}

func reset(t *testing.T, d *vicitest.Daemon, request vici.CountersRequest) {
	t.Helper()
	s, err := (&vici.Dialer{DialContext: d.Dial}).Dial(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.ResetCounters(t.Context(), request))
}

// After a restart the counters began with the new daemon.
func TestCountersAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Count("", "invalid", 5)
		b := newTestbed(t, d, only("counters"))
		require.Equal(t, "5", b.scrape().value("ike_invalid_messages_total"))
		pass(time.Hour)
		d.Crash()
		require.NoError(t, d.Restart())
		start := time.Now().UTC()
		pass(10 * time.Second)
		families := b.gather()
		require.Equal(t, "0", newSamples(t, families).value("ike_invalid_messages_total"))
		require.Equal(t, start, created(families, "ike_invalid_messages_total")[""])
	})
}

// While it is not known when the daemon started, counters have no created timestamp; later they keep the one they get.
func TestCountersWithoutStart(t *testing.T) {
	totals := newCounterTotals(counterFamilies{messages: ikeMessages, childRekeys: childRekeys})
	start, first := recordedAt, recordedAt.Add(time.Hour)
	take := func(n uint64, asked, start time.Time) time.Time {
		totals.begin()
		totals.add("", nil, &vici.Counters{ChildRekey: vici.Some(n)})
		totals.end(asked, start)
		return totals.series[""].created
	}
	require.Zero(t, take(3, first, time.Time{}))
	require.Equal(t, start, take(3, first.Add(time.Minute), start))
	require.Equal(t, start, take(4, first.Add(2*time.Minute), start.Add(time.Hour)), "the clock was set")
	require.Equal(t, first.Add(2*time.Minute), take(1, first.Add(3*time.Minute), start))
}

// One answer cannot hold the counters of many connections; they are asked for one by one then.
func TestCountersOfManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		const n = 1200
		for i := range n {
			name := fmt.Sprintf("site-%04d", i)
			d.Load(vicitest.Connection{Name: name})
			if i > 0 { // the first one has none yet
				d.Count(name, "invalid", uint64(i))
			}
		}
		b := newTestbed(t, d, only("counters"), func(c *Config) { c.Exclude = regexp.MustCompile(`^site-000[1-5]$`) })
		s := b.scrape()
		require.Empty(t, s.failed())
		require.Len(t, s.of("connection_ike_invalid_messages_total"), n-6)
		require.Equal(t, "1199", s.of("connection_ike_invalid_messages_total")[`{connection="site-1199"}`])
		require.Empty(t, s.of("vici_request_errors_total"), "a connection without counters is no error")
		require.Equal(t, 1+n-5, d.Observe().Commands["get-counters"], "one for the daemon, one for each that is not excluded")
		for _, request := range d.Requests("get-counters") {
			_, all := request.Value("all")
			require.False(t, all)
		}
	})
}

// A name that the daemon does not understand in a request must not hide the counters of other connections.
func TestCountersOfConnectionsWithOddNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		const n = 1200
		for i := range n {
			d.Load(vicitest.Connection{Name: fmt.Sprintf("site-%04d", i)})
		}
		for _, name := range []string{"münchen", "tab\t"} {
			d.Load(vicitest.Connection{Name: name})
			d.Count(name, "invalid", 3)
		}
		d.Count("site-0007", "invalid", 7)
		b := newTestbed(t, d, only("counters"))
		s := b.scrape()
		require.Empty(t, s.failed())
		require.Equal(t, samples{`{connection="site-0007"}`: "7"}, s.of("connection_ike_invalid_messages_total"))
	})
}

// Counters of connections that are gone can make an answer too long that looked short: that is found out once.
func TestCountersOfManyFormerConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for i := range 1300 {
			d.Count(fmt.Sprintf("gone-%04d", i), "invalid", 1)
		}
		d.Load(vicitest.Connection{Name: "gw"})
		d.Count("gw", "invalid", 7)
		b := newTestbed(t, d, only("counters", "pools"))
		s := b.scrape()
		require.Equal(t, []string{"counters"}, s.failed())
		require.Equal(t, "1307", s.value("ike_invalid_messages_total"), "the daemon's own are there")
		require.Empty(t, s.of("connection_ike_invalid_messages_total"))
		require.Equal(t, "1", s.value("up"))

		for range 3 {
			pass(time.Minute)
			s = b.scrape()
			require.Empty(t, s.failed())
			require.Equal(t, samples{`{connection="gw"}`: "7"}, s.of("connection_ike_invalid_messages_total"))
		}
		require.Equal(t, samples{`{command="get-counters",reason="timeout"}`: "1"}, s.of("vici_request_errors_total"))
	})
}

// That a scraper in a hurry did not wait for the answer does not mean that it is too long.
func TestCountersInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for i := range 10 {
			d.Load(vicitest.Connection{Name: fmt.Sprint("gw", i)})
		}
		b := newTestbed(t, d, only("counters"))
		heal := d.Fault("get-counters", func(next vicitest.Command) vicitest.Command {
			return func(c *vicitest.Call) (*vici.Message, error) {
				if _, all := c.Request.Value("all"); all {
					pass(time.Second)
				}
				return next(c)
			}
		})
		require.Equal(t, []string{"counters"}, newSamples(t, b.gatherWithin(hurry)).failed())
		heal()
		pass(time.Minute)
		before := d.Observe().Commands["get-counters"]
		require.Empty(t, b.scrape().failed())
		require.Equal(t, before+2, d.Observe().Commands["get-counters"], "the daemon's, and those of all connections at once")
	})
}

func TestCountersWithoutPlugin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newDaemon(t, vicitest.Config{NoCounters: true}), only("counters"))
		for range 2 {
			s := b.scrape()
			require.Empty(t, s.failed())
			require.Empty(t, s.of("ike_messages_total"))
			require.Empty(t, s.of("vici_request_errors_total"))
		}
		require.Len(t, b.logged(), 2, "once that the daemon is there, once that the plugin is not")
	})
}

// Without the configuration it is not known how to ask for connections; the daemon's own counters need none.
func TestCountersWithoutConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Fault("list-conns", vicitest.OnAnswer(vicitest.Malformed()))
		s := newTestbed(t, d, only("counters")).scrape()
		require.Equal(t, []string{"counters"}, s.failed())
		require.Len(t, s.of("ike_messages_total"), len(messageKinds))
		require.Empty(t, s.of("connection_ike_messages_total"))
	})
}
