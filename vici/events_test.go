// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// next ranges over a subscription for n events.
func next(ctx context.Context, t *testing.T, e *vici.Events, n int) []string {
	t.Helper()
	var seen []string
	for event, err := range e.All(ctx) {
		require.NoError(t, err)
		seen = append(seen, event.Name+" "+string(event.Body))
		if len(seen) == n {
			break
		}
	}
	return seen
}

// lastError ranges over a subscription until it ends.
func lastError(ctx context.Context, e *vici.Events) (last error) {
	for _, err := range e.All(ctx) {
		last = err
	}
	return last
}

func subscribe(t *testing.T, script func(*peer)) *vici.Events {
	t.Helper()
	s := dialPipe(t, nil, func(p *peer) {
		p.confirm(vici.EventRegister, "log")
		script(p)
	})
	e, err := s.Events(t.Context(), "log")
	require.NoError(t, err)
	return e
}

func TestEvents(t *testing.T) {
	var e *vici.Events
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.EventRegister, "log")
		p.send(vici.EventPacket, "log", []byte("before its confirmation"))
		p.send(vici.EventConfirm, "", nil)
		p.expect(vici.EventRegister, "alert")
		p.send(vici.EventPacket, "log", []byte("before a refusal"))
		p.send(vici.EventUnknown, "", nil)
		p.expect(vici.EventRegister, "ike-updown")
		p.send(vici.EventConfirm, "", nil)
		for i := range 3 {
			p.send(vici.EventPacket, "ike-updown", []byte(strconv.Itoa(i)))
			p.send(vici.EventPacket, "log", []byte(strconv.Itoa(i)))
		}
	})
	e, err := s.Events(t.Context(), "log", "alert", "ike-updown")
	require.NoError(t, err)
	require.Equal(t, []string{"alert"}, e.Unsupported())
	require.Equal(t, []string{"log before its confirmation"}, next(t.Context(), t, e, 1))
	require.Equal(t, []string{"log before a refusal", "ike-updown 0", "log 0", "ike-updown 1"}, next(t.Context(), t, e, 4))
	require.Equal(t, []string{"log 1", "ike-updown 2", "log 2"}, next(t.Context(), t, e, 3), "nothing is lost between two loops")

	err = lastError(t.Context(), e)
	var opErr *vici.OpError
	require.ErrorAs(t, err, &opErr)
	require.Equal(t, "events", opErr.Op)
	require.ErrorContains(t, err, "daemon closed the connection")
	require.ErrorIs(t, lastError(t.Context(), e), vici.ErrClosed)
	require.ErrorIs(t, s.Err(), vici.ErrClosed)
}

func TestEventMessage(t *testing.T) {
	e := subscribe(t, func(p *peer) {
		p.sendMessage(vici.EventPacket, "log", key("msg", "hello"))
		p.send(vici.EventPacket, "log", []byte("\x03"))
		p.sendMessage(vici.EventPacket, "log", key("msg", "again"))
		p.untilGone()
	})
	var seen []string
	for event, err := range e.All(t.Context()) {
		require.NoError(t, err)
		m, err := event.Message()
		if err != nil {
			require.ErrorIs(t, err, vici.ErrMalformed)
		}
		seen = append(seen, m.String())
		if len(seen) == 3 {
			break
		}
	}
	require.Equal(t, []string{"{msg=hello}", "{}", "{msg=again}"}, seen)
}

func TestEventsOwnTheirSession(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.confirm(vici.EventRegister, "log")
		p.send(vici.EventPacket, "log", []byte("1"))
		p.untilGone()
	})
	e, err := s.Events(t.Context(), "log")
	require.NoError(t, err)

	_, err = s.Call(t.Context(), "version", nil)
	require.ErrorIs(t, err, vici.ErrClosed)
	require.ErrorContains(t, err, "belongs to its Events")
	for _, err := range s.Stream(t.Context(), "list", "item", nil) {
		require.ErrorIs(t, err, vici.ErrClosed)
	}
	_, err = s.Events(t.Context(), "alert")
	require.ErrorIs(t, err, vici.ErrClosed)

	require.NoError(t, s.Err(), "the subscription goes on")
	require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
}

// A call that waits while the subscription is made must not get to read its events.
func TestEventsAgainstAWaitingCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) {
			p.expect(vici.EventRegister, "log")
			<-time.After(time.Second)
			p.send(vici.EventConfirm, "", nil)
			p.send(vici.EventPacket, "log", []byte("1"))
			p.untilGone()
		})
		called := make(chan error, 1)
		go func() {
			<-time.After(time.Millisecond)
			_, err := s.Call(t.Context(), "version", nil)
			called <- err
		}()
		e, err := s.Events(t.Context(), "log")
		require.NoError(t, err)
		require.ErrorIs(t, <-called, vici.ErrClosed)
		require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
	})
}

