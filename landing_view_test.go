// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// What may be down is not shown as an outage.
func TestIdle(t *testing.T) {
	tunnel := childView{HasState: true}
	trap := childView{HasState: true, Policy: "trap"}
	shunt := childView{Policy: "pass"}
	for _, c := range []struct {
		name, remote string
		children     []childView
		want         string
	}{
		{"site to site", "192.0.2.1", []childView{tunnel}, ""},
		{"without children", "192.0.2.1", nil, ""},
		{"road warriors", "%any", []childView{tunnel}, "waiting"},
		{"on demand", "192.0.2.1", []childView{trap, trap}, "on demand"},
		{"one of two on demand", "192.0.2.1", []childView{trap, tunnel}, ""},
		{"shunts", "127.0.0.1", []childView{shunt, shunt}, "policies"},
	} {
		require.Equal(t, c.want, idle(c.remote, c.children), c.name)
	}
}

// The view has what the metrics have.
func TestGatewayView(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	d.Load(vicitest.Connection{Name: "away", Version: 2, RemoteAddrs: []string{"192.0.2.7"}, Children: []vicitest.Child{{Name: "net"}}})
	config, err := parseFlags(nil, io.Discard)
	require.NoError(t, err)
	cc := config.collector(slog.New(slog.DiscardHandler))
	cc.Dialer.DialContext = d.Dial
	c, err := collector.New(cc)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	v, err := new(landing).view(t.Context(), target{collector: c})
	require.NoError(t, err)
	require.True(t, v.Up)
	require.EqualValues(t, 1, v.IKESAs)
	require.Len(t, v.Connections, 2)

	away, gw := v.Connections[0], v.Connections[1]
	require.Equal(t, "away", away.Name, "what is down comes first")
	require.False(t, away.Up)
	require.Empty(t, away.Idle)
	require.True(t, gw.Up)
	require.Equal(t, "192.0.2.2", gw.Remote)
	require.Len(t, gw.Children, 1)
	require.True(t, gw.Children[0].Up)
	require.NotZero(t, gw.Children[0].Since)
	require.Equal(t, "10.1.0.0/16", gw.Children[0].LocalTS)
}

// A connection that is up without one of its children comes before those with which all is well.
func TestTroubled(t *testing.T) {
	up, down := childView{HasState: true, Up: true}, childView{HasState: true}
	for _, c := range []struct {
		name string
		c    connectionView
		want bool
	}{
		{"up", connectionView{Up: true, Children: []childView{up}}, false},
		{"down", connectionView{}, true},
		{"half", connectionView{Up: true, Children: []childView{up, down}}, true},
		{"waiting", connectionView{Idle: "waiting", Children: []childView{down}}, false},
		{"on demand", connectionView{Up: true, Children: []childView{{HasState: true, Policy: "trap"}}}, false},
	} {
		require.Equal(t, c.want, c.c.troubled(), c.name)
	}
	require.Equal(t, connectionCounts{All: 4, Up: 1, Down: 1, Idle: 2},
		count([]connectionView{{Up: true}, {}, {Idle: "waiting"}, {Idle: "policies"}}))
}
