// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

func TestAnswersOnTheWire(t *testing.T) {
	w := newWire(t, newServer(t))
	request, err := hex.DecodeString("00000009" + "0007" + hex.EncodeToString([]byte("version")))
	require.NoError(t, err)
	w.sendBytes(request...)
	answer := make([]byte, 4+1+2+6+2+6)
	_, err = io.ReadFull(w.conn, answer)
	require.NoError(t, err)
	require.Equal(t, "00000011"+"01"+"0306"+hex.EncodeToString([]byte("daemon"))+"0006"+hex.EncodeToString([]byte("charon")),
		hex.EncodeToString(answer))
}

func TestUnknownNames(t *testing.T) {
	w := newWire(t, newServer(t))
	w.send(vici.CmdRequest, "no-such-command", nil)
	w.expect("CMD_UNKNOWN")
	w.send(vici.CmdRequest, "", nil)
	w.expect("CMD_UNKNOWN")
	w.send(vici.EventRegister, "no-such-event", nil)
	w.expect("EVENT_UNKNOWN")
	w.send(vici.EventUnregister, "news", nil) // known, but not registered
	w.expect("EVENT_UNKNOWN")
	w.send(vici.CmdRequest, "version", nil)
	w.expect("CMD_RESPONSE")
}

func TestSegmentsThatAreNoRequestsAreIgnored(t *testing.T) {
	s := newServer(t)
	w := newWire(t, s)
	w.sendSegment()                                              // empty
	w.sendSegment(99)                                            // unknown operation
	w.sendSegment(byte(vici.CmdRequest), 9, 'x')                 // name cut off
	w.sendSegment(byte(vici.CmdResponse))                        // the daemon's own
	w.sendSegment(byte(vici.EventPacket), 4, 'n', 'e', 'w', 's') // the daemon's own
	w.send(vici.CmdRequest, "version", nil)
	w.expect("CMD_RESPONSE")
	require.Equal(t, 5, s.Observe().Ignored)
}

func TestTooLongAnnouncementClosesTheConnection(t *testing.T) {
	w := newWire(t, newServer(t))
	w.sendBytes(0, 8, 0, 1) // 512 KiB and one byte
	w.expectEnd()
}

func TestRequestsAreAnsweredInOrder(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	s.Fault("numbers", vicitest.Delay(release))
	w := newWire(t, s)
	w.register("number")
	w.send(vici.CmdRequest, "numbers", nil)
	w.send(vici.EventUnregister, "number", nil) // waits for the command
	w.send(vici.CmdRequest, "version", nil)
	require.NoError(t, s.WaitFor(t.Context(), func(o vicitest.Observation) bool { return o.Waiting == 2 }))
	require.Equal(t, 1, s.Observe().InFlight)
	close(release)
	w.expect("EVENT number", "EVENT number", "EVENT number", "CMD_RESPONSE", "EVENT_CONFIRM", "CMD_RESPONSE")
}

func TestEachRegistrationDelivers(t *testing.T) {
	s := newServer(t)
	w := newWire(t, s)
	w.register("news")
	w.register("news")
	require.Equal(t, map[string]int{"news": 2}, s.Observe().Registrations)
	s.BroadcastMessage("news", message("n", "1"))
	w.expect("EVENT news", "EVENT news")
	w.send(vici.EventUnregister, "news", nil)
	w.expect("EVENT_CONFIRM")
	s.BroadcastMessage("news", message("n", "2"))
	w.expect("EVENT news")
	w.send(vici.EventUnregister, "news", nil)
	w.expect("EVENT_CONFIRM")
	s.BroadcastMessage("news", message("n", "3"))
	w.send(vici.CmdRequest, "version", nil)
	w.expect("CMD_RESPONSE")
}

func TestStreamEventsGoOnlyToWhoAsked(t *testing.T) {
	s := newServer(t)
	asking, other := newWire(t, s), newWire(t, s)
	asking.send(vici.CmdRequest, "numbers", nil)
	asking.expect("CMD_RESPONSE") // not registered: just the answer
	asking.register("number")
	other.register("number")
	other.register("news")
	asking.send(vici.CmdRequest, "numbers", nil)
	asking.expect("EVENT number", "EVENT number", "EVENT number", "CMD_RESPONSE")
	s.BroadcastMessage("news", nil)
	other.expect("EVENT news")
}

