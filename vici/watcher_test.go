// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

var errRefused = errors.New("connection refused")

// A watch runs a Watcher against scripts, one for each connection; a nil script refuses it. After
// the last one every connection is refused.
type watch struct {
	vici.Watcher

	scripts []func(*peer)
	dials   int
	log     []string // what the callbacks were told
	ends    []error
	waits   []time.Duration
	running sync.WaitGroup
}

func newWatch(t *testing.T, scripts ...func(*peer)) *watch {
	t.Helper()
	w := &watch{scripts: scripts}
	w.Dialer = &vici.Dialer{Address: "tcp://pipe:1", DialContext: func(context.Context, string, string) (net.Conn, error) {
		w.dials++
		if w.dials > len(w.scripts) || w.scripts[w.dials-1] == nil {
			return nil, errRefused
		}
		script := w.scripts[w.dials-1]
		client, daemon := net.Pipe()
		w.running.Go(func() {
			defer daemon.Close()
			script(&peer{t: t, conn: daemon, in: vici.NewPacketReader(daemon, 0)})
		})
		return client, nil
	}}
	w.Events = []string{"log"}
	w.OnEvent = func(e vici.Event) { w.log = append(w.log, string(e.Body)) }
	w.OnDisconnect = func(err error, wait time.Duration) {
		w.ends = append(w.ends, err)
		w.waits = append(w.waits, wait)
	}
	t.Cleanup(w.running.Wait)
	return w
}

// runFor runs the watcher for a time of the test's clock.
func (w *watch) runFor(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	start := time.Now()
	require.Equal(t, context.DeadlineExceeded, w.Run(ctx))
	require.Equal(t, d, time.Since(start), "it ends with its context")
}

// oneEvent confirms the registration, sends one event and goes.
func oneEvent(body string) func(*peer) {
	return func(p *peer) {
		p.confirm(vici.EventRegister, "log")
		p.send(vici.EventPacket, "log", []byte(body))
	}
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, oneEvent("1"), nil, oneEvent("2"), func(p *peer) {
			p.confirm(vici.EventRegister, "log")
			p.send(vici.EventPacket, "log", []byte("3"))
			p.untilGone()
		})
		w.runFor(t, time.Hour)
		require.Equal(t, []string{"1", "2", "3"}, w.log)
		require.Len(t, w.ends, 3)
		require.ErrorContains(t, w.ends[0], "vici: events (tcp://pipe:1): daemon closed the connection")
		require.ErrorIs(t, w.ends[1], errRefused)
		require.Equal(t, 4, w.dials)
	})
}

func TestWatcherBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, nil, nil, nil, nil, oneEvent("connected"))
		w.MinBackoff, w.MaxBackoff = time.Second, 5*time.Second
		w.runFor(t, time.Minute)
		longest := []int{1, 2, 4, 5 /* connected */, 1, 2, 4, 5, 5, 5, 5} // seconds
		require.Greater(t, len(w.waits), len(longest))
		for i, seconds := range longest {
			require.LessOrEqual(t, w.waits[i].Seconds(), float64(seconds), i)
			require.GreaterOrEqual(t, w.waits[i].Seconds(), float64(seconds)/2, i)
		}
		require.Len(t, w.waits, w.dials)
	})
}

// A connection that brings nothing is a failure, too: a daemon that drops each client after its registration, or sends what
// nobody can read, is asked less and less often.
func TestWatcherBackoffAfterNothing(t *testing.T) {
	for name, end := range map[string]func(*peer){
		"dropped":  func(*peer) {},
		"oversize": func(p *peer) { p.raw([]byte("\x00\x08\x00\x01\x07")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				short := func(p *peer) {
					p.confirm(vici.EventRegister, "log")
					end(p)
				}
				w := newWatch(t, slices.Repeat([]func(*peer){short}, 100)...)
				w.MinBackoff, w.MaxBackoff = 10*time.Millisecond, time.Second
				snapshots := 0
				w.OnConnect = func(context.Context, []string) error { snapshots++; return nil }
				w.runFor(t, 10*time.Second)
				require.LessOrEqual(t, w.dials, 7+20)
				require.Equal(t, w.dials, snapshots)
				require.GreaterOrEqual(t, w.waits[len(w.waits)-1], 500*time.Millisecond)
			})
		})
	}
}

// A quiet connection that lasted is none of those.
func TestWatcherBackoffAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, nil, nil, nil, nil, func(p *peer) {
			p.confirm(vici.EventRegister, "log")
			<-time.After(9 * time.Second)
		})
		w.MinBackoff, w.MaxBackoff = time.Second, 8*time.Second
		w.runFor(t, time.Minute)
		require.ErrorIs(t, w.ends[4], io.EOF)
		require.LessOrEqual(t, w.waits[4], time.Second)
	})
}

