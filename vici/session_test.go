// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A fault is something that ends a session, and the error that tells it.
type fault struct {
	do   func(*peer)
	want error
	text string
}

// faults are those that a daemon, or what pretends to be one, can do instead of answering.
func faults(wrong ...vici.PacketType) map[string]fault {
	raw := func(b string) func(*peer) { return func(p *peer) { p.raw([]byte(b)) } }
	all := map[string]fault{
		"gone":            {func(*peer) {}, io.EOF, "daemon closed the connection: EOF"},
		"half a header":   {raw("\x00\x00"), io.ErrUnexpectedEOF, "daemon closed the connection inside a packet"},
		"half a packet":   {raw("\x00\x00\x00\x09\x01abc"), io.ErrUnexpectedEOF, "daemon closed the connection inside a packet"},
		"empty segment":   {raw("\x00\x00\x00\x00"), vici.ErrMalformed, "empty segment"},
		"unknown type":    {raw("\x00\x00\x00\x01\x08"), vici.ErrMalformed, "unknown packet type 8"},
		"garbage":         {raw("\x00\x00\x00\x05HTTP/1.1 400 Bad Request\r\n"), vici.ErrMalformed, "unknown packet type 72"},
		"oversize":        {raw("\x00\x08\x00\x01\x01"), vici.ErrTooLarge, "segment of 524289 bytes announced"},
		"4 GiB announced": {raw("\xff\xff\xff\xff\x01"), vici.ErrTooLarge, "segment of 4294967295 bytes announced"},
	}
	for _, kind := range wrong {
		name := ""
		if kind.Named() {
			name = "x"
		}
		all[kind.String()] = fault{func(p *peer) { p.send(kind, name, nil) }, vici.ErrMalformed, "daemon sent " + kind.String() + " while"}
	}
	return all
}

// requireEnded insists that err is of the given operation, and that it ended the session for good.
func requireEnded(t *testing.T, s *vici.Session, err error, op, name string) {
	t.Helper()
	var opErr *vici.OpError
	require.ErrorAs(t, err, &opErr)
	require.Equal(t, op, opErr.Op)
	require.Equal(t, name, opErr.Name)
	require.Equal(t, "tcp://pipe:1", opErr.Address)
	require.ErrorIs(t, s.Err(), vici.ErrClosed)

	_, err = s.Call(t.Context(), "later", nil)
	require.ErrorIs(t, err, vici.ErrClosed)
	require.ErrorContains(t, err, "vici: call later (tcp://pipe:1): session is closed (")
	for _, err := range s.Stream(t.Context(), "later", "event", nil) {
		require.ErrorIs(t, err, vici.ErrClosed)
	}
	_, err = s.Events(t.Context(), "log")
	require.ErrorIs(t, err, vici.ErrClosed)
}

func TestCall(t *testing.T) {
	request := key("name", "value").AddList("list", "a", "b")
	s := dialPipe(t, nil, func(p *peer) {
		body := p.expect(vici.CmdRequest, "echo")
		p.send(vici.CmdResponse, "", body)
		p.expect(vici.CmdRequest, "")
		p.send(vici.CmdResponse, "", nil)
		p.untilGone()
	})
	answer, err := s.Call(t.Context(), "echo", request)
	require.NoError(t, err)
	require.Equal(t, request, answer)
	answer, err = s.Call(t.Context(), "", nil)
	require.NoError(t, err)
	require.Zero(t, answer.Len())
	require.NoError(t, s.Err())
}

func TestCallEndedByTheDaemon(t *testing.T) {
	wrong := faults(vici.CmdRequest, vici.EventRegister, vici.EventUnregister, vici.EventConfirm, vici.EventUnknown)
	for name, test := range wrong {
		t.Run(name, func(t *testing.T) {
			s := dialPipe(t, nil, func(p *peer) {
				p.expect(vici.CmdRequest, "version")
				test.do(p)
			})
			_, err := s.Call(t.Context(), "version", nil)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			require.ErrorIs(t, s.Err(), test.want, "the cause is told later, too")
			requireEnded(t, s, err, "call", "version")
		})
	}
}