func TestHalfClosedConnectionIsAnswered(t *testing.T) {
	s := vicitest.NewServer(newMux())
	defer s.Close()
	conn, err := net.Dial("unix", strings.TrimPrefix(s.Address(), "unix://")) //nolint:noctx // a local socket does not block
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // its end is not what is tested
	w := &wire{t: t, conn: conn, packets: vici.NewPacketReader(conn, 0)}
	w.send(vici.CmdRequest, "version", nil)
	require.NoError(t, conn.(*net.UnixConn).CloseWrite())
	w.expect("CMD_RESPONSE")
	w.expectEnd()
}

func TestAnswersThatDoNotFitAreNeverSent(t *testing.T) {
	for name, answer := range map[string]*vici.Message{
		"value": message("k", strings.Repeat("x", vici.MaxValue+1)),
		"name":  message(strings.Repeat("x", vici.MaxName+1), ""),
		"whole": large(),
	} {
		t.Run(name, func(t *testing.T) {
			mux := newMux()
			mux.Commands["large"] = vicitest.Answer(answer)
			s := vicitest.NewUnstartedServer(mux)
			defer s.Close()
			w := newWire(t, s)
			w.send(vici.CmdRequest, "large", nil)
			w.send(vici.CmdRequest, "unknown", nil)
			w.expect("CMD_UNKNOWN") // the answer to the second request comes first
			require.Equal(t, 1, s.Observe().Unsent)
		})
	}
}

func large() *vici.Message {
	m := new(vici.Message)
	for range 9 {
		m.Add("k", strings.Repeat("x", vici.MaxValue))
	}
	return m
}

func TestEventsThatDoNotFitAreLeftOut(t *testing.T) {
	s := newServer(t)
	w := newWire(t, s)
	w.register("news")
	s.BroadcastMessage("news", large())
	s.BroadcastMessage("news", message("n", "1"))
	w.expect("EVENT news")
	require.Equal(t, 1, s.Observe().Unsent)
}

func TestStreamOfAnyLengthTakesNoMemory(t *testing.T) {
	const events = 50_000
	mux := newMux()
	mux.Commands["numbers"] = numbers(events)
	s := vicitest.NewUnstartedServer(mux)
	defer s.Close()
	w := newWire(t, s)
	w.register("number")
	w.send(vici.CmdRequest, "numbers", nil)
	for range events {
		w.expect("EVENT number")
	}
	w.expect("CMD_RESPONSE")
	require.Less(t, s.Observe().MaxQueued, 300_000)
}

func TestUnboundedQueueTakesWhatIsNotRead(t *testing.T) {
	const events = 50_000
	mux := newMux()
	mux.Commands["numbers"] = numbers(events)
	s := vicitest.NewUnstartedServer(mux, vicitest.UnboundedQueue())
	defer s.Close()
	w := newWire(t, s)
	w.register("number")
	w.send(vici.CmdRequest, "numbers", nil) // ends although nobody reads
	require.NoError(t, s.WaitFor(t.Context(), func(o vicitest.Observation) bool {
		return o.Commands["numbers"] == 1 && o.InFlight == 0
	}))
	require.Greater(t, s.Observe().Queued, 10*events)
}

func TestBroadcastNeverWaits(t *testing.T) {
	const events = 10_000
	s := newServer(t)
	w := newWire(t, s)
	w.register("news")
	for range events {
		s.BroadcastMessage("news", message("n", "1"))
	}
	o := s.Observe()
	require.Greater(t, o.Queued, 10*events)
	require.Equal(t, []int{o.Queued}, o.QueuedEach)
	for range events {
		w.expect("EVENT news")
	}
}

