// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"iter"
	"reflect"
)

// callInto sends a command and decodes the answer into the struct that into points to; values that do not fit are
// left out and told to the trace. The request is a struct, or nil; so is into, where an answer holds nothing but
// success or failure. What the daemon sent with a refusal is decoded too.
func (s *Session) callInto(ctx context.Context, command string, request, into any) error {
	m, err := s.request("call", command, request)
	if err != nil {
		return err
	}
	return s.callDecoded(ctx, command, m, into)
}

func (s *Session) callDecoded(ctx context.Context, command string, request *Message, into any) error {
	return s.call(ctx, command, request, func(body []byte) error {
		answer, err := ParseMessage(body)
		if err != nil {
			return err
		}
		return s.finish(command, answer, into)
	})
}

// finish decodes an answer and says whether it is a refusal.
func (s *Session) finish(command string, answer *Message, into any) error {
	if into != nil {
		if err := lenient(s.trace).Unmarshal(answer, into); err != nil {
			return err
		}
	}
	return refusal(command, answer)
}

// lenient returns options with which a value that does not fit costs just that value.
func lenient(trace *Trace) UnmarshalOptions {
	return UnmarshalOptions{Rejected: func(e *FieldError) {
		trace.rejected(e.key, e.Value)
	}}
}

// A sectioned is a struct that an event's only section fills.
type sectioned interface {
	// fromSection completes the struct after it was filled.
	fromSection(section *Message)
}

// decodeSection fills v, a pointer to a struct, from the only section of an event. Elements beside it are left alone.
func decodeSection(event string, m *Message, v any, trace *Trace) error {
	for i := range m.elements {
		e := &m.elements[i]
		if e.Kind != SectionStart {
			continue
		}
		u := unmarshaler{options: lenient(trace), path: []string{e.Name}}
		if err := u.section(e.Section, reflect.ValueOf(v).Elem(), e.Name); err != nil {
			return err
		}
		if s, ok := v.(sectioned); ok {
			s.fromSection(e.Section)
		}
		return nil
	}
	return malformed(0, event+" without a section")
}

// streamSections streams a command's events, the only section of each decoded into a new T.
func streamSections[T any](ctx context.Context, s *Session, command, event string, request any) iter.Seq2[*T, error] {
	return streamMessages(ctx, s, command, event, request, func(m *Message, item *T) error {
		return decodeSection(event, m, item, s.trace)
	})
}

// streamMessages streams a command's events, each decoded into a new T.
func streamMessages[T any](
	ctx context.Context, s *Session, command, event string, request any, decode func(*Message, *T) error,
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		asked, err := s.request("stream", command, request)
		if err != nil {
			yield(nil, err)
			return
		}
		into := func(m *Message) (*T, error) {
			item := new(T)
			return item, decode(m, item)
		}
		decoded(s, command, s.Stream(ctx, command, event, asked), into)(yield)
	}
}
