// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// numbered returns so many names of connections.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "gw-" + strconv.Itoa(i)
	}
	return names
}

// countersPeer answers get-counters as long as it is asked, each request by what answer sends. It reads ahead, and tells how
// many requests were waiting at most.
func countersPeer(most *int, answer func(p *peer, name string)) func(*peer) {
	return func(p *peer) {
		requests := make(chan string, 1000)
		go func() {
			defer close(requests)
			for {
				packet, err := p.in.Next()
				if err != nil {
					return
				}
				m, err := vici.ParseMessage(packet.Body)
				if err != nil || string(packet.Name) != "get-counters" {
					p.t.Errorf("unexpected request %q: %v", packet.Name, err)
					return
				}
				name, _ := m.Value("name")
				requests <- name
			}
		}()
		for name := range requests {
			synctest.Wait() // all that will be asked without an answer is asked
			*most = max(*most, 1+len(requests))
			answer(p, name)
		}
	}
}

func countersOf(name string, n int) *vici.Message {
	counters := new(vici.Message).Add("child-rekey", strconv.Itoa(n)).Add("info-out-req", "7").Add("news", "1")
	return new(vici.Message).AddSection("counters", new(vici.Message).AddSection(name, counters))
}

func noCounters() *vici.Message {
	return new(vici.Message).AddSection("counters", new(vici.Message)).Add("success", "no").Add("errmsg", "no counters found")
}

func TestCountersOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		most, requests, done := 0, 0, 0
		d := &vici.Dialer{Trace: &vici.Trace{
			Request: func(string) { requests++ },
			Done:    func(string, time.Duration, error) { done++ },
		}}
		s := dialPipe(t, d, countersPeer(&most, func(p *peer, name string) {
			var n int
			_, _ = fmt.Sscanf(name, "gw-%d", &n)
			if n%10 == 3 {
				p.sendMessage(vici.CmdResponse, "", noCounters())
				return
			}
			p.sendMessage(vici.CmdResponse, "", countersOf(name, n))
		}))
		names := numbered(100)
		i := 0
		for c, err := range s.CountersOf(t.Context(), names) {
			require.NoError(t, err)
			if i%10 == 3 {
				i++
			}
			require.Equal(t, names[i], c.Name)
			require.Equal(t, vici.Some(uint64(i)), c.ChildRekey)
			require.Equal(t, vici.Some(uint64(7)), c.InfoOutReq)
			require.False(t, c.Invalid.Present())
			require.Equal(t, "{news=1}", c.Extra.String())
			i++
		}
		require.Equal(t, 100, i)
		require.Equal(t, 100, requests)
		require.Equal(t, 1, done)
		require.Equal(t, 32, most, "the daemon's queue must not grow")
	})
}

func TestCountersOfNobody(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) { p.answer("version", nil) })
	yielded, err := countersIn(s.CountersOf(t.Context(), nil))
	require.NoError(t, err)
	require.Empty(t, yielded)
	requireUsable(t, s)
}

// countersIn returns the names in a stream of counters, and the error at its end.
func countersIn(stream iter.Seq2[*vici.Counters, error]) (names []string, failure error) {
	for c, err := range stream {
		if err != nil {
			failure = err
			continue
		}
		names = append(names, c.Name)
	}
	return names, failure
}

// first leaves a stream after some steps.
func first[T any](stream iter.Seq2[T, error], steps int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range stream {
			steps--
			if !yield(item, err) || steps == 0 {
				return
			}
		}
	}
}

// requireUsable insists that the next answer is that to the next request.
func requireUsable(t *testing.T, s *vici.Session) {
	t.Helper()
	_, err := s.Version(t.Context())
	require.NoError(t, err)
}

// What the daemon says of one connection, however wrong, leaves the session usable; so does a loop that is left.
func TestCountersOfGoesOn(t *testing.T) {
	malformed := func(p *peer) { p.send(vici.CmdResponse, "", []byte("\x03")) }
	for name, test := range map[string]struct {
		third  func(*peer)
		yields int
		err    error
	}{
		"malformed":       {malformed, 19, vici.ErrMalformed},
		"unknown command": {func(p *peer) { p.send(vici.CmdUnknown, "", nil) }, 19, vici.ErrUnknownCommand},
		"left":            {func(p *peer) { p.sendMessage(vici.CmdResponse, "", countersOf("gw-2", 2)) }, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 20 // one piece
			s := dialPipe(t, nil, func(p *peer) {
				for range n {
					p.expect(vici.CmdRequest, "get-counters")
				}
				for i := range n {
					if i == 2 {
						test.third(p)
						continue
					}
					p.sendMessage(vici.CmdResponse, "", countersOf("gw-"+strconv.Itoa(i), i))
				}
				p.answer("version", nil)
			})
			stream := s.CountersOf(t.Context(), numbered(n))
			if test.err == nil {
				stream = first(stream, test.yields)
			}
			yielded, err := countersIn(stream)
			require.ErrorIs(t, err, test.err)
			require.Len(t, yielded, test.yields)
			requireUsable(t, s)
		})
	}
}

// A request that cannot be sent is an error of its own; those before it are answered.
func TestCountersOfTooLong(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.answer("get-counters", countersOf("gw-0", 0))
		p.answer("version", nil)
	})
	yielded, err := countersIn(s.CountersOf(t.Context(), []string{"gw-0", strings.Repeat("x", vici.MaxValue+1), "gw-2"}))
	require.ErrorIs(t, err, vici.ErrTooLarge)
	require.Equal(t, []string{"gw-0"}, yielded)
	requireUsable(t, s)
}

// A daemon without the plugin has no counters of anybody, which is not the same as a connection without any.
func TestCountersOfWithoutThePlugin(t *testing.T) {
	daemon := vicitest.NewDaemon(vicitest.Config{NoCounters: true})
	t.Cleanup(daemon.Close)
	s, err := vici.Dial(t.Context(), daemon.Address())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	yielded, failure := countersIn(s.CountersOf(t.Context(), numbered(100)))
	require.Empty(t, yielded)
	var refused *vici.CommandError
	require.ErrorAs(t, failure, &refused)
	require.Equal(t, "get-counters", refused.Command)
	require.NotEmpty(t, refused.Message)
	require.NoError(t, second(s.Version(t.Context())))
}

func TestCountersOfGone(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.CmdRequest, "get-counters")
		p.expect(vici.CmdRequest, "get-counters")
		p.sendMessage(vici.CmdResponse, "", countersOf("gw-0", 0))
	})
	_, failure := countersIn(s.CountersOf(t.Context(), numbered(2)))
	require.ErrorIs(t, failure, io.EOF)
	requireEnded(t, s, failure, "call", "get-counters")
}

func TestCountersOfInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) { p.untilGone() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, failure := countersIn(s.CountersOf(ctx, numbered(100)))
		require.ErrorIs(t, failure, context.DeadlineExceeded)
		requireEnded(t, s, failure, "call", "get-counters")
	})
}
