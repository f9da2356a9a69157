// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// listing is a command that streams one event for each message.
func listing(event string, messages ...*vici.Message) vicitest.Command {
	return func(c *vicitest.Call) (*vici.Message, error) {
		for _, m := range messages {
			if err := c.EventMessage(event, m); err != nil {
				return nil, err
			}
		}
		return nil, nil //nolint:nilnil // the empty answer
	}
}

func section(name string, m *vici.Message) *vici.Message {
	return new(vici.Message).AddSection(name, m)
}

// Daemons before 5.5.2 tell no connection: it is the only one that configures such a child.
func TestPoliciesOfOldDaemons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation52})
		d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}, {Name: "dmz"}}})
		d.Load(vicitest.Connection{Name: "other", Children: []vicitest.Child{{Name: "dmz"}}})
		tunnel := new(vici.Message).Add("mode", "TUNNEL")
		d.Fault("list-policies", instead(listing("list-policy", section("net", tunnel), section("dmz", tunnel), section("net", tunnel))))
		s := newTestbed(t, d, only("policies")).scrape()
		require.Equal(t, samples{
			`{child="net",connection="gw",policy="trap"}`: "1",
			`{child="dmz",connection="",policy="trap"}`:   "1", // it may be either
		}, s.of("child_policy_installed"))
		require.Equal(t, samples{`{mode="tunnel"}`: "3"}, s.of("policies"))
	})
}

func TestPoliciesOfExcludedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for _, name := range []string{"gw", "secret"} {
			d.Load(vicitest.Connection{Name: name, Children: []vicitest.Child{{Name: "net"}, {Name: "lan", Mode: "PASS"}}})
			for _, child := range []string{"net", "lan"} {
				require.NoError(t, d.Install(name, child))
			}
		}
		b := newTestbed(t, d, only("policies"), func(c *Config) { c.Exclude = regexp.MustCompile("^secret$") })
		s := b.scrape()
		require.Equal(t, samples{
			`{child="net",connection="gw",policy="trap"}`: "1", `{child="lan",connection="gw",policy="pass"}`: "1",
		}, s.of("child_policy_installed"))
		require.Equal(t, samples{`{mode="tunnel"}`: "2", `{mode="pass"}`: "2"}, s.of("policies"), "they are installed all the same")
	})
}

// What the daemon did not tell is not there.
func TestPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Fault("get-pools", instead(vicitest.Answer(new(vici.Message).
			AddSection("empty", new(vici.Message)).
			AddSection("odd", new(vici.Message).Add("base", "nowhere").Add("size", "14").Add("online", "many")))))
		s := newTestbed(t, d, only("pools", "inventory")).scrape()
		require.Empty(t, s.failed())
		require.Equal(t, samples{`{pool="odd"}`: "14"}, s.of("pool_addresses"))
		require.Empty(t, s.of("pool_leases"))
		require.Empty(t, s.of("pool_info"))
		require.Equal(t, samples{`{field="online"}`: "1", `{field="base"}`: "1"}, s.of("vici_values_rejected_total"))
		require.Equal(t, "2", s.of("loaded_objects")[`{kind="pool"}`])
		require.Len(t, d.Requests("get-pools"), 1, "two collectors share one answer")
	})
}

// Names that become one label become one series.
func TestPoolsWithOneLabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		pool := new(vici.Message).Add("base", "10.0.0.1").Add("size", "14").Add("online", "3").Add("offline", "1")
		d.Fault("get-pools", instead(vicitest.Answer(new(vici.Message).AddSection("a\xff", pool).AddSection("a\xfe", pool))))
		s := newTestbed(t, d, only("pools")).scrape()
		require.Equal(t, samples{"{pool=\"a\uFFFD\"}": "28"}, s.of("pool_addresses"))
		require.Equal(t, samples{
			"{pool=\"a\uFFFD\",state=\"online\"}": "6", "{pool=\"a\uFFFD\",state=\"offline\"}": "2",
		}, s.of("pool_leases"))
		require.Len(t, s.of("pool_info"), 1)
	})
}

// An old daemon tells less, which is no failure; a new one that was restarted has nothing loaded.
func TestInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := newDaemon(t, vicitest.Config{Generation: vicitest.Generation52})
		s := newTestbed(t, old, only("inventory")).scrape()
		require.Empty(t, s.failed())
		require.Equal(t, samples{`{kind="connection"}`: "0", `{kind="pool"}`: "0"}, s.of("loaded_objects"))

		d := newDaemon(t, vicitest.Config{})
		d.Load(vicitest.Connection{Name: "gw"})
		d.LoadAuthority(vicitest.Authority{Name: "ca"})
		b := newTestbed(t, d, only("inventory"))
		loaded := b.scrape().of("loaded_objects")
		require.Equal(t, "1", loaded[`{kind="connection"}`])
		require.Equal(t, "1", loaded[`{kind="authority"}`])
		d.Crash()
		require.NoError(t, d.Restart())
		loaded = b.scrape().of("loaded_objects")
		require.Len(t, loaded, 5)
		for kind, n := range loaded {
			require.Equal(t, "0", n, kind)
		}
	})
}

// One list that does not come makes the numbers of the others no less right, but the family would lack one.
func TestInventoryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Fault("get-keys", vicitest.Refuse("not today"))
		s := newTestbed(t, d, only("inventory", "authorities")).scrape()
		require.Equal(t, []string{"inventory"}, s.failed())
		require.Empty(t, s.of("loaded_objects"))
	})
}

func TestUnknownKindsOfAlgorithms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Fault("get-algorithms", instead(vicitest.Answer(new(vici.Message).
			AddSection("prf", new(vici.Message).Add("PRF_HMAC_SHA1", "hmac")).
			AddSection("kem", new(vici.Message).Add("NEW", "future").AddList("list", "x")).
			Add("key", "value"))))
		s := newTestbed(t, d, only("capabilities")).scrape()
		require.Equal(t, samples{
			`{algorithm="PRF_HMAC_SHA1",plugin="hmac",type="prf"}`: "1",
			`{algorithm="NEW",plugin="future",type="kem"}`:         "1",
		}, s.of("algorithm_loaded"))
		require.Contains(t, s.of("plugin_loaded"), `{plugin="counters"}`)
	})
}

// Nothing of an excluded connection is shown by any source.
func TestFilters(t *testing.T) {
	for _, version := range recordings {
		synctest.Test(t, func(t *testing.T) {
			b := newTestbed(t, replay(t, version), everything, func(c *Config) { c.Exclude = regexp.MustCompile("^gw-.*$") })
			page := text(t, b.gather())
			require.NotContains(t, page, `connection="gw-`)
			require.Contains(t, page, `connection="rw-eap"`)
		})
		synctest.Test(t, func(t *testing.T) {
			b := newTestbed(t, replay(t, version), everything, func(c *Config) { c.Include = regexp.MustCompile("^gw-.*$") })
			page := text(t, b.gather())
			require.Contains(t, page, `connection="gw-gw"`)
			require.NotContains(t, page, `connection="rw-`)
		})
	}
}