// What the daemon refuses, and what is wrong with one message only, leaves the session as it was.
func TestCallHarmless(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.CmdRequest, "new")
		p.send(vici.CmdUnknown, "", nil)
		p.answer("initiate", keys("success=no errmsg=busy extra=1"))
		p.answer("initiate", keys("success=no"))
		p.expect(vici.CmdRequest, "broken")
		p.send(vici.CmdResponse, "", []byte("\x03"))
		p.expect(vici.CmdRequest, "deep")
		p.send(vici.CmdResponse, "", []byte(nested(vici.MaxDepth+1)))
		p.answer("version", key("success", "yes"))
		p.untilGone()
	})
	_, err := s.Call(t.Context(), "new", nil)
	require.ErrorIs(t, err, vici.ErrUnknownCommand)

	answer, err := s.Call(t.Context(), "initiate", nil)
	var refused *vici.CommandError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, &vici.CommandError{Command: "initiate", Message: "busy"}, refused)
	require.Equal(t, keys("success=no errmsg=busy extra=1"), answer)
	_, err = s.Call(t.Context(), "initiate", nil)
	require.ErrorContains(t, err, "initiate failed, and the daemon did not say why")

	answer, err = s.Call(t.Context(), "broken", nil)
	require.ErrorIs(t, err, vici.ErrMalformed)
	require.Nil(t, answer)
	_, err = s.Call(t.Context(), "deep", nil)
	require.ErrorIs(t, err, vici.ErrTooLarge)

	_, err = s.Call(t.Context(), strings.Repeat("c", vici.MaxName+1), nil)
	require.ErrorIs(t, err, vici.ErrTooLarge)
	_, err = s.Call(t.Context(), "load", key(strings.Repeat("k", vici.MaxName+1), ""))
	require.ErrorIs(t, err, vici.ErrTooLarge)
	big := new(vici.Message)
	for range 9 {
		big.Add("k", strings.Repeat("v", vici.MaxValue))
	}
	_, err = s.Call(t.Context(), "load", big)
	require.ErrorIs(t, err, vici.ErrTooLarge)

	_, err = s.Call(t.Context(), "version", nil)
	require.NoError(t, err)
}

func TestCallPassesOverEvents(t *testing.T) {
	var unexpected []string
	trace := &vici.Trace{Unexpected: func(event string) { unexpected = append(unexpected, event) }}
	s := dialPipe(t, &vici.Dialer{Trace: trace}, func(p *peer) {
		p.expect(vici.CmdRequest, "version")
		p.send(vici.EventPacket, "log", nil)
		p.send(vici.EventPacket, "ike-updown", []byte("\x03"))
		p.send(vici.CmdResponse, "", nil)
		p.untilGone()
	})
	_, err := s.Call(t.Context(), "version", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"log", "ike-updown"}, unexpected)
}

func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		trace := &vici.Trace{
			Request: func(command string) { told = append(told, "request "+command) },
			Done: func(command string, took time.Duration, err error) {
				told = append(told, fmt.Sprintf("done %s %v %v", command, took, err))
			},
		}
		s := dialPipe(t, &vici.Dialer{Trace: trace}, func(p *peer) {
			p.expect(vici.CmdRequest, "version")
			<-time.After(3 * time.Second)
			p.send(vici.CmdResponse, "", nil)
			p.expect(vici.CmdRequest, "new")
			p.send(vici.CmdUnknown, "", nil)
			p.untilGone()
		})
		_, err := s.Call(t.Context(), "version", nil)
		require.NoError(t, err)
		_, err = s.Call(t.Context(), "new", nil)
		require.Error(t, err)
		require.Equal(t, []string{
			"request version", "done version 3s <nil>",
			"request new", "done new 0s vici: call new (tcp://pipe:1): daemon does not know the command",
		}, told)
	})
}

func TestCallWithEndedContext(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.answer("version", nil)
		p.untilGone()
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Call(ctx, "version", nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "waiting")
	_, err = s.Call(t.Context(), "version", nil)
	require.NoError(t, err, "nothing was sent, so nothing is in doubt")
}

func TestContextEndsWhileWaitingForTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		s := dialPipe(t, nil, func(p *peer) {
			p.expect(vici.CmdRequest, "slow")
			<-answer
			p.send(vici.CmdResponse, "", nil)
			p.untilGone()
		})
		slow := make(chan error)
		go func() {
			_, err := s.Call(t.Context(), "slow", nil)
			slow <- err
		}()
		synctest.Wait()

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Call(ctx, "version", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "while waiting for an earlier call of the session")
		require.Equal(t, time.Second, time.Since(start))
		close(answer)
		require.NoError(t, <-slow)
		require.NoError(t, s.Err())
	})
}

func TestContextEndsCall(t *testing.T) {
	scripts := map[string]func(*peer){
		"while writing":            func(p *peer) { <-p.t.Context().Done() },
		"in the middle of writing": func(p *peer) { _, _ = io.ReadFull(p.conn, make([]byte, 5)); <-p.t.Context().Done() },
		"while reading":            func(p *peer) { p.expect(vici.CmdRequest, "version"); p.untilGone() },
		"in the middle of a packet": func(p *peer) {
			p.expect(vici.CmdRequest, "version")
			p.raw([]byte("\x00\x00\x00\x09\x01"))
			p.untilGone()
		},
		"amid events": func(p *peer) {
			p.expect(vici.CmdRequest, "version")
			p.send(vici.EventPacket, "log", nil)
			p.untilGone()
		},
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := dialPipe(t, nil, script)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := s.Call(ctx, "version", nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Second, time.Since(start))
				var opErr *vici.OpError
				require.ErrorAs(t, err, &opErr)
				require.True(t, opErr.Timeout())
				require.ErrorIs(t, s.Err(), context.DeadlineExceeded)
				requireEnded(t, s, err, "call", "version")
			})
		})
	}
}

// An answer and the context's end that coincide give the one or the other, and a session that knows
// which.
func TestContextEndsWithTheAnswer(t *testing.T) {
	answered, ended := 0, 0
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			s := dialPipe(t, nil, func(p *peer) {
				p.expect(vici.CmdRequest, "first")
				<-time.After(time.Second)
				p.send(vici.CmdResponse, "", nil)
				if packet, err := p.in.Next(); err == nil && string(packet.Name) == "second" {
					p.send(vici.CmdResponse, "", key2)
				}
				p.untilGone()
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.Call(ctx, "first", nil); err != nil {
				ended++
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, s.Err(), vici.ErrClosed)
				return
			}
			answered++
			answer, err := s.Call(t.Context(), "second", nil)
			require.NoError(t, err)
			require.Equal(t, key("is", "second"), answer)
		})
	}
	require.Equal(t, 200, answered+ended)
}

var key2 = []byte("\x03\x02is\x00\x06second")

// A heldConn holds up who sets its deadline into the past, until it is released.
type heldConn struct {
	net.Conn

	release chan struct{}
}

func (c *heldConn) SetDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		<-c.release
	}
	return c.Conn.SetDeadline(t)
}

// The context's end interrupts the connection in a goroutine of its own. A call that has its answer
// by then must wait for that, or the next call would be interrupted.
func TestContextEndsJustAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, daemon := net.Pipe()
		held := &heldConn{client, make(chan struct{})}
		dialer := vici.Dialer{DialContext: func(context.Context, string, string) (net.Conn, error) { return held, nil }}
		s, err := dialer.Dial(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		ctx, cancel := context.WithCancel(t.Context())
		called := make(chan error, 1)
		go func() {
			_, err := s.Call(ctx, "first", nil)
			called <- err
		}()
		p := &peer{t: t, conn: daemon, in: vici.NewPacketReader(daemon, 0)}
		p.expect(vici.CmdRequest, "first")
		synctest.Wait() // now the answer is waited for
		cancel()
		synctest.Wait() // now the interruption is held up
		p.send(vici.CmdResponse, "", nil)
		synctest.Wait()
		require.Empty(t, called)
		close(held.release)
		require.NoError(t, <-called)

		go p.answer("second", nil)
		_, err = s.Call(t.Context(), "second", nil)
		require.NoError(t, err)
	})
}