func TestRequestsAreReadAsCharonReadsThem(t *testing.T) {
	s := newServer(t)
	w := newWire(t, s)
	body, err := message("a", "1", "b", "2").MarshalBinary()
	require.NoError(t, err)
	body = append(body, 7, 1, 'c') // no such element
	segment, err := vici.AppendPacket(nil, vici.CmdRequest, "version", body)
	require.NoError(t, err)
	w.sendBytes(segment...)
	w.expect("CMD_RESPONSE")
	require.Equal(t, []string{"{a=1 b=2}"}, texts(s.Requests("version")))
}

func texts(messages []*vici.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.String())
	}
	return all
}

func TestListenReplacesStaleSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "charon.vici")
	first := vicitest.NewUnstartedServer(newMux())
	defer first.Close()
	require.NoError(t, first.Listen(path))
	second := vicitest.NewUnstartedServer(newMux())
	defer second.Close()
	require.ErrorContains(t, second.Listen("unix://"+path), "already listens")

	first.Stop(true) // as after a crash
	require.FileExists(t, path)
	require.NoError(t, second.Listen("unix://"+path))
	dialled, err := vici.Dial(t.Context(), second.Address())
	require.NoError(t, err)
	defer func() { require.NoError(t, dialled.Close()) }()
	require.Equal(t, "{daemon=charon}", call(t, dialled, "version", nil).String())
	second.Stop(false)
	require.NoFileExists(t, path)
	_, err = second.Dial(t.Context(), "", "")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, second.Listen("tcp://127.0.0.1:0"))
	second.Stop(false)
	require.NoError(t, second.Start())
	require.FileExists(t, path)
	require.Equal(t, "unix://"+path, second.Address())
}

func TestBroadcastRaw(t *testing.T) {
	s := newServer(t)
	w := newWire(t, s)
	w.register("news")
	s.BroadcastRaw("news", []byte{0, 0, 0, 1, 99})
	_, err := w.packets.Next()
	require.ErrorIs(t, err, vici.ErrMalformed)
}

func TestListenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.ErrorContains(t, newServer(t).Listen(path), "is no socket")
	require.FileExists(t, path)
}

func TestListenOnTCP(t *testing.T) {
	s := newServer(t)
	require.NoError(t, s.Listen("tcp://127.0.0.1:0"))
	dialled, err := vici.Dial(t.Context(), s.Address())
	require.NoError(t, err)
	defer func() { require.NoError(t, dialled.Close()) }()
	call(t, dialled, "version", nil)
}

func TestNewServerRemovesItsDirectory(t *testing.T) {
	s := vicitest.NewServer(newMux())
	path := strings.TrimPrefix(s.Address(), "unix://")
	require.FileExists(t, path)
	s.Close()
	require.NoDirExists(t, filepath.Dir(path))
	_, err := s.Dial(t.Context(), "", "")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// In a bubble Close must leave no goroutine behind, whatever was going on.
func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := newMux()
		mux.Commands["numbers"] = numbers(1 << 30)
		s := vicitest.NewUnstartedServer(mux)
		s.Fault("version", vicitest.Hang())
		hanging, streaming := newWire(t, s), newWire(t, s)
		hanging.send(vici.CmdRequest, "version", nil)
		streaming.register("number")
		streaming.send(vici.CmdRequest, "numbers", nil)
		synctest.Wait()
		require.Equal(t, 2, s.Observe().InFlight)
		s.Close()
		require.Equal(t, 0, s.Observe().Connections)
		hanging.expectEnd()
	})
}

func TestClientThatLeavesIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Fault("version", vicitest.Hang())
		w := newWire(t, s)
		w.register("news")
		w.send(vici.CmdRequest, "version", nil)
		synctest.Wait()
		require.NoError(t, w.conn.Close())
		synctest.Wait()
		o := s.Observe()
		require.Zero(t, o.Connections)
		require.Zero(t, o.InFlight)
		require.Empty(t, o.Registrations)
		require.Equal(t, 1, o.Accepted)
	})
}

func TestWaitForEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newServer(t).WaitFor(ctx, func(vicitest.Observation) bool { return false })
	require.ErrorIs(t, err, context.Canceled)
}
