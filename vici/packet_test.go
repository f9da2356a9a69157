// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func TestParsePacket(t *testing.T) {
	tests := map[string]struct {
		segment string
		want    vici.Packet
	}{
		"request without a message": {"\x00\x07version", packet(vici.CmdRequest, "version", "")},
		"request":                   {"\x00\x01a\x03\x01k\x00\x00", packet(vici.CmdRequest, "a", "\x03\x01k\x00\x00")},
		"request without a name":    {"\x00\x00", packet(vici.CmdRequest, "", "")},
		"empty response":            {"\x01", vici.Packet{Type: vici.CmdResponse, Body: []byte{}}},
		"response":                  {"\x01\x02\x03", vici.Packet{Type: vici.CmdResponse, Body: []byte{2, 3}}},
		"unknown command":           {"\x02", vici.Packet{Type: vici.CmdUnknown, Body: []byte{}}},
		"registration":              {"\x03\x03log", packet(vici.EventRegister, "log", "")},
		"end of a registration":     {"\x04\x03log", packet(vici.EventUnregister, "log", "")},
		"confirmation":              {"\x05", vici.Packet{Type: vici.EventConfirm, Body: []byte{}}},
		"unknown event":             {"\x06", vici.Packet{Type: vici.EventUnknown, Body: []byte{}}},
		"event":                     {"\x07\x03logx", packet(vici.EventPacket, "log", "x")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := vici.ParsePacket([]byte(test.segment))
			require.NoError(t, err)
			require.Equal(t, test.want, p)
			require.Equal(t, test.want.Name != nil, p.Type.Named())
		})
	}
}

func packet(t vici.PacketType, name, body string) vici.Packet {
	return vici.Packet{Type: t, Name: []byte(name), Body: []byte(body)}
}

func TestParsePacketRefuses(t *testing.T) {
	tests := map[string]struct {
		segment string
		offset  int
		reason  string
	}{
		"empty":                     {"", 0, "empty segment"},
		"unknown type":              {"\x08", 0, "unknown packet type 8"},
		"last type":                 {"\xff", 0, "unknown packet type 255"},
		"no name":                   {"\x00", 1, "name of CMD_REQUEST is cut off"},
		"half a name":               {"\x07\x03lo", 1, "name of EVENT is cut off"},
		"confirmation with message": {"\x05x", 1, "EVENT_CONFIRM carries a message"},
		"registration with message": {"\x03\x01ax", 3, "EVENT_REGISTER carries a message"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := vici.ParsePacket([]byte(test.segment))
			require.Equal(t, &vici.SyntaxError{Offset: test.offset, Reason: test.reason}, err)
			require.ErrorIs(t, err, vici.ErrMalformed)
		})
	}
}

func TestAppendPacket(t *testing.T) {
	// The example of the protocol: a version request.
	b, err := vici.AppendPacket([]byte("before"), vici.CmdRequest, "version", nil)
	require.NoError(t, err)
	require.Equal(t, "before\x00\x00\x00\x09\x00\x07version", string(b))

	b, err = vici.AppendPacket(nil, vici.CmdResponse, "ignored", []byte("body"))
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x05\x01body", string(b))
}

func TestAppendPacketBounds(t *testing.T) {
	longest := strings.Repeat("n", vici.MaxName)
	fits := make([]byte, vici.MaxSegment-2-vici.MaxName)
	b, err := vici.AppendPacket(nil, vici.EventPacket, longest, fits)
	require.NoError(t, err)
	require.Len(t, b, 4+vici.MaxSegment)

	b, err = vici.AppendPacket([]byte("before"), vici.EventPacket, longest, make([]byte, len(fits)+1))
	require.ErrorIs(t, err, vici.ErrTooLarge)
	require.Equal(t, "before", string(b))
	b, err = vici.AppendPacket(nil, vici.EventPacket, longest+"n", nil)
	require.ErrorIs(t, err, vici.ErrTooLarge)
	require.Nil(t, b)
}

func TestPacketTypeString(t *testing.T) {
	require.Equal(t, "CMD_REQUEST", vici.CmdRequest.String())
	require.Equal(t, "EVENT", vici.EventPacket.String())
	require.Equal(t, "packet type 8", vici.PacketType(8).String())
	require.False(t, vici.PacketType(8).Named())
	require.False(t, vici.PacketType(8).HasMessage())
}

// wire is a stream of response packets with these bodies.
func wire(t testing.TB, bodies ...[]byte) []byte {
	t.Helper()
	var stream []byte
	for _, body := range bodies {
		stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(body)+1)), byte(vici.CmdResponse))
		stream = append(stream, body...)
	}
	return stream
}

func bodies() [][]byte {
	return [][]byte{
		{},
		[]byte("a"), bytes.Repeat([]byte("b"), 70_000), []byte("c"),
		{},
		bytes.Repeat([]byte("d"), vici.MaxSegment-1), []byte("e"), bytes.Repeat([]byte("f"), 300_000), []byte("g"),
	}
}

