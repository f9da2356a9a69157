// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// collect ranges over a stream and returns the values of "n", and the error that ended it.
func collect(ctx context.Context, s *vici.Session, command string) (values []string, last error) {
	for m, err := range s.Stream(ctx, command, "item", nil) {
		if err != nil {
			return values, err
		}
		v, _ := m.Value("n")
		values = append(values, v)
	}
	return values, nil
}

func (p *peer) item(n string) { p.sendMessage(vici.EventPacket, "item", key("n", n)) }

func TestStream(t *testing.T) {
	var unexpected []string
	trace := &vici.Trace{Unexpected: func(event string) { unexpected = append(unexpected, event) }}
	s := dialPipe(t, &vici.Dialer{Trace: trace}, func(p *peer) {
		p.expect(vici.EventRegister, "item")
		p.send(vici.EventPacket, "item", nil) // nobody asked for it yet
		p.send(vici.EventConfirm, "", nil)
		p.expect(vici.CmdRequest, "list")
		p.item("1")
		p.send(vici.EventPacket, "foreign", []byte("\x03"))
		p.item("2")
		p.endStream("item")
		p.beginStream("list", "item")
		p.endStream("item")
		p.untilGone()
	})
	values, err := collect(t.Context(), s, "list")
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, values)
	require.Equal(t, []string{"item", "foreign"}, unexpected)
	values, err = collect(t.Context(), s, "list")
	require.NoError(t, err)
	require.Empty(t, values)
}

func TestStreamMayBeRangedOverAgain(t *testing.T) {
	s := dialPipe(t, nil, serveEcho)
	stream := s.StreamRaw(t.Context(), "stream", "item", nil)
	for range 2 {
		count := 0
		for _, err := range stream {
			require.NoError(t, err)
			count++
		}
		require.Equal(t, 5, count)
	}
}

// A stream can be ended by the daemon at each of its four steps.
func TestStreamEndedByTheDaemon(t *testing.T) {
	steps := map[string]struct {
		before func(*peer)
		wrong  []vici.PacketType
		values []string
	}{
		"registration": {
			func(p *peer) { p.expect(vici.EventRegister, "item") },
			[]vici.PacketType{vici.CmdRequest, vici.CmdResponse, vici.CmdUnknown, vici.EventRegister, vici.EventUnregister},
			nil,
		},
		"answer": {
			func(p *peer) { p.beginStream("list", "item") },
			[]vici.PacketType{vici.CmdRequest, vici.EventConfirm, vici.EventUnknown, vici.EventRegister},
			nil,
		},
		"events": {
			func(p *peer) { p.beginStream("list", "item"); p.item("1") },
			[]vici.PacketType{vici.CmdRequest, vici.EventConfirm, vici.EventUnknown},
			[]string{"1"},
		},
		"end of the registration": {
			func(p *peer) {
				p.beginStream("list", "item")
				p.item("1")
				p.send(vici.CmdResponse, "", nil)
				p.expect(vici.EventUnregister, "item")
			},
			[]vici.PacketType{vici.CmdResponse, vici.CmdUnknown},
			[]string{"1"},
		},
	}
	for step, at := range steps {
		for name, test := range faults(at.wrong...) {
			t.Run(step+"/"+name, func(t *testing.T) {
				s := dialPipe(t, nil, func(p *peer) {
					at.before(p)
					test.do(p)
				})
				values, err := collect(t.Context(), s, "list")
				require.Equal(t, at.values, values)
				require.ErrorIs(t, err, test.want)
				require.ErrorContains(t, err, test.text)
				requireEnded(t, s, err, "stream", "list")
			})
		}
	}
}

func TestStreamHarmless(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.EventRegister, "item")
		p.send(vici.EventUnknown, "", nil)

		p.beginStream("new", "item")
		p.send(vici.CmdUnknown, "", nil)
		p.confirm(vici.EventUnregister, "item")

		p.beginStream("refused", "item")
		p.item("1")
		p.sendMessage(vici.CmdResponse, "", keys("success=no errmsg=no"))
		p.confirm(vici.EventUnregister, "item")

		p.beginStream("broken answer", "item")
		p.send(vici.CmdResponse, "", []byte("\x03"))
		p.confirm(vici.EventUnregister, "item")

		p.beginStream("broken event", "item")
		p.item("1")
		p.send(vici.EventPacket, "item", []byte("\x03"))
		p.item("3")
		p.endStream("item")

		p.beginStream("good", "item")
		p.endStream("item")
		p.untilGone()
	})
	_, err := collect(t.Context(), s, "event unknown")
	require.ErrorIs(t, err, vici.ErrUnknownEvent)
	require.ErrorContains(t, err, `"item"`)
	_, err = collect(t.Context(), s, "new")
	require.ErrorIs(t, err, vici.ErrUnknownCommand)
	values, err := collect(t.Context(), s, "refused")
	var refused *vici.CommandError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, []string{"1"}, values)
	_, err = collect(t.Context(), s, "broken answer")
	require.ErrorIs(t, err, vici.ErrMalformed)

	values, err = collect(t.Context(), s, "broken event")
	require.ErrorIs(t, err, vici.ErrMalformed)
	require.ErrorContains(t, err, "vici: stream broken event (tcp://pipe:1): malformed")
	require.Equal(t, []string{"1"}, values)

	_, err = collect(t.Context(), s, "good")
	require.NoError(t, err)
}

