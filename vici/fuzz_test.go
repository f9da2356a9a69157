// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// addBodies seeds a fuzz target with every kind of recorded message, and with what the grammar has
// at its edges.
func addBodies(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/captures/6.0.6/*/*.bin")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		rel, err := filepath.Rel("testdata/captures", file)
		require.NoError(f, err)
		for i, p := range recorded(f, filepath.ToSlash(rel)) {
			if i < 3 && len(p.Body) < 2000 {
				f.Add(p.Body)
			}
		}
	}
	for _, body := range []string{
		"", documented, nested(vici.MaxDepth), nested(vici.MaxDepth + 1), "\x03\x00\x00\x00\x01\x00\x02\x04\x00\x06", "\x04\x00\x05\x00\x00\x06",
		"\x02", "\x06", "\x07", "\x03\x01a", "\x01\x01a\x04\x01l\x02", "\x03\x01a\x00\x011\x03\x01a\x00\x012",
	} {
		f.Add([]byte(body))
	}
}

// readAll reads packets up to an error.
func readAll(r io.Reader) (packets []vici.Packet, stream []byte, err error) {
	in := vici.NewPacketReader(r, 4096)
	for {
		p, err := in.Next()
		if err != nil {
			return packets, stream, err
		}
		if stream, err = vici.AppendPacket(stream, p.Type, string(p.Name), p.Body); err != nil {
			return packets, stream, err
		}
		packets = append(packets, vici.Packet{Type: p.Type, Name: bytes.Clone(p.Name), Body: bytes.Clone(p.Body)})
	}
}

func FuzzPacketReader(f *testing.F) {
	for _, file := range []string{"list-sas", "unknown-command", "unknown-event", "version"} {
		raw, err := os.ReadFile("testdata/captures/6.0.6/commands/" + file + ".bin")
		require.NoError(f, err)
		f.Add(raw[:min(len(raw), 2000)])
	}
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x00\x00\x00\x02\x07\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		packets, stream, err := readAll(bytes.NewReader(data))
		require.True(t, bytes.HasPrefix(data, stream), "encoding gives the same bytes")
		if errors.Is(err, io.EOF) {
			require.Len(t, stream, len(data))
		}
		slowly, _, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(data)))
		require.Equal(t, packets, slowly)
		require.Equal(t, err, slowErr)
	})
}

func FuzzDecoder(f *testing.F) {
	addBodies(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d := vici.NewDecoder(body)
		open := 0
		for d.Next() {
			if d.Kind() == vici.SectionStart {
				open++
			} else if d.Kind() == vici.SectionEnd {
				open--
			}
			require.Equal(t, open, d.Depth())
			require.LessOrEqual(t, len(d.Name()), vici.MaxName)
		}
		if d.Err() == nil {
			require.Zero(t, d.Depth())
		}
		skipping := vici.NewDecoder(body)
		for skipping.Next() {
			skipping.Skip()
		}
		require.Equal(t, d.Err(), skipping.Err(), "skipping checks as much")
	})
}

func FuzzMessage(f *testing.F) {
	addBodies(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d := vici.NewDecoder(body)
		for d.Next() {
		}
		m, err := vici.ParseMessage(body)
		require.Equal(t, d.Err(), err)
		if err != nil {
			require.Nil(t, m)
			return
		}
		again, err := m.MarshalBinary()
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, again), "encoding gives the same bytes")
		_ = m.String()
	})
}

func FuzzIKESA(f *testing.F) {
	addBodies(f)
	full, err := withChildren(keys(fullIKE), inSection("net-1", keys(fullChild))).MarshalBinary()
	require.NoError(f, err)
	f.Add(full)
	f.Fuzz(func(t *testing.T, body []byte) {
		var fresh, reused vici.IKESA
		require.NoError(t, reused.DecodeListSA(full, nil))
		err := fresh.DecodeListSA(body, nil)
		require.Equal(t, err, reused.DecodeListSA(body, nil))
		m, parseErr := vici.ParseMessage(body)
		if err != nil {
			require.True(t, parseErr != nil || !hasSection(m))
			return
		}
		require.True(t, reflect.DeepEqual(fresh.Clone(), reused.Clone()), "reuse changes nothing")
		require.NoError(t, parseErr)
		for e := range m.All() {
			if e.Kind == vici.SectionStart {
				require.Equal(t, e.Name, fresh.Name)
				break
			}
		}
	})
}

func hasSection(m *vici.Message) bool {
	for e := range m.All() {
		if e.Kind == vici.SectionStart {
			return true
		}
	}
	return false
}

func FuzzUnmarshal(f *testing.F) {
	addBodies(f)
	full, err := fullMessage().MarshalBinary()
	require.NoError(f, err)
	f.Add(full)
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := vici.ParseMessage(body)
		if err != nil {
			return
		}
		lenient := vici.UnmarshalOptions{Rejected: func(e *vici.FieldError) { require.NotEmpty(t, e.Error()) }}
		for _, into := range []any{
			new([]conn), new(map[string]*conn), new(conn), new(vici.Stats), new(map[string]string), new([]everything),
		} {
			require.NoError(t, lenient.Unmarshal(m, into))
			_ = vici.Unmarshal(m, into)
			strict := vici.UnmarshalOptions{DisallowUnknown: true}
			_ = strict.Unmarshal(m, into)
		}
		requireMarshalAgrees(t, lenient, m)
	})
}

// requireMarshalAgrees insists that what was understood of a message survives a round trip.
func requireMarshalAgrees(t *testing.T, lenient vici.UnmarshalOptions, m *vici.Message) {
	t.Helper()
	var first, second everything
	require.NoError(t, lenient.Unmarshal(m, &first))
	once, err := vici.Marshal(first)
	require.NoError(t, err)
	require.NoError(t, lenient.Unmarshal(once, &second))
	twice, err := vici.Marshal(second)
	require.NoError(t, err)
	require.Equal(t, once.String(), twice.String())
}
