// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
)

// Call sends a command and returns the daemon's answer. A nil request is an empty one. The typed
// methods are built on Call; use it for commands and keys that this package does not know. The message
// is sent as it is: a text that is not printable ASCII counts as missing for the daemon, unless it is
// one of those that may hold any bytes, such as "data".
//
// An answer with success=no is returned together with a [*CommandError]. A command that the daemon
// lacks gives [ErrUnknownCommand]. What goes wrong with the connection or the context closes the
// session, see [Session]; a command that changes the daemon may have been carried out also then.
func (s *Session) Call(ctx context.Context, command string, request *Message) (*Message, error) {
	var answer *Message
	err := s.call(ctx, command, request, func(body []byte) (err error) {
		answer, err = ParseMessage(body)
		if err != nil {
			return err
		}
		return refusal(command, answer)
	})
	return answer, err
}

// call sends a command and hands the answer's body to decode, which must not keep it.
func (s *Session) call(ctx context.Context, command string, request *Message, decode func(body []byte) error) error {
	return s.exchange(ctx, "call", command, func() error {
		if err := s.sendCommand(command, request); err != nil {
			return err
		}
		body, err := s.response(ctx, s.unexpected)
		if err != nil {
			return err
		}
		return content(decode(body))
	})
}

func (s *Session) sendCommand(command string, request *Message) error {
	body, err := request.MarshalBinary()
	if err != nil {
		return &contentError{err}
	}
	return s.send(CmdRequest, command, body)
}

// response reads the answer to a command.
func (s *Session) response(ctx context.Context, event func(Packet)) ([]byte, error) {
	p, err := s.answer(ctx, event)
	switch {
	case err != nil:
		return nil, err
	case p.Type == CmdUnknown:
		return nil, ErrUnknownCommand
	case p.Type != CmdResponse:
		return nil, wrongPacket(p, CmdResponse.String())
	}
	return p.Body, nil
}

// content marks an error as one of a message's content.
func content(err error) error {
	if err == nil {
		return nil
	}
	return &contentError{err}
}

// refusal returns the daemon's error if an answer says success=no.
func refusal(command string, answer *Message) error {
	if success, ok := answer.Value("success"); !ok || success != "no" {
		return nil
	}
	message, _ := answer.Value("errmsg")
	return &CommandError{Command: command, Message: message}
}

// Ping waits for a sign of life from the daemon without making it do any work: it ends the
// registration for an event that does not exist, which the daemon refuses in turn. Like every call
// it waits behind those that the daemon has not answered yet.
func (s *Session) Ping(ctx context.Context) error {
	return s.exchange(ctx, "ping", "", func() error {
		err := s.register(ctx, EventUnregister, "ping", s.unexpected)
		if errors.Is(err, ErrUnknownEvent) {
			return nil
		}
		return err
	})
}