// When the loop hears of an event that does not decode, the stream was read to its end: the session
// is free again.
func TestSessionIsFreeWhenTheLoopHearsOfAnError(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		for range 2 {
			p.beginStream("list-sas", "list-sa")
			p.send(vici.EventPacket, "list-sa", []byte("\x03"))
			p.endStream("list-sa")
			p.answer("version", nil)
		}
		p.untilGone()
	})
	heard := 0
	for _, err := range s.ListSAs(t.Context(), vici.ListSAsRequest{}) {
		require.ErrorIs(t, err, vici.ErrMalformed)
		_, err = s.Call(t.Context(), "version", nil)
		require.NoError(t, err)
		heard++
	}
	for _, err := range s.Stream(t.Context(), "list-sas", "list-sa", nil) {
		require.ErrorIs(t, err, vici.ErrMalformed)
		_, err = s.Call(t.Context(), "version", nil)
		require.NoError(t, err)
		heard++
	}
	require.Equal(t, 2, heard)
}

func TestBreakReadsTheStreamToItsEnd(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		for i := range 1000 {
			p.item(strconv.Itoa(i))
		}
		p.endStream("item")
		p.answer("version", nil)
		p.untilGone()
	})
	for m, err := range s.Stream(t.Context(), "list", "item", nil) {
		require.NoError(t, err)
		require.Equal(t, key("n", "0"), m)
		break
	}
	_, err := s.Call(t.Context(), "version", nil)
	require.NoError(t, err)
}

// A loop that was left must not hear of what happens afterwards; the next call does.
func TestBreakAndThenAnError(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		p.item("1")
	})
	for _, err := range s.Stream(t.Context(), "list", "item", nil) {
		require.NoError(t, err)
		break
	}
	_, err := s.Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, vici.ErrClosed)
	require.ErrorContains(t, err, "daemon closed the connection")
}

func TestContextEndsStream(t *testing.T) {
	scripts := map[string]struct {
		script func(*peer)
		values []string
	}{
		"registration": {func(p *peer) { p.expect(vici.EventRegister, "item") }, nil},
		"answer":       {func(p *peer) { p.beginStream("list", "item") }, nil},
		"events":       {func(p *peer) { p.beginStream("list", "item"); p.item("1"); p.item("2") }, []string{"1", "2"}},
		"half an event": {func(p *peer) {
			p.beginStream("list", "item")
			p.item("1")
			p.raw([]byte("\x00\x00\x00\x10\x07\x04it"))
		}, []string{"1"}},
		"end of the registration": {func(p *peer) {
			p.beginStream("list", "item")
			p.send(vici.CmdResponse, "", nil)
			p.expect(vici.EventUnregister, "item")
		}, nil},
	}
	for name, test := range scripts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := dialPipe(t, nil, func(p *peer) {
					test.script(p)
					p.untilGone()
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				values, err := collect(ctx, s, "list")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, test.values, values)
				require.Equal(t, time.Second, time.Since(start))
				requireEnded(t, s, err, "stream", "list")
			})
		})
	}
}

func TestContextEndsInTheLoopBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) {
			p.beginStream("list", "item")
			p.item("1")
			p.untilGone()
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for m, err := range s.Stream(ctx, "list", "item", nil) {
			if last = err; err == nil {
				require.Equal(t, key("n", "1"), m)
				cancel()
			}
		}
		require.ErrorIs(t, last, context.Canceled)
		requireEnded(t, s, last, "stream", "list")
	})
}

