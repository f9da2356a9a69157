// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A Session is one connection to the daemon. Its methods may be called by several goroutines at
// once: VICI answers in order and without sequence numbers, so calls take turns, each waiting under
// its own context. The caller's goroutine does all reading and writing; a session has no goroutine
// of its own.
//
// A call whose answer did not arrive whole, since its context ended, the daemon went away or sent
// what nobody may send, leaves in doubt to which request the next answer belongs. Such a session
// closes itself, and all later calls match [ErrClosed]. What the daemon refuses (a [*CommandError],
// [ErrUnknownCommand], [ErrUnknownEvent]), a request that does not fit a packet, and a message that
// does not decode while its packet is whole, do not harm a session.
type Session struct {
	conn    net.Conn
	packets *PacketReader
	address string
	trace   *Trace
	turn    chan struct{} // holds one value while somebody has the turn
	out     []byte        // reused by the holder of the turn

	mu    sync.Mutex
	cause error // why the session is closed; nil while it is open
	owned bool  // by an Events
}

// errOwnClose is the cause after a call of Close.
var errOwnClose = errors.New("Close was called")

// Close ends the session; a call under way returns with an error that matches [ErrClosed]. Commands
// that the daemon is executing go on there. Closing again does nothing.
func (s *Session) Close() error {
	s.shut(errOwnClose)
	return nil
}

// Err returns nil while the session can be used, and afterwards an error that matches [ErrClosed]
// and tells why it was closed.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		return nil
	}
	return fmt.Errorf("%w (%w)", ErrClosed, s.cause)
}

// usable returns why a call cannot be made.
func (s *Session) usable() error {
	if err := s.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned {
		return fmt.Errorf("%w to calls: it belongs to its Events", ErrClosed)
	}
	return nil
}

// shut closes the connection; the first cause stays.
func (s *Session) shut(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutLocked(cause)
}

func (s *Session) shutLocked(cause error) {
	if s.cause == nil {
		s.cause = cause
		_ = s.conn.Close() // nothing was promised about bytes under way
	}
}

// take waits for the caller's turn.
func (s *Session) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting for an earlier call of the session", ctx.Err())
	}
	if err := s.usable(); err != nil {
		<-s.turn
		return err
	}
	return nil
}

// exchange runs fn in the caller's turn, named after the command if it is one, with the context
// able to interrupt its reads and writes. What fn returns decides whether the session can go on.
func (s *Session) exchange(ctx context.Context, op, name string, fn func() error) (err error) {
	if err := s.take(ctx); err != nil {
		return s.opError(op, name, err)
	}
	defer func() { <-s.turn }()
	start := time.Now()
	if name != "" {
		s.trace.request(name)
		defer func() { s.trace.done(name, start, err) }()
	}
	unwatch := s.watch(ctx)
	finished := false
	defer func() {
		unwatch()
		if !finished { // a stream's loop body panicked or ended its goroutine
			s.shut(errors.New("a call was abandoned before its answer was read"))
		}
	}()
	err = fn()
	finished = true
	if err == nil {
		return nil
	}
	return s.opError(op, name, s.settle(ctx, err))
}

// settle closes the session if err leaves it in doubt, and returns the error that tells the caller
// most.
func (s *Session) settle(ctx context.Context, err error) error {
	if harmless(err) {
		return err
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = ctxErr
	}
	switch {
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("daemon closed the connection: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("daemon closed the connection inside a packet: %w", err)
	}
	if closed := s.Err(); closed != nil { // by Close, while the call was under way
		return closed
	}
	s.shut(err)
	return err
}

// harmless tells errors that come with a whole answer from those that end the session.
func harmless(err error) bool {
	var refused *CommandError
	var content *contentError
	return errors.As(err, &refused) || errors.As(err, &content) ||
		errors.Is(err, ErrUnknownCommand) || errors.Is(err, ErrUnknownEvent)
}

// A contentError is a message that is wrong inside while its packet was whole, or a request that
// could not be encoded, so that the session still knows where it stands.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// watch lets the end of ctx interrupt the connection until the returned function is called. A connection that cannot be
// interrupted is closed instead, and the session with it.
func (s *Session) watch(ctx context.Context) (unwatch func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	var refused error
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		if refused = s.conn.SetDeadline(time.Unix(1, 0)); refused != nil {
			_ = s.conn.Close() // ends the read or write that is under way
		}
		close(interrupted)
	})
	return func() {
		if stop() {
			return
		}
		<-interrupted // or the deadline would be set after it was cleared
		if refused == nil {
			refused = s.conn.SetDeadline(time.Time{})
		}
		if refused != nil {
			s.shut(fmt.Errorf("%w on a connection without deadlines: %w", ctx.Err(), refused))
		}
	}
}

// send writes one packet.
func (s *Session) send(t PacketType, name string, body []byte) error {
	out, err := AppendPacket(s.out[:0], t, name, body)
	if err != nil {
		return &contentError{err}
	}
	s.out = out
	_, err = s.conn.Write(out)
	return err
}

// answer reads up to the first packet that is not an event and hands the events before it to event. It looks at the
// context before each, since packets that were read ahead arrive without touching the connection.
func (s *Session) answer(ctx context.Context, event func(Packet)) (Packet, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Packet{}, err
		}
		p, err := s.packets.Next()
		if err != nil {
			return Packet{}, err
		}
		if p.Type != EventPacket {
			return p, nil
		}
		event(p)
	}
}

// unexpected is what to do with events where none is waited for.
func (s *Session) unexpected(p Packet) {
	s.trace.unexpected(string(p.Name))
}

// wrongPacket is the error for a packet that has no place in the conversation.
func wrongPacket(p Packet, waiting string) error {
	return fmt.Errorf("%w: daemon sent %s while %s was due", ErrMalformed, p.Type, waiting)
}

func (s *Session) opError(op, name string, err error) error {
	return &OpError{Op: op, Name: name, Address: s.address, Err: err}
}