func TestPacketReader(t *testing.T) {
	want := bodies()
	stream := wire(t, want...)
	readers := map[string]io.Reader{
		"whole":             bytes.NewReader(stream),
		"byte by byte":      iotest.OneByteReader(bytes.NewReader(stream)),
		"half of each":      iotest.HalfReader(bytes.NewReader(stream)),
		"error with data":   iotest.DataErrReader(bytes.NewReader(stream)),
		"sometimes nothing": &stutterer{r: bytes.NewReader(stream)},
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			packets := vici.NewPacketReader(r, 0)
			for i, body := range want {
				p, err := packets.Next()
				require.NoError(t, err, i)
				require.Equal(t, vici.CmdResponse, p.Type)
				require.True(t, bytes.Equal(body, p.Body), i)
			}
			for range 2 {
				_, err := packets.Next()
				require.Equal(t, io.EOF, err)
			}
			require.Zero(t, packets.Buffered())
		})
	}
}

// A stutterer returns no bytes and no error at every second call.
type stutterer struct {
	r     io.Reader
	pause bool
}

func (s *stutterer) Read(b []byte) (int, error) {
	if s.pause = !s.pause; s.pause {
		return 0, nil
	}
	return s.r.Read(b)
}

// idle returns no bytes and no error, again and again.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestPacketReaderDoesNotSpin(t *testing.T) {
	_, err := vici.NewPacketReader(idle{}, 0).Next()
	require.ErrorIs(t, err, io.ErrNoProgress)
}

func TestPacketReaderEndOfStream(t *testing.T) {
	stream := wire(t, []byte("abc"))
	for cut := range len(stream) {
		packets := vici.NewPacketReader(bytes.NewReader(stream[:cut]), 0)
		_, err := packets.Next()
		if cut == 0 {
			require.Equal(t, io.EOF, err)
		} else {
			require.Equal(t, io.ErrUnexpectedEOF, err, cut)
		}
		require.Equal(t, cut, packets.Buffered())
	}
}

// An interrupted is a stream that times out before every byte.
type interrupted struct {
	r     io.Reader
	ready bool
}

func (i *interrupted) Read(b []byte) (int, error) {
	if i.ready = !i.ready; i.ready {
		return 0, os.ErrDeadlineExceeded
	}
	return i.r.Read(b[:1])
}

func TestPacketReaderGoesOnAfterAnError(t *testing.T) {
	want := [][]byte{[]byte("one"), {}, []byte("two")}
	packets := vici.NewPacketReader(&interrupted{r: bytes.NewReader(wire(t, want...))}, 0)
	for _, body := range want {
		p, err := packets.Next()
		for errors.Is(err, os.ErrDeadlineExceeded) {
			p, err = packets.Next()
		}
		require.NoError(t, err)
		require.Equal(t, body, p.Body)
	}
}

func TestPacketReaderLimit(t *testing.T) {
	next := func(size uint32, limit int) error {
		stream := append(binary.BigEndian.AppendUint32(nil, size), 1, 2, 3)
		_, err := vici.NewPacketReader(bytes.NewReader(stream), limit).Next()
		return err
	}
	require.ErrorIs(t, next(vici.MaxSegment, 0), io.ErrUnexpectedEOF)
	require.ErrorIs(t, next(vici.MaxSegment+1, 0), vici.ErrTooLarge)
	require.ErrorIs(t, next(math.MaxUint32, 0), vici.ErrTooLarge)
	require.NoError(t, next(3, 3))
	require.ErrorIs(t, next(4, 3), vici.ErrTooLarge)
	require.ErrorIs(t, next(vici.MaxSegment+1, vici.MaxSegment+1), io.ErrUnexpectedEOF)
}

func TestPacketReaderStaysRefused(t *testing.T) {
	packets := vici.NewPacketReader(strings.NewReader("\xff\xff\xff\xff\x00\x00\x00\x01\x01"), 0)
	for range 3 {
		_, err := packets.Next()
		require.ErrorIs(t, err, vici.ErrTooLarge)
	}
}

func TestPacketReaderMalformedSegment(t *testing.T) {
	_, err := vici.NewPacketReader(strings.NewReader("\x00\x00\x00\x00"), 0).Next()
	require.ErrorIs(t, err, vici.ErrMalformed)
	_, err = vici.NewPacketReader(strings.NewReader("\x00\x00\x00\x01\x09"), 0).Next()
	require.ErrorIs(t, err, vici.ErrMalformed)
}

// Four GiB that are only announced must not be allocated; nor may memory grow with the number of
// packets.
func TestPacketReaderMemory(t *testing.T) {
	const rounds = 100
	r := bytes.NewReader(nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		r.Reset([]byte("\xff\xff\xff\xff"))
		_, err := vici.NewPacketReader(r, 0).Next()
		require.ErrorIs(t, err, vici.ErrTooLarge)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(rounds*100_000))

	endless := &repeater{pattern: wire(t, []byte("event"))}
	packets := vici.NewPacketReader(endless, 0)
	require.Zero(t, testing.AllocsPerRun(100_000, func() {
		if _, err := packets.Next(); err != nil {
			t.Error(err)
		}
	}))
}

// A repeater is a stream without end.
type repeater struct {
	pattern []byte
	pos     int
}

func (r *repeater) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = r.pattern[r.pos]
		r.pos = (r.pos + 1) % len(r.pattern)
	}
	return len(b), nil
}

func TestPacketIsValidUntilTheNextCall(t *testing.T) {
	packets := vici.NewPacketReader(bytes.NewReader(wire(t, []byte("first"), []byte("second"))), 0)
	first, err := packets.Next()
	require.NoError(t, err)
	require.Equal(t, "first", string(first.Body))
	kept := bytes.Clone(first.Body)
	second, err := packets.Next()
	require.NoError(t, err)
	require.Equal(t, "second", string(second.Body))
	require.Equal(t, "first", string(kept))
}
