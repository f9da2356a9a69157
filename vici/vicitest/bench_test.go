// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"errors"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// BenchmarkListSAs measures what one IKE_SA with a CHILD_SA costs the daemon,
// the client only reading. The budget is 2 µs.
func BenchmarkListSAs(b *testing.B) {
	d := vicitest.NewUnstartedDaemon(vicitest.Config{Population: ordinary(b.N)})
	defer d.Close()
	conn, err := d.Dial(b.Context(), "", "")
	require.NoError(b, err)
	var request []byte
	for _, p := range []struct {
		kind vici.PacketType
		name string
	}{{vici.EventRegister, "list-sa"}, {vici.CmdRequest, "list-sas"}} {
		request, err = vici.AppendPacket(request, p.kind, p.name, nil)
		require.NoError(b, err)
	}
	go func() { _, _ = conn.Write(request) }() // the reader below sees whether it arrived
	packets := vici.NewPacketReader(conn, 0)
	b.ReportAllocs()
	b.ResetTimer()
	events := 0
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) || p.Type == vici.CmdResponse {
			break
		}
		if p.Type == vici.EventPacket {
			events++
		}
	}
	require.Equal(b, b.N, events)
}

// A listing of any length takes no memory for each SA.
func TestListingAllocatesNothingPerSA(t *testing.T) {
	const sas = 3000
	d := newDaemon(t, vicitest.Config{Population: ordinary(sas)})
	s := session(t, d)
	list := func() (n int) {
		for _, err := range s.StreamRaw(t.Context(), "list-sas", "list-sa", nil) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	require.Equal(t, sas, list())
	require.Less(t, testing.AllocsPerRun(3, func() { list() }), sas/10.0)
}

// ordinary is a population of so many road warriors as most are.
type ordinary int

func (n ordinary) Counts() (total, halfOpen int) { return int(n), 0 }

func (n ordinary) IKESAs(now time.Time) iter.Seq[*vicitest.IKESA] {
	return func(yield func(*vicitest.IKESA) bool) {
		sa := everything(now)
		sa.RemoteEAPID, sa.NATLocal, sa.NATFake, sa.IfIDIn, sa.IfIDOut, sa.PPK = "", false, false, 0, 0, false
		sa.ReauthAt, sa.LocalVIPs, sa.TasksQueued, sa.TasksActive, sa.TasksPassive = time.Time{}, nil, nil, nil, nil
		sa.Suite.AKE, sa.Suite.IntegrityBits = nil, 0
		c := sa.Children[0]
		c.Label, c.CPIIn, c.CPIOut, c.MarkIn, c.MarkOut = "", 0, 0, vicitest.Mark{}, vicitest.Mark{}
		c.IfIDIn, c.IfIDOut, c.PerCPU = 0, 0, false
		c.Suite = vicitest.Suite{Encryption: "AES_GCM_16", EncryptionBits: 256}
		for i := range int(n) {
			sa.UniqueID = uint32(i + 1)
			if !yield(&sa) {
				return
			}
		}
	}
}
