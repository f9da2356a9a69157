// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

const (
	scrapeInterval = 200 * time.Millisecond

	// wireDelay makes what SAs go through while they are replaced last long enough to be scraped, and lets both
	// ends begin before they hear of each other.
	wireDelay = 80 * time.Millisecond
)

// Up stays up, and nothing that is keyed by connection and child comes or goes, whatever SAs go
// through; down is down at once.
func TestSteady(t *testing.T) {
	for _, generation := range []string{"5.9.8", "6.1.0"} {
		t.Run(generation, func(t *testing.T) {
			lab.Require(t, generation)
			ctx := bounded(t)
			l := lab.New(t, generation, lab.WithDelay(wireDelay, lab.Moon),
				lab.WithStrongswan("charon { make_before_break = yes }"))
			e := startExporter(t, l.Moon.Address(), allCollectors()...)
			e.awaitEvents(t)
			for _, child := range []string{"net-net", "host-host", "twin-net"} {
				require.NoError(t, l.Moon.Initiate(ctx, child))
			}
			require.NoError(t, l.Carol.Initiate(ctx, "home"))
			pingAll(ctx, t, l)

			r := record(t, e, scrapeInterval)
			reauthenticate(ctx, t, l) // the daemon puts it off while there are remains of a rekeyed child
			rekeyChildren(ctx, t, l)
			rekeyIKE(ctx, t, l)
			want := collide(ctx, t, l, e)
			awaitOne(ctx, t, l)
			pages := r.stop(t)
			require.InDelta(t, want, rekeyed(ctx, t, e), 0, "a rekeying counts once, also one that both ends began")
			t.Logf("%d pages", len(pages))

			requireUp(t, pages)
			requireNoDecrease(t, pages)
			requireSameSeries(t, pages, isSteady)
			requireDownAndUp(ctx, t, l, e)
		})
	}
}

// pingAll sends traffic through all children of the test, in both directions.
func pingAll(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), 2))
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(1), l.Sun.Inside(1), 2))
	require.NoError(t, l.Moon.Ping(ctx, "10.1.0.9", "10.2.0.9", 2))
	require.NoError(t, l.Carol.Ping(ctx, "10.3.0.1", l.Moon.Inside(0), 2))
}

// upChildren are the children of the test with their connections.
func upChildren() map[string]string {
	return map[string]string{"net-net": "gw-gw", "host-host": "gw-gw", "twin-net": "gw-twin", "rw-net": "rw-eap"}
}

// childStates returns the states of the SAs of a child by their unique ids.
func childStates(ctx context.Context, t *testing.T, g *lab.Gateway, child string) map[string]string {
	t.Helper()
	states := make(map[string]string)
	for _, sa := range list(ctx, t, g, "--list-sas") {
		for _, c := range sa.section("child-sas").sections {
			if c.values["name"] == child {
				states[c.values["uniqueid"]] = c.values["state"]
			}
		}
	}
	return states
}

// ids returns the unique ids of those SAs of a child that are installed.
func ids(ctx context.Context, t *testing.T, g *lab.Gateway, child string) []string {
	t.Helper()
	states := childStates(ctx, t, g, child)
	maps.DeleteFunc(states, func(_, state string) bool { return state != "INSTALLED" })
	return slices.Collect(maps.Keys(states))
}

// ikeIDs returns the unique ids of the IKE_SAs of a connection, in any state.
func ikeIDs(ctx context.Context, t *testing.T, g *lab.Gateway, connection string) []string {
	t.Helper()
	var found []string
	for _, sa := range list(ctx, t, g, "--list-sas") {
		if sa.name == connection {
			found = append(found, sa.values["uniqueid"])
		}
	}
	return found
}

// rekeyRounds is how often each child is rekeyed.
const rekeyRounds = 3

// rekeyChildren rekeys all children three times, those between moon and sun from both ends in turns.
func rekeyChildren(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	for round := range rekeyRounds {
		for i, child := range slices.Sorted(maps.Keys(upChildren())) {
			by := l.Moon
			if child != "rw-net" && (round+i)%2 == 1 {
				by = l.Sun
			}
			rekeyChild(ctx, t, l, by, child)
		}
	}
}