// What was read ahead of a context's end is not handed out after it.
func TestContextEndsAmidEventsThatAreThere(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		p.raw([]byte("\x00\x00\x00\x06\x07\x04item\x00\x00\x00\x06\x07\x04item\x00\x00\x00\x01\x01"))
		p.untilGone()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := 0
	var last error
	for _, err := range s.Stream(ctx, "list", "item", nil) {
		if last = err; err == nil {
			events++
			cancel()
		}
	}
	require.Equal(t, 1, events)
	require.ErrorIs(t, last, context.Canceled)
	requireEnded(t, s, last, "stream", "list")
}

// Also the reading that follows a break is bound to the context.
func TestContextEndsAfterABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) {
			p.beginStream("list", "item")
			p.item("1")
			p.untilGone()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		for _, err := range s.Stream(ctx, "list", "item", nil) {
			require.NoError(t, err)
			break
		}
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, s.Err(), context.DeadlineExceeded)
	})
}

func TestCallInTheLoopBodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) {
			p.beginStream("list", "item")
			p.item("1")
			p.endStream("item")
			p.untilGone()
		})
		for _, err := range s.Stream(t.Context(), "list", "item", nil) {
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err = s.Call(ctx, "version", nil)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.NoError(t, s.Err(), "the stream itself was not harmed")
	})
}

func TestCloseInTheLoopBody(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		p.item("1")
		p.untilGone()
	})
	var last error
	for _, err := range s.Stream(t.Context(), "list", "item", nil) {
		if last = err; err == nil {
			require.NoError(t, s.Close())
		}
	}
	require.ErrorIs(t, last, vici.ErrClosed)
}

var errLoopBody = errors.New("loop body")

func TestPanicInTheLoopBody(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		p.item("1")
		p.untilGone()
	})
	require.PanicsWithValue(t, errLoopBody, func() {
		for _, err := range s.Stream(t.Context(), "list", "item", nil) {
			require.NoError(t, err)
			panic(errLoopBody)
		}
	})
	_, err := s.Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, vici.ErrClosed, "the turn is free and the session is not")
	require.ErrorContains(t, err, "abandoned")
}

func TestGoexitInTheLoopBody(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list", "item")
		p.item("1")
		p.untilGone()
	})
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		for _, err := range s.Stream(t.Context(), "list", "item", nil) {
			if err == nil {
				runtime.Goexit()
			}
		}
	}()
	<-exited
	_, err := s.Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, vici.ErrClosed)
}

func TestListSAsRequest(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.confirm(vici.EventRegister, "list-sa")
		body := p.expect(vici.CmdRequest, "list-sas")
		m, err := vici.ParseMessage(body)
		if err != nil || m.String() != "{noblock=yes ike=gw ike-id=6 child=net child-id=7}" {
			p.stop("%v %v", m, err)
		}
		p.endStream("list-sa")
		p.confirm(vici.EventRegister, "list-sa")
		if body := p.expect(vici.CmdRequest, "list-sas"); len(body) != 0 {
			p.stop("%q", body)
		}
		p.endStream("list-sa")
		p.untilGone()
	})
	all := vici.ListSAsRequest{NoBlock: true, IKE: "gw", IKEID: vici.Some[uint32](6), Child: "net", ChildID: vici.Some[uint32](7)}
	for _, request := range []vici.ListSAsRequest{all, {}} {
		for _, err := range s.ListSAs(t.Context(), request) {
			require.NoError(t, err)
			require.Fail(t, "nothing was listed")
		}
	}
}

// A million SAs through a consumer that pauses: all arrive, in order, and memory does not grow.
func TestMillionSAs(t *testing.T) {
	const count, pause = 1_000_000, 100_000
	s := dialPipe(t, nil, func(p *peer) {
		p.beginStream("list-sas", "list-sa")
		var e vici.Encoder
		var body, out []byte
		for i := range count {
			e.Reset(body[:0])
			e.Section("gw")
			e.KeyValue("uniqueid", strconv.Itoa(i))
			e.EndSection()
			body, _ = e.Bytes()
			out, _ = vici.AppendPacket(out, vici.EventPacket, "list-sa", body)
			if len(out) > 60_000 || i == count-1 {
				p.raw(out)
				out = out[:0]
			}
		}
		p.endStream("list-sa")
		p.untilGone()
	})
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, next := heap(), uint32(0)
	for sa, err := range s.ListSAs(t.Context(), vici.ListSAsRequest{}) {
		if id, ok := sa.UniqueID.Get(); err != nil || !ok || id != next {
			require.NoError(t, err)
			require.Equal(t, next, id)
		}
		if next++; next%pause == 0 {
			require.Less(t, heap(), before+1<<20)
		}
	}
	require.EqualValues(t, count, next)
}