func TestWatcherBackoffDefaults(t *testing.T) {
	var jitter []time.Duration
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := newWatch(t)
			w.runFor(t, 10*time.Minute)
			jitter = append(jitter, w.waits[0])
			require.LessOrEqual(t, w.waits[0], 500*time.Millisecond)
			require.GreaterOrEqual(t, w.waits[0], 250*time.Millisecond)
			last := w.waits[len(w.waits)-1]
			require.LessOrEqual(t, last, 30*time.Second)
			require.GreaterOrEqual(t, last, 15*time.Second)
		})
	}
	require.NotEqual(t, jitter[0], jitter[len(jitter)-1], "exporters that lost one daemon together do not come back together")
}

// A minimum above the default maximum is no mistake.
func TestWatcherBackoffMinimumAboveMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t)
		w.MinBackoff = time.Minute
		w.runFor(t, time.Hour)
		for _, wait := range w.waits {
			require.LessOrEqual(t, wait, time.Minute)
			require.GreaterOrEqual(t, wait, 30*time.Second)
		}
	})
}

func TestWatcherOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, func(p *peer) {
			p.expect(vici.EventRegister, "log")
			p.send(vici.EventPacket, "log", []byte("early"))
			p.send(vici.EventConfirm, "", nil)
			p.expect(vici.EventRegister, "alert")
			p.send(vici.EventUnknown, "", nil)
			p.send(vici.EventPacket, "log", []byte("waits"))
			p.untilGone()
		})
		w.Events = []string{"log", "alert"}
		w.OnConnect = func(_ context.Context, unsupported []string) error {
			require.Equal(t, []string{"alert"}, unsupported)
			<-time.After(time.Second) // a snapshot
			w.log = append(w.log, "connected")
			return nil
		}
		w.runFor(t, time.Minute)
		require.Equal(t, []string{"connected", "early", "waits"}, w.log)
		require.Empty(t, w.ends)
	})
}

var errSnapshot = errors.New("no snapshot")

func TestWatcherOnConnectError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		connected := func(p *peer) {
			p.confirm(vici.EventRegister, "log")
			p.send(vici.EventPacket, "log", []byte("seen"))
			p.untilGone()
		}
		w := newWatch(t, connected, connected, connected)
		tries := 0
		w.MinBackoff = time.Second
		w.OnConnect = func(context.Context, []string) error {
			if tries++; tries < 3 {
				return errSnapshot
			}
			return nil
		}
		w.runFor(t, time.Minute)
		require.Equal(t, []string{"seen"}, w.log)
		require.Len(t, w.ends, 2)
		require.ErrorIs(t, w.ends[0], errSnapshot)
		require.Greater(t, w.waits[1], time.Second-1, "a failure, so the waits grow")
	})
}

func TestWatcherTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(p *peer) { p.untilGone() }
		w := newWatch(t, silent, silent)
		w.Timeout = 3 * time.Second
		start := time.Now()
		var took []time.Duration
		w.OnDisconnect = func(err error, wait time.Duration) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			took = append(took, time.Since(start))
			start = time.Now().Add(wait)
			w.scripts = append(w.scripts, silent)
		}
		w.runFor(t, time.Minute)
		require.Greater(t, len(took), 2)
		for _, d := range took {
			require.Equal(t, w.Timeout, d)
		}
	})
}

func TestWatcherKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, func(p *peer) {
			p.confirm(vici.EventRegister, "log")
			p.untilGone()
		}, oneEvent("after"))
		w.KeepAlive = keepAlive
		w.runFor(t, time.Hour)
		require.Equal(t, []string{"after"}, w.log)
		require.ErrorContains(t, w.ends[0], "daemon did not answer for 30s")
	})
}

func TestWatcherEndsWithItsContext(t *testing.T) {
	phases := map[string]func(*peer){
		"registering": func(p *peer) { p.untilGone() },
		"reading": func(p *peer) {
			p.confirm(vici.EventRegister, "log")
			p.untilGone()
		},
		"waiting": nil,
	}
	for name, script := range phases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newWatch(t, script).runFor(t, 100*time.Millisecond)
			})
		})
	}
	t.Run("in OnEvent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := newWatch(t, func(p *peer) {
				p.confirm(vici.EventRegister, "log")
				p.raw([]byte("\x00\x00\x00\x06\x07\x03log1\x00\x00\x00\x06\x07\x03log2"))
				p.untilGone()
			})
			w.OnEvent = func(vici.Event) { w.dials += 100; cancel() }
			require.Equal(t, context.Canceled, w.Run(ctx))
			require.Equal(t, 101, w.dials, "no event after the end")
		})
	})
}

func TestWatcherThatCannotWork(t *testing.T) {
	event := func(vici.Event) {}
	dialer := &vici.Dialer{}
	for _, w := range []vici.Watcher{
		{},
		{Dialer: dialer, OnEvent: event},
		{Dialer: dialer, Events: []string{"log"}},
		{Events: []string{"log"}, OnEvent: event},
	} {
		require.ErrorContains(t, w.Run(t.Context()), "a Watcher needs")
	}
	w := vici.Watcher{Dialer: &vici.Dialer{Address: "charon.vici"}, Events: []string{"log"}, OnEvent: event}
	require.ErrorContains(t, w.Run(t.Context()), "unix:///path/to/charon.vici")
}