// rekeyChild lets a gateway rekey a child and waits until moon has only the new SA of it installed.
func rekeyChild(ctx context.Context, t *testing.T, l *lab.Lab, by *lab.Gateway, child string) {
	t.Helper()
	before := ids(ctx, t, l.Moon, child)
	require.Len(t, before, 1)
	awaitAge(ctx, t, l.Moon, child)
	require.NoError(t, by.Rekey(ctx, "--child", child))
	await(t, func() bool {
		after := ids(ctx, t, l.Moon, child)
		return len(after) == 1 && after[0] != before[0]
	}, "%s rekeys %s", by.Name, child)
}

// minAge is how many seconds old an SA is when it is rekeyed, so that nobody can take that for a part of
// the last rekeying.
const minAge = 3

// awaitAge waits until the installed SA of a child is old enough.
func awaitAge(ctx context.Context, t *testing.T, g *lab.Gateway, child string) {
	t.Helper()
	await(t, func() bool {
		for _, sa := range list(ctx, t, g, "--list-sas") {
			for _, c := range sa.section("child-sas").sections {
				if age, ok := c.number(t, "install-time"); ok && c.values["name"] == child && c.values["state"] == "INSTALLED" {
					return age >= minAge
				}
			}
		}
		return false
	}, "%s is %d seconds old", child, minAge)
}

// awaitIKEAge waits until the IKE_SA of a connection is old enough.
func awaitIKEAge(ctx context.Context, t *testing.T, g *lab.Gateway, connection string) {
	t.Helper()
	await(t, func() bool {
		return slices.ContainsFunc(list(ctx, t, g, "--list-sas"), func(sa *section) bool {
			age, ok := sa.number(t, "established")
			return ok && sa.name == connection && age >= minAge
		})
	}, "the IKE_SA of %s is %d seconds old", connection, minAge)
}

// rekeyIKE rekeys the IKE_SA of gw-gw from both ends.
func rekeyIKE(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, by := range []*lab.Gateway{l.Moon, l.Sun} {
		replaceIKE(ctx, t, l, by)
	}
}

// reauthenticate sets up the IKE_SA of gw-gw anew, with its children, before the old one is given up.
func reauthenticate(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	replaceIKE(ctx, t, l, l.Moon, "--reauth")
	await(t, func() bool { return len(ids(ctx, t, l.Moon, "net-net")) == 1 }, "one net-net is left")
}

// replaceIKE lets a gateway replace the IKE_SA of gw-gw and waits until moon has only the new one.
func replaceIKE(ctx context.Context, t *testing.T, l *lab.Lab, by *lab.Gateway, how ...string) {
	t.Helper()
	before := ikeIDs(ctx, t, l.Moon, "gw-gw")
	require.Len(t, before, 1)
	awaitIKEAge(ctx, t, l.Moon, "gw-gw")
	require.NoError(t, by.Rekey(ctx, append([]string{"--ike", "gw-gw"}, how...)...))
	await(t, func() bool {
		after := ikeIDs(ctx, t, l.Moon, "gw-gw")
		return len(after) == 1 && after[0] != before[0]
	}, "%s replaces the IKE_SA %v", by.Name, how)
}

// collide lets both ends rekey net-net at the same time, until they do so within the time that a packet is under way. It
// returns how many rekeyings there have to be counted then.
func collide(ctx context.Context, t *testing.T, l *lab.Lab, e *exporter) float64 {
	t.Helper()
	const tries = 5
	for range tries {
		awaitOne(ctx, t, l)
		collisions, counted := collisionsOf(t, l), rekeyed(ctx, t, e)
		before := ids(ctx, t, l.Moon, "net-net")
		begun := make(chan error)
		go func() { begun <- l.Sun.Rekey(ctx, "--child", "net-net") }()
		require.NoError(t, l.Moon.Rekey(ctx, "--child", "net-net"))
		require.NoError(t, <-begun)
		await(t, func() bool {
			after := ids(ctx, t, l.Moon, "net-net")
			return len(after) == 1 && !slices.Contains(before, after[0])
		}, "net-net is rekeyed")
		if collisionsOf(t, l) > collisions {
			return counted + 1
		}
	}
	require.Fail(t, "no collision", "in %d tries", tries)
	return 0
}