func TestContextThatEndsAfterItsCall(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		for range 100 {
			p.answer("version", nil)
		}
		p.untilGone()
	})
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Call(ctx, "version", nil)
		require.NoError(t, err)
		cancel()
	}
}

func TestCloseDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dialPipe(t, nil, func(p *peer) {
			p.expect(vici.CmdRequest, "slow")
			p.untilGone()
		})
		slow, waiting := make(chan error), make(chan error)
		go func() {
			_, err := s.Call(t.Context(), "slow", nil)
			slow <- err
		}()
		synctest.Wait()
		go func() {
			_, err := s.Call(t.Context(), "waiting", nil)
			waiting <- err
		}()
		synctest.Wait()
		require.NoError(t, s.Close())
		err := <-slow
		require.ErrorIs(t, err, vici.ErrClosed)
		require.ErrorIs(t, <-waiting, vici.ErrClosed)
		require.NoError(t, s.Close())
		requireEnded(t, s, err, "call", "slow")
		require.ErrorContains(t, s.Err(), "Close was called")
	})
}

// serveEcho answers each request with its own message; "stream" with as many events as "count"
// says.
func serveEcho(p *peer) {
	for {
		packet, err := p.in.Next()
		if err != nil {
			return
		}
		switch body := append([]byte{}, packet.Body...); {
		case packet.Type != vici.CmdRequest:
			p.send(vici.EventConfirm, "", nil)
		case string(packet.Name) == "stream":
			for range 5 {
				p.send(vici.EventPacket, "item", body)
			}
			p.send(vici.CmdResponse, "", nil)
		case string(packet.Name) == "unknown":
			p.send(vici.CmdUnknown, "", nil)
		default:
			p.send(vici.CmdResponse, "", body)
		}
	}
}

// Eight goroutines share one session; each answer must go to its caller.
func TestConcurrentCallers(t *testing.T) {
	s := dialPipe(t, nil, serveEcho)
	var callers sync.WaitGroup
	for id := range 8 {
		callers.Go(func() {
			for i := range 100 {
				mine := key("id", fmt.Sprintf("%d.%d", id, i))
				if err := useSession(t.Context(), s, i, mine); err != nil {
					t.Errorf("caller %d: %v", id, err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func useSession(ctx context.Context, s *vici.Session, i int, mine *vici.Message) error {
	switch i % 4 {
	case 0:
		if _, err := s.Call(ctx, "unknown", mine); !errors.Is(err, vici.ErrUnknownCommand) {
			return fmt.Errorf("unknown command: %w", err)
		}
		return nil
	case 1:
		answer, err := s.Call(ctx, "echo", mine)
		return isMine(mine, answer, err)
	case 2:
		count := 0
		for m, err := range s.Stream(ctx, "stream", "item", mine) {
			if err := isMine(mine, m, err); err != nil {
				return err
			}
			count++
		}
		if count != 5 {
			return fmt.Errorf("%d events", count)
		}
		return nil
	default:
		for m, err := range s.Stream(ctx, "stream", "item", mine) {
			return isMine(mine, m, err)
		}
		return errors.New("empty stream")
	}
}

func isMine(mine, got *vici.Message, err error) error {
	if err != nil {
		return err
	}
	if got.String() != mine.String() {
		return fmt.Errorf("%v instead of %v", got, mine)
	}
	return nil
}

func TestPing(t *testing.T) {
	s := dialPipe(t, nil, func(p *peer) {
		p.expect(vici.EventUnregister, "ping")
		p.send(vici.EventPacket, "log", nil)
		p.send(vici.EventUnknown, "", nil)
		p.expect(vici.EventUnregister, "ping")
		p.send(vici.CmdResponse, "", nil)
	})
	require.NoError(t, s.Ping(t.Context()))
	err := s.Ping(t.Context())
	require.ErrorIs(t, err, vici.ErrMalformed)
	requireEnded(t, s, err, "ping", "")
}
