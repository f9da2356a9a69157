// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// recorded returns the packets of a recording under testdata/captures.
func recorded(tb testing.TB, file string) []vici.Packet {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "captures", filepath.FromSlash(file)))
	require.NoError(tb, err)
	var packets []vici.Packet
	r := vici.NewPacketReader(bytes.NewReader(raw), 0)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			require.NotEmpty(tb, packets, file)
			return packets
		}
		require.NoError(tb, err, file)
		p.Body = bytes.Clone(p.Body)
		packets = append(packets, p)
	}
}

// oneChild returns a recorded list-sa event of an IKE_SA with one CHILD_SA.
func oneChild(tb testing.TB) []byte {
	tb.Helper()
	for _, p := range recorded(tb, "6.0.6/commands/list-sas.bin") {
		var sa vici.IKESA
		if p.Type != vici.EventPacket {
			continue
		}
		require.NoError(tb, sa.DecodeListSA(p.Body, nil))
		if len(sa.Children) == 1 {
			return p.Body
		}
	}
	require.Fail(tb, "no IKE_SA with one CHILD_SA was recorded")
	return nil
}

func BenchmarkDecoder(b *testing.B) {
	body := oneChild(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d := vici.NewDecoder(body)
		for d.Next() {
		}
		if d.Err() != nil {
			b.Fatal(d.Err())
		}
	}
}

func BenchmarkParseMessage(b *testing.B) {
	body := oneChild(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vici.ParseMessage(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIKESA(b *testing.B) {
	body := oneChild(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var d vici.EventDecoder
	for b.Loop() {
		if _, err := d.Decode(vici.Event{Name: "list-sa", Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}