func TestEventsEndedWhileRegistering(t *testing.T) {
	wrong := faults(vici.CmdRequest, vici.CmdResponse, vici.CmdUnknown, vici.EventRegister)
	for name, test := range wrong {
		t.Run(name, func(t *testing.T) {
			s := dialPipe(t, nil, func(p *peer) {
				p.confirm(vici.EventRegister, "log")
				p.expect(vici.EventRegister, "alert")
				test.do(p)
			})
			e, err := s.Events(t.Context(), "log", "alert")
			require.Nil(t, e)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			requireEnded(t, s, err, "events", "")
		})
	}
}

func TestEventsEndedWhileReading(t *testing.T) {
	wrong := faults(vici.CmdRequest, vici.CmdResponse, vici.CmdUnknown, vici.EventConfirm, vici.EventUnknown)
	for name, test := range wrong {
		t.Run(name, func(t *testing.T) {
			e := subscribe(t, func(p *peer) {
				p.send(vici.EventPacket, "log", []byte("1"))
				test.do(p)
			})
			require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
			err := lastError(t.Context(), e)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestTooManyEarlyEvents(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.EventRegister, "log")
		for range 40 {
			p.send(vici.EventPacket, "log", make([]byte, 500_000))
		}
		p.send(vici.EventConfirm, "", nil)
		p.untilGone()
	})
	_, err := s.Events(t.Context(), "log")
	require.ErrorIs(t, err, vici.ErrTooLarge)
	requireEnded(t, s, err, "events", "")
}

// What came early is not kept longer than needed: there can be 16 MiB of it, and subscriptions live long.
func TestEarlyEventsAreForgotten(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.EventRegister, "log")
		for range 3 {
			p.send(vici.EventPacket, "log", make([]byte, 100_000))
		}
		p.send(vici.EventConfirm, "", nil)
		p.untilGone()
	})
	e, err := s.Events(t.Context(), "log")
	require.NoError(t, err)
	var seen []weak.Pointer[byte]
	for event, err := range e.All(t.Context()) {
		require.NoError(t, err)
		if seen = append(seen, weak.Make(&event.Body[0])); len(seen) == 3 {
			break
		}
	}
	runtime.GC()
	for _, body := range seen {
		require.Nil(t, body.Value())
	}
	require.Zero(t, e.KeptEarly())
}

// A daemon counts registrations and sends an event as often.
func TestEventsNamedTwice(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.confirm(vici.EventRegister, "log")
		p.expect(vici.EventRegister, "alert")
		p.send(vici.EventUnknown, "", nil)
		p.send(vici.EventPacket, "log", []byte("1"))
		p.untilGone()
	})
	e, err := s.Events(t.Context(), "log", "alert", "log", "alert")
	require.NoError(t, err)
	require.Equal(t, []string{"alert"}, e.Unsupported())
	require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
}

func TestContextEndsEvents(t *testing.T) {
	for _, keepAlive := range []time.Duration{0, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			e := subscribe(t, func(p *peer) {
				p.send(vici.EventPacket, "log", []byte("1"))
				p.untilGone()
			})
			e.KeepAlive(keepAlive)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			require.Equal(t, []string{"log 1"}, next(ctx, t, e, 1))
			require.ErrorIs(t, lastError(ctx, e), context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(start))
			require.ErrorIs(t, lastError(t.Context(), e), vici.ErrClosed)
		})
	}
}

func TestEventsWithEndedContext(t *testing.T) {
	e := subscribe(t, func(p *peer) { p.untilGone() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, lastError(ctx, e), context.Canceled)
}

func TestCloseEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := subscribe(t, func(p *peer) {
			p.raw([]byte("\x00\x00\x00\x06\x07\x03log1\x00\x00\x00\x06\x07\x03log2"))
			p.untilGone()
		})
		require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
		go func() {
			<-time.After(time.Second)
			_ = e.Close()
		}()
		var seen int
		for _, err := range e.All(t.Context()) {
			if err != nil {
				require.ErrorIs(t, err, vici.ErrClosed)
				break
			}
			seen++
		}
		require.Equal(t, 1, seen)
	})
}

// What was read ahead is not delivered after Close.
func TestClosedEventsDeliverNothing(t *testing.T) {
	e := subscribe(t, func(p *peer) {
		p.raw([]byte("\x00\x00\x00\x06\x07\x03log1\x00\x00\x00\x06\x07\x03log2"))
		p.untilGone()
	})
	require.Equal(t, []string{"log 1"}, next(t.Context(), t, e, 1))
	require.NoError(t, e.Close())
	for _, err := range e.All(t.Context()) {
		require.ErrorIs(t, err, vici.ErrClosed)
	}
}