// awaitOne waits until moon has no remains of net-net's SAs, which takes some seconds after a rekeying.
func awaitOne(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	await(t, func() bool { return len(childStates(ctx, t, l.Moon, "net-net")) == 1 }, "no old SA of net-net is left")
}

// collisionsOf counts the lines of moon's log that tell of a collision.
func collisionsOf(t *testing.T, l *lab.Lab) int {
	t.Helper()
	log, err := os.ReadFile(l.Moon.LogFile())
	require.NoError(t, err)
	return strings.Count(string(log), "collision")
}

func rekeyed(ctx context.Context, t *testing.T, e *exporter) float64 {
	t.Helper()
	return e.scrapeIn(ctx, t).value(t, "strongswan_child_sas_rekeyed_total", "connection", "gw-gw", "child", "net-net")
}

// requireUp insists that what is up is up on all pages, and that all went through what it was to go through.
func requireUp(t *testing.T, pages []*page) {
	t.Helper()
	for child, connection := range upChildren() {
		requireAlways(t, pages, 1, "strongswan_child_up", "connection", connection, "child", child)
	}
	requireAlways(t, pages, 1, "strongswan_connection_up", "connection", "gw-gw")
	requireAlways(t, pages, 1, "strongswan_connection_up", "connection", "rw-eap")
	requireAlways(t, pages, 1, "strongswan_up")
	last := pages[len(pages)-1]
	for child, connection := range upChildren() {
		if child != "net-net" { // which has collisions, too
			require.InDelta(t, rekeyRounds, last.value(t, "strongswan_child_sas_rekeyed_total", "connection", connection, "child", child), 0)
		}
	}
	require.InDelta(t, 2, last.value(t, "strongswan_ike_sas_rekeyed_total", "connection", "gw-gw"), 0)
	require.InDelta(t, 2, last.value(t, "strongswan_ike_sas_established_total", "connection", "gw-gw"), 0)
	require.InDelta(t, 1, last.value(t, "strongswan_ike_sas_terminated_total", "connection", "gw-gw"), 0)
	require.Zero(t, last.value(t, "strongswan_ike_sas_failed_total", "connection", "gw-gw"))
}

// isSteady tells the series that have to stay: all of a connection, unless a state or algorithms are among
// their labels, which are different from SA to SA. Alerts come when they come.
func isSteady(id string) bool {
	metric := metricOf(id)
	return strings.Contains(id, "connection=") && !strings.Contains(id, "state=") &&
		!strings.HasSuffix(metric, "_suites") && metric != "strongswan_alerts_total"
}

// requireDownAndUp insists that the scrape after something went down, or up, says so.
func requireDownAndUp(ctx context.Context, t *testing.T, l *lab.Lab, e *exporter) {
	t.Helper()
	childUp := func(child string) float64 {
		return e.scrapeIn(ctx, t).value(t, "strongswan_child_up", "connection", upChildren()[child], "child", child)
	}
	require.NoError(t, l.Moon.Terminate(ctx, "--child", "twin-net"))
	require.Zero(t, childUp("twin-net"))
	require.InDelta(t, 1, childUp("net-net"), 0)
	require.NoError(t, l.Moon.Initiate(ctx, "twin-net"))
	require.InDelta(t, 1, childUp("twin-net"), 0)

	require.NoError(t, l.Moon.Terminate(ctx, "--ike", "gw-gw"))
	for _, child := range []string{"net-net", "host-host", "twin-net"} {
		require.Zero(t, childUp(child), child)
	}
	require.Zero(t, e.scrapeIn(ctx, t).value(t, "strongswan_connection_up", "connection", "gw-gw"))
	require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
	require.InDelta(t, 1, childUp("net-net"), 0)
	require.InDelta(t, 1, e.scrapeIn(ctx, t).value(t, "strongswan_connection_up", "connection", "gw-gw"), 0)
	require.Zero(t, childUp("host-host"))
	require.NoError(t, l.Carol.Terminate(ctx, "--ike", "home"))
	await(t, func() bool { return len(ids(ctx, t, l.Moon, "rw-net")) == 0 }, "moon closes the road warrior's SA")
	require.Zero(t, childUp("rw-net"))
}
