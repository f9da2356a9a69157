// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Fault makes a command, or the registration for an event, go wrong. It wraps
// the right behaviour; write others of your own with [Call.Filter], [Call.Raw] and [Call.Drop].
type Fault func(next Command) Command

type faultKey struct {
	event bool
	name  string
}

type faultEntry struct{ fault Fault }

// Fault lets a command go wrong from now on, for all connections, until the returned function is
// called. Later faults wrap earlier ones. The command need not exist.
func (s *Server) Fault(command string, f Fault) (heal func()) {
	return s.addFault(faultKey{name: command}, f)
}

// FaultEvent lets registrations for an event, and their ends, go wrong from now on,
// until the returned function is called.
func (s *Server) FaultEvent(event string, f Fault) (heal func()) {
	return s.addFault(faultKey{event: true, name: event}, f)
}

func (s *Server) addFault(key faultKey, f Fault) (heal func()) {
	entry := &faultEntry{fault: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[key] = append(s.faults[key], entry)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults[key] = slices.DeleteFunc(s.faults[key], func(e *faultEntry) bool { return e == entry })
	}
}

// withFaults runs the command as the faults have it.
func (s *Server) withFaults(call *Call, command Command) {
	key := faultKey{event: call.Type != vici.CmdRequest, name: call.Name}
	s.mu.Lock()
	entries := slices.Clone(s.faults[key])
	s.mu.Unlock()
	run := sent(command)
	for _, e := range entries {
		run = sent(e.fault(run))
	}
	_, _ = run(call) // sent leaves nothing to answer
}

// sent makes a command send its answer itself, so that the faults around it
// see the answer whoever gives it.
func sent(command Command) Command {
	return func(c *Call) (*vici.Message, error) {
		c.run(command)
		return nil, ErrNoAnswer
	}
}

// Hang never answers. It ends when the client hangs up or the server closes.
func Hang() Fault { return Delay(nil) }

// Delay executes the command when the channel gives a value or is closed.
func Delay(until <-chan struct{}) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			select {
			case <-until:
				return next(c)
			case <-c.Gone():
			case <-c.Context().Done():
			}
			return nil, ErrNoAnswer
		}
	}
}

// Unknown answers as a daemon that has no such command or event.
func Unknown() Fault {
	return func(Command) Command {
		return func(c *Call) (*vici.Message, error) {
			if c.Type == vici.CmdRequest {
				return nil, vici.ErrUnknownCommand
			}
			return nil, vici.ErrUnknownEvent
		}
	}
}

// Refuse answers success=no with the text.
func Refuse(errmsg string) Fault {
	return func(Command) Command {
		return func(c *Call) (*vici.Message, error) {
			return nil, &vici.CommandError{Command: c.Name, Message: errmsg}
		}
	}
}

// EventFirst sends an event of that name before what the command sends, whether or not
// the client is registered. For [Server.FaultEvent] it is the event before its own confirmation that real daemons
// can send; for [Server.Fault] a foreign event inside an answer.
func EventFirst(event string, m *vici.Message) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			body, err := m.MarshalBinary()
			if err != nil {
				return nil, err
			}
			segment, err := vici.AppendPacket(nil, vici.EventPacket, event, body)
			if err != nil {
				return nil, err
			}
			if err := c.Raw(segment); err != nil {
				return nil, err
			}
			return next(c)
		}
	}
}

// DropAfter closes the connection when the command has sent n packets, its answer included.
func DropAfter(n int) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			if n == 0 {
				c.Drop()
				return nil, errDropped
			}
			left := n
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				if left == 0 {
					return errDropped
				}
				left--
				err := send(segment)
				if left == 0 {
					c.Drop()
				}
				return err
			}))
		}
	}
}

// HangAfter lets the command send n packets and then stops, with the connection open.
func HangAfter(n int) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			left := n
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				if left > 0 {
					left--
					return send(segment)
				}
				select {
				case <-c.Gone():
				case <-c.Context().Done():
				}
				return errDropped
			}))
		}
	}
}
