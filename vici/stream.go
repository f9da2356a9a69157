// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Stream runs a command that streams its results as events, such as list-sas with list-sa, and
// yields the events' messages. It registers for the event, runs the command, and unregisters after
// its answer.
//
// The session is taken while the loop runs: a call of the same session in the loop body waits for
// ever (or until its context ends). Leaving the loop early reads the stream to its end, under the
// same context, so that the session stays usable. The daemon queues without bound what is not read;
// do not dawdle in the loop.
//
// An error ends the loop; it comes with a nil message. Where the daemon answers success=no, that is
// a [*CommandError]. An event that does not decode gives an error that matches [ErrMalformed] after
// the stream was read to its end.
func (s *Session) Stream(ctx context.Context, command, event string, request *Message) iter.Seq2[*Message, error] {
	return decoded(s, command, s.StreamRaw(ctx, command, event, request), ParseMessage)
}

// decoded yields what decode makes of a stream. An error, the stream's or decode's, comes last,
// when the stream was read to its end and the session is free.
func decoded[R, T any](
	s *Session, command string, stream iter.Seq2[R, error], decode func(R) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var failure error
		for raw, err := range stream {
			var item T
			if err == nil {
				item, err = decode(raw)
			}
			if failure = err; err != nil {
				break
			}
			if !yield(item, nil) {
				return
			}
		}
		if failure != nil {
			var none T
			yield(none, s.streamError(command, failure))
		}
	}
}

// StreamRaw is [Session.Stream] without the decoding: it yields the messages as they came, for a
// [Decoder]. They are valid until the next step of the loop.
func (s *Session) StreamRaw(ctx context.Context, command, event string, request *Message) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		c := consumer{event: event, yield: yield}
		err := s.exchange(ctx, "stream", command, func() error {
			return s.stream(ctx, command, request, &c)
		})
		if err != nil && !c.left {
			yield(nil, err)
		}
	}
}

// A consumer is the loop that ranges over a stream.
type consumer struct {
	event string
	yield func([]byte, error) bool
	left  bool // the loop was left; yield must not be called again
	into  any  // what the answer to the command is decoded into; may be nil
}

// stream does the whole conversation of a streaming command.
func (s *Session) stream(ctx context.Context, command string, request *Message, c *consumer) error {
	if err := s.register(ctx, EventRegister, c.event, s.unexpected); err != nil {
		return err
	}
	answerErr := s.streamAnswer(ctx, command, request, c)
	if answerErr != nil && !harmless(answerErr) {
		return answerErr
	}
	if err := s.register(ctx, EventUnregister, c.event, s.unexpected); err != nil {
		return err
	}
	return answerErr
}

// streamAnswer sends the command and reads events up to its answer.
func (s *Session) streamAnswer(ctx context.Context, command string, request *Message, c *consumer) error {
	if err := s.sendCommand(command, request); err != nil {
		return err
	}
	body, err := s.response(ctx, func(p Packet) { s.deliver(p, c) })
	if err != nil {
		return err
	}
	answer, err := ParseMessage(body)
	if err != nil {
		return content(err)
	}
	return content(s.finish(command, answer, c.into))
}

func (s *Session) deliver(p Packet, c *consumer) {
	if string(p.Name) != c.event {
		s.unexpected(p)
		return
	}
	if !c.left && !c.yield(p.Body, nil) {
		c.left = true
	}
}

// register sends a registration or its end and waits for the confirmation.
func (s *Session) register(ctx context.Context, t PacketType, event string, other func(Packet)) error {
	if err := s.send(t, event, nil); err != nil {
		return err
	}
	return s.confirmation(ctx, event, other)
}

func (s *Session) confirmation(ctx context.Context, event string, other func(Packet)) error {
	p, err := s.answer(ctx, other)
	switch {
	case err != nil:
		return err
	case p.Type == EventUnknown:
		return fmt.Errorf("%w %q", ErrUnknownEvent, event)
	case p.Type != EventConfirm:
		return wrongPacket(p, EventConfirm.String())
	}
	return nil
}

// streamError gives an error that a decoder found in an event the session's context.
func (s *Session) streamError(command string, err error) error {
	if _, ok := errors.AsType[*OpError](err); ok {
		return err
	}
	return s.opError("stream", command, err)
}