const keepAlive = 30 * time.Second

func TestKeepAliveOverADeadPeer(t *testing.T) {
	scripts := map[string]func(*peer){
		"that reads":           func(p *peer) { p.untilGone() },
		"that does not read":   func(p *peer) { <-p.t.Context().Done() },
		"that sent half":       func(p *peer) { p.raw([]byte("\x00\x00\x00\x06\x07")); p.untilGone() },
		"that reads a part":    func(p *peer) { _, _ = p.conn.Read(make([]byte, 3)); <-p.t.Context().Done() },
		"that spoke long past": func(p *peer) { p.expect(vici.CmdRequest, "version"); p.raw([]byte{0}); p.untilGone() },
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := subscribe(t, script)
				e.KeepAlive(keepAlive)
				start := time.Now()
				err := lastError(t.Context(), e)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.Equal(t, 2*keepAlive, time.Since(start))
				require.ErrorIs(t, lastError(t.Context(), e), vici.ErrClosed)
			})
		})
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		at := func(p *peer, want time.Duration) {
			if got := time.Since(start); got != want {
				p.stop("asked after %v, not %v", got, want)
			}
		}
		e := subscribe(t, func(p *peer) {
			p.answer("version", nil) // a sign of life
			at(p, keepAlive)
			p.expect(vici.CmdRequest, "version")
			at(p, 2*keepAlive)
			p.send(vici.EventPacket, "log", []byte("before the answer"))
			p.send(vici.CmdUnknown, "", nil) // also one
			<-time.After(keepAlive - 1)
			p.send(vici.EventPacket, "log", []byte("in time"))
			p.answer("version", nil)
			at(p, 4*keepAlive-1)
			p.send(vici.EventPacket, "log", []byte("last"))
			p.untilGone()
		})
		e.KeepAlive(keepAlive)
		require.Equal(t, []string{"log before the answer", "log in time", "log last"}, next(t.Context(), t, e, 3))
	})
}

// The deadline of a loop with a keep-alive must not end a later loop without one.
func TestKeepAliveSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := subscribe(t, func(p *peer) {
			p.send(vici.EventPacket, "log", []byte("1"))
			p.answer("version", nil)
			p.send(vici.EventPacket, "log", []byte("2"))
			<-time.After(10 * keepAlive)
			p.send(vici.EventPacket, "log", []byte("3"))
			p.untilGone()
		})
		e.KeepAlive(keepAlive)
		require.Equal(t, []string{"log 1", "log 2"}, next(t.Context(), t, e, 2))
		e.KeepAlive(0)
		ctx, cancel := context.WithTimeout(t.Context(), 11*keepAlive)
		defer cancel()
		require.Equal(t, []string{"log 3"}, next(ctx, t, e, 1))
		require.ErrorIs(t, lastError(ctx, e), context.DeadlineExceeded, "the context goes on counting")
	})
}

// A daemon that sends requests is none, also while it owes an answer.
func TestKeepAliveInsistsOnAnAnswer(t *testing.T) {
	for _, wrong := range []vici.PacketType{vici.CmdRequest, vici.EventConfirm, vici.EventUnknown} {
		synctest.Test(t, func(t *testing.T) {
			e := subscribe(t, func(p *peer) {
				p.expect(vici.CmdRequest, "version")
				p.send(wrong, "", nil)
			})
			e.KeepAlive(keepAlive)
			require.ErrorIs(t, lastError(t.Context(), e), vici.ErrMalformed)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		e := subscribe(t, func(p *peer) {
			p.answer("version", nil)
			p.send(vici.CmdResponse, "", nil)
		})
		e.KeepAlive(keepAlive)
		require.ErrorIs(t, lastError(t.Context(), e), vici.ErrMalformed, "one answer to one question")
	})
}

// The context's end must not get lost when it coincides with a new deadline of the keep-alive.
func TestContextEndsWithTheKeepAlive(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			e := subscribe(t, func(p *peer) {
				for {
					packet, err := p.in.Next()
					if err != nil {
						return
					}
					p.send(vici.CmdResponse, "", packet.Body)
				}
			})
			e.KeepAlive(keepAlive)
			ctx, cancel := context.WithTimeout(t.Context(), 3*keepAlive)
			defer cancel()
			start := time.Now()
			require.ErrorIs(t, lastError(ctx, e), context.DeadlineExceeded)
			require.Equal(t, 3*keepAlive, time.Since(start))
		})
	}
}
