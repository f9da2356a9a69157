// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"
)

// An Event is something that the daemon reported.
type Event struct {
	Name string // such as "ike-updown"
	Body []byte // the message; valid until the next event

	trace *Trace // of the session that it came from
}

// Message decodes the event without regard to its kind. The error is that of [ParseMessage] with the event's name.
func (e Event) Message() (*Message, error) {
	m, err := ParseMessage(e.Body)
	if err != nil {
		return nil, e.named(err)
	}
	return m, nil
}

// Events is a subscription. It owns its session: nothing but the subscription can use it. Nothing
// is dropped and nothing queued between the socket and the loop over [Events.All], so the loop body
// is what limits the daemon's output; the daemon in turn queues without limit for a slow reader,
// and cannot shut down while one does not read. Keep the body short, and close what is not read any
// more.
type Events struct {
	session     *Session
	unsupported []string
	early       []Packet // arrived before their registration was confirmed
	keepAlive   time.Duration
	asked       bool // a keep-alive is unanswered
}

// maxEarly bounds the memory for events that arrive while the registrations are being confirmed;
// each counts with some bytes more than it has.
const (
	maxEarly      = 16 << 20
	earlyOverhead = 128
)

// Events registers for events and hands the session over to the returned subscription. Events that
// the daemon does not know are not fatal; [Events.Unsupported] lists them. A name that is given twice
// counts once. On an error the session is closed.
//
// From the moment on at which Events returns, every event is delivered. To know a state without a
// gap, subscribe first and look (over another session) second.
func (s *Session) Events(ctx context.Context, names ...string) (*Events, error) {
	e := &Events{session: s}
	err := s.exchange(ctx, "events", "", func() error {
		if err := e.register(ctx, names); err != nil {
			return err
		}
		s.own() // in this turn, or the next call would read the first events
		return nil
	})
	if err != nil {
		s.disown(err)
		return nil, err
	}
	return e, nil
}

// own gives the session to an Events.
func (s *Session) own() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owned = true
}

// disown closes a session that could not be given to an Events; one that belongs to another Events
// goes on.
func (s *Session) disown(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.owned {
		s.shutLocked(cause)
	}
}

func (e *Events) register(ctx context.Context, names []string) error {
	size := 0
	keep := func(p Packet) {
		if size += earlyOverhead + len(p.Name) + len(p.Body); size <= maxEarly {
			e.early = append(e.early, Packet{Type: p.Type, Name: bytes.Clone(p.Name), Body: bytes.Clone(p.Body)})
		}
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue // the daemon would count both, and send each event twice
		}
		err := e.session.register(ctx, EventRegister, name, keep)
		switch {
		case errors.Is(err, ErrUnknownEvent):
			e.unsupported = append(e.unsupported, name)
		case err != nil:
			return err
		case size > maxEarly:
			return fmt.Errorf("%w: %d bytes of events during the registration, at most %d are kept", ErrTooLarge, size, maxEarly)
		}
	}
	return nil
}

// Unsupported returns the events that were asked for and that this daemon does not know.
func (e *Events) Unsupported() []string { return e.unsupported }

// KeepAlive makes the loop over [Events.All] ask the daemon for its version when nothing arrived
// for that long, and end with a timeout when there is no answer within the same time again. It is
// of use over TCP, where a peer can vanish without a word; 0, the default, never asks. Over a
// connection without deadlines the loop ends at once with the connection's error. Call it before
// All.
func (e *Events) KeepAlive(interval time.Duration) { e.keepAlive = interval }

// All yields events in their order until the context ends, the subscription is closed, or the
// daemon goes away; the last pair then holds the error, and the session is closed. An event is
// valid until the next step. Leaving the loop leaves the subscription as it is: All may be called
// again, and nothing is lost in between. Only one loop may run at a time.
func (e *Events) All(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		e.clearDeadline()
		unwatch := e.session.watch(ctx)
		defer unwatch()
		for {
			p, err := e.next(ctx)
			if err != nil {
				yield(Event{}, e.session.opError("events", "", e.session.settle(ctx, err)))
				return
			}
			if !yield(Event{Name: string(p.Name), Body: p.Body, trace: e.session.trace}, nil) {
				return
			}
		}
	}
}

// clearDeadline takes away what an earlier loop with a keep-alive has left. It comes before the context is watched, whose
// end sets a deadline, too.
func (e *Events) clearDeadline() {
	if e.keepAlive <= 0 {
		_ = e.session.conn.SetDeadline(time.Time{}) // where there are no deadlines, none was left
	}
}

// Close ends the subscription and its session.
func (e *Events) Close() error { return e.session.Close() }

// next returns the next event, those first that came early.
func (e *Events) next(ctx context.Context) (Packet, error) {
	if err := e.session.Err(); err != nil {
		return Packet{}, err
	}
	if len(e.early) > 0 {
		return e.takeEarly(), ctx.Err()
	}
	for {
		p, err := e.read(ctx)
		switch {
		case err != nil:
			return Packet{}, err
		case p.Type == EventPacket:
			return p, nil
		case e.asked && (p.Type == CmdResponse || p.Type == CmdUnknown):
			e.asked = false
		default:
			return Packet{}, wrongPacket(p, EventPacket.String())
		}
	}
}

// takeEarly takes the first event that came early, and leaves no trace of it: the subscription may live for months.
func (e *Events) takeEarly() Packet {
	p := e.early[0]
	e.early[0] = Packet{}
	if e.early = e.early[1:]; len(e.early) == 0 {
		e.early = nil
	}
	return p
}

// read returns the next packet. When the keep-alive time passes without one it asks the daemon for
// a sign of life.
func (e *Events) read(ctx context.Context) (Packet, error) {
	for {
		if err := e.extend(ctx); err != nil {
			return Packet{}, err
		}
		p, err := e.session.packets.Next()
		if e.keepAlive <= 0 || !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return p, err
		}
		if e.asked {
			return Packet{}, fmt.Errorf("daemon did not answer for %v: %w", e.keepAlive, err)
		}
		e.asked = true
		if err := e.ask(ctx); err != nil {
			return Packet{}, err
		}
	}
}

// ask sends a request that every daemon answers.
func (e *Events) ask(ctx context.Context) error {
	if err := e.extend(ctx); err != nil {
		return err
	}
	return e.session.send(CmdRequest, "version", nil)
}

// extend gives the connection one more keep-alive time.
func (e *Events) extend(ctx context.Context) error {
	if e.keepAlive > 0 {
		if err := e.session.conn.SetDeadline(time.Now().Add(e.keepAlive)); err != nil {
			return err
		}
	}
	return ctx.Err() // asked second: at its end it set a deadline, which may just have been overwritten
}
