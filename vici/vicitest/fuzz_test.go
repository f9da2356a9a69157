// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// Whatever a client sends, the daemon neither panics nor gets stuck, and serves the next one.
func FuzzDaemon(f *testing.F) {
	for _, name := range allCommands {
		f.Add(name, []byte{})
	}
	body, err := loaded().MarshalBinary()
	require.NoError(f, err)
	for cut := range 8 {
		f.Add("load-conn", body[:len(body)*(cut+1)/8])
	}
	f.Add("terminate", []byte("\x03\x03ike\x00\x05gw-gw"))
	f.Add("redirect", []byte("\x03\x07gateway\x00\x01a\x03\x07peer-ip\x00\x0d192.0.2.0/255\x03\x07peer-id\x00\x02[a"))
	f.Add("load-pool", []byte("\x01\x01p\x03\x05addrs\x00\x09fd00::-ff\x02"))
	f.Fuzz(func(t *testing.T, command string, body []byte) {
		d := vicitest.NewUnstartedDaemon(vicitest.Config{})
		defer d.Close()
		d.Load(gateway())
		_, err := d.Establish("gw-gw", vicitest.Peer{})
		require.NoError(t, err)
		conn, err := d.Dial(t.Context(), "", "")
		require.NoError(t, err)
		go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
		segment, err := vici.AppendPacket(nil, vici.CmdRequest, command, body)
		if err != nil {
			return // too long to be sent
		}
		for _, event := range allEvents {
			registration, err := vici.AppendPacket(nil, vici.EventRegister, event, nil)
			require.NoError(t, err)
			segment = append(segment, registration...)
		}
		_, err = conn.Write(append(segment, segment...))
		require.NoError(t, err)
		call(t, session(t, d), "version", nil)
		require.NoError(t, d.WaitFor(t.Context(), func(o vicitest.Observation) bool { return o.Waiting == 0 && o.InFlight == 0 }))
	})
}

// Whatever bytes come, the connection ends in good order.
func FuzzConnection(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x09\x00\x07version"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x63"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := vicitest.NewUnstartedServer(newMux())
		defer s.Close()
		conn, err := s.Dial(t.Context(), "", "")
		require.NoError(t, err)
		go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
		_, _ = conn.Write(data)                          // the server may hang up in between
		require.NoError(t, conn.Close())
		require.NoError(t, s.WaitFor(t.Context(), func(o vicitest.Observation) bool { return o.Connections == 0 }))
	})
}
