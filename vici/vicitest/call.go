// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Command executes one kind of request. It may stream events with [Call.Event]
// and returns the answer; a nil message is the empty answer. An error is told to the client as charon would:
//
//   - one that matches [vici.ErrUnknownCommand] or [vici.ErrUnknownEvent] as the packet of that kind,
//   - [ErrNoAnswer] not at all, so that the client waits for ever,
//   - any other as success=no with its text as errmsg.
//
// A connection executes its requests one after another, so a Command that blocks holds
// up its connection. It must return when [Call.Context] ends.
type Command func(c *Call) (*vici.Message, error)

// A Handler is what a [Server] serves. Its methods are called by several goroutines at once.
type Handler interface {
	// Command returns the command of that name; nil means that there is none.
	Command(name string) Command
	// Event tells whether clients can register for the event.
	Event(name string) bool
}

// A Mux is a [Handler] made of tables. It must not be changed while it is served.
type Mux struct {
	Commands map[string]Command
	Events   []string
}

// Command returns the command of that name or nil.
func (m *Mux) Command(name string) Command { return m.Commands[name] }

// Event tells whether the event is listed.
func (m *Mux) Event(name string) bool {
	return slices.Contains(m.Events, name)
}

// Answer returns a Command that always gives the same answer; nil is the empty one.
func Answer(m *vici.Message) Command {
	return func(*Call) (*vici.Message, error) { return m, nil }
}

// ErrNoAnswer makes a [Command] end without an answer, as charon does with one
// that is longer than a segment may be.
var ErrNoAnswer = errors.New("no answer is sent")

// errDropped is what writing gives after [Call.Drop].
var errDropped = errors.New("the connection was dropped on purpose")

// A Call is a request, or a registration, that is being executed. It belongs to the goroutine
// that runs the command.
type Call struct {
	// Type is CmdRequest, EventRegister or EventUnregister.
	Type vici.PacketType
	// Name of the command or event.
	Name string
	// Request is the message as charon reads it: without what follows a fault in it.
	Request *vici.Message

	conn    *conn
	legible bool                       // all names of the request are printable
	filter  func(segment []byte) error // what faults made of the way to the client
}

// Context ends when the server closes. A client that goes away does not end it:
// charon executes a command to its end. See [Call.Gone].
func (c *Call) Context() context.Context { return c.conn.server.ctx }

// Gone is closed when the client has closed its side of the connection, or all of it.
func (c *Call) Gone() <-chan struct{} { return c.conn.gone }

// Event streams an event to the client that issued the request, if it is
// registered for it, and does nothing otherwise. A slow client holds Event up. What does not
// fit into a segment is left out silently, as charon does; the error is for a client that is gone.
func (c *Call) Event(name string, encode func(*vici.Encoder)) error {
	if !c.conn.isRegistered(name) {
		return nil
	}
	if segment, fits := c.conn.encodeEvent(name, encode); fits {
		return c.Raw(segment)
	}
	c.conn.server.countUnsent()
	return nil
}

// EventMessage is [Call.Event] for a message that is there already.
func (c *Call) EventMessage(name string, m *vici.Message) error {
	return c.Event(name, func(e *vici.Encoder) { encodeMessage(e, m) })
}

// Raw sends bytes to the client, which must be whole segments unless a fault is meant.
func (c *Call) Raw(segment []byte) error {
	if c.filter != nil {
		return c.filter(segment)
	}
	return c.conn.out.put(segment, true)
}

// Drop closes the connection when all that was sent is written. Whatever the command still
// sends is lost.
func (c *Call) Drop() { c.conn.out.finish() }

// Filter returns a copy of the call whose packets pass through f, which may
// change them, send others, or none, with send. A segment starts with its four bytes of length.
func (c *Call) Filter(f func(segment []byte, send func([]byte) error) error) *Call {
	inner := *c
	inner.filter = func(segment []byte) error { return f(segment, c.Raw) }
	return &inner
}

// run executes a command, with faults around it, and sends what it returns. The answer
// passes through the filters, too.
func (c *Call) run(command Command) {
	answer, err := command(c)
	if errors.Is(err, ErrNoAnswer) || errors.Is(err, errDropped) {
		return
	}
	segment, err := c.answerSegment(answer, err)
	if err != nil {
		c.conn.server.countUnsent()
		return
	}
	_ = c.Raw(segment) // a client that is gone needs no answer
}

func (c *Call) answerSegment(answer *vici.Message, err error) ([]byte, error) {
	switch {
	case errors.Is(err, vici.ErrUnknownCommand):
		return vici.AppendPacket(nil, vici.CmdUnknown, "", nil)
	case errors.Is(err, vici.ErrUnknownEvent):
		return vici.AppendPacket(nil, vici.EventUnknown, "", nil)
	case c.Type != vici.CmdRequest && err == nil:
		return vici.AppendPacket(nil, vici.EventConfirm, "", nil)
	case err != nil:
		answer = refusal(err)
	}
	body, err := answer.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return vici.AppendPacket(nil, vici.CmdResponse, "", body)
}

// refusal is the answer success=no. A [vici.CommandError] gives the daemon's text.
func refusal(err error) *vici.Message {
	reason := err.Error()
	if refused, ok := errors.AsType[*vici.CommandError](err); ok {
		reason = refused.Message
	}
	return new(vici.Message).Add("success", "no").Add("errmsg", reason)
}

// success is the answer success=yes.
func success() *vici.Message { return new(vici.Message).Add("success", "yes") }

// encodeMessage writes a tree with an encoder.
func encodeMessage(e *vici.Encoder, m *vici.Message) {
	for element := range m.All() {
		switch element.Kind {
		case vici.SectionStart:
			e.Section(element.Name)
			encodeMessage(e, element.Section)
			e.EndSection()
		case vici.ListStart:
			e.List(element.Name, element.Items...)
		default:
			e.KeyValue(element.Name, element.Value)
		}
	}
}

const lengthSize = 4

// appendEvent encodes an event as a whole segment into dst, which it reuses.
func appendEvent(dst []byte, e *vici.Encoder, name string, encode func(*vici.Encoder)) ([]byte, error) {
	dst = append(dst[:0], 0, 0, 0, 0, byte(vici.EventPacket), byte(len(name)))
	e.Reset(append(dst, name...))
	encode(e)
	segment, err := e.Bytes()
	if err != nil {
		return dst, err
	}
	size := len(segment) - lengthSize
	if size > vici.MaxSegment {
		return segment, vici.ErrTooLarge
	}
	binary.BigEndian.PutUint32(segment, uint32(size))
	return segment, nil
}

// A segmentReader cuts the client's bytes into segments. Other than a client, charon
// survives a segment that is no packet, so the two steps are apart here.
type segmentReader struct{ r io.Reader }

// next returns the next segment without its length. A length above the bound is an error, as
// it makes charon close the connection.
func (s segmentReader) next() ([]byte, error) {
	var header [lengthSize]byte
	if _, err := io.ReadFull(s.r, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > vici.MaxSegment {
		return nil, vici.ErrTooLarge
	}
	segment := make([]byte, size)
	_, err := io.ReadFull(s.r, segment)
	return segment, err
}
