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

// listedConn is a connection with one child, as list-conns tells it.
func listedConn(name, version, child string) *vici.Message {
	return section(name, new(vici.Message).Add("version", version).AddSection("children",
		section(child, new(vici.Message).Add("mode", "TUNNEL"))))
}

// A daemon that has two connections of one name, from different sources, shows the children of both. What only one of them can tell
// does not change with the order in which they are listed, or with others.
func TestTwoConnectionsOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("connections"))
		one, two := listedConn("gw", "IKEv1", "a"), listedConn("gw", "IKEv2", "b")
		var first samples
		for i := range 20 {
			heal := d.Fault("list-conns", instead(listing("list-conn", one, two, listedConn("other", "IKEv2", strconv.Itoa(i)))))
			one, two = two, one
			families := b.gather()
			requirePedantic(t, families)
			s := newSamples(t, families)
			require.Equal(t, "0", s.of("child_up")[`{child="a",connection="gw"}`])
			require.Equal(t, "0", s.of("child_up")[`{child="b",connection="gw"}`])
			require.Len(t, s.of("child_info"), 3)
			require.Len(t, s.of("connection_info"), 2)
			if first == nil {
				first = s.of("connection_info")
			}
			require.Equal(t, first, s.of("connection_info"))
			heal()
		}
	})
}

// What either of two connections with one label would accept, each of their children once.
func TestAlgorithmsOfTwoConnections(t *testing.T) {
	n := newNames(func(string) bool { return true })
	conn := func(name, ike, esp string) *vici.Conn {
		return &vici.Conn{
			Name:      name,
			Proposals: []vici.Proposal{{Encryption: []string{"AES_CBC-256", ike}}},
			Children:  []vici.ConnChild{{Name: "net", ESPProposals: []vici.Proposal{{Encryption: []string{esp}}}}},
		}
	}
	n.configure([]*vici.Conn{conn("gw", "A", "C"), conn("gw", "B", "C"), conn("gw", "B", "D")})
	var all []string
	for _, labels := range n.config.algorithms {
		all = append(all, labels[0].GetValue())
	}
	require.ElementsMatch(t, []string{"AES_CBC-256", "A", "B", "C", "D"}, all)
	require.Len(t, n.config.children, 1)
	require.Len(t, n.config.connections, 1)
}

func TestOwner(t *testing.T) {
	conn := func(name string, children ...string) *vici.Conn {
		c := &vici.Conn{Name: name}
		for _, child := range children {
			c.Children = append(c.Children, vici.ConnChild{Name: child})
		}
		return c
	}
	c := newConfiguration([]*vici.Conn{conn("a", "x", "z"), conn("a", "x"), conn("b", "y", "z"), conn("a", "z")})
	for child, want := range map[string]string{"x": "a", "y": "b", "z": "", "none": ""} {
		got, ok := c.owner("other", child)
		require.Equal(t, want, got, child)
		require.Equal(t, want != "", ok)
	}
	_, ok := c.owner("a", "x")
	require.False(t, ok, "it is the IKE_SA's own")
}

// Connections have children of the same name mostly, which must not cost the square of their number.
func BenchmarkConfiguration(b *testing.B) {
	for _, n := range []int{5_000, 40_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			conns := make([]*vici.Conn, n)
			for i := range conns {
				conns[i] = &vici.Conn{Name: fmt.Sprintf("branch-%07d", i), Children: []vici.ConnChild{{Name: "net"}}}
			}
			for b.Loop() {
				newConfiguration(conns)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/connection")
		})
	}
}
