// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "time"

// A Trace is told what a session does, as net/http/httptrace does for HTTP: for logs, metrics and
// tests. Fields may be nil. The functions run in the goroutine that uses the session and hold it
// up; they must be safe for concurrent use if the trace serves several sessions.
type Trace struct {
	// Request is told the name of each command, before it is sent.
	Request func(command string)

	// Done is told how a command ended and how long it took, with its stream but without its wait
	// for earlier commands of the session. The error is what the caller gets; only that an event of a stream did not
	// decode is told to the loop alone. The commands of [Session.CountersOf] end together.
	Done func(command string, took time.Duration, err error)

	// Rejected is told of a value that a typed method left out, since it is not of the field's form
	// or not the first of its key. Field is the key on the wire, such as "bytes-in"; value is what
	// the daemon sent, and empty for a list or section.
	Rejected func(field, value string)

	// Unexpected is told of an event that arrived on a session that does not wait for it, and was
	// left out.
	Unexpected func(event string)
}

func (t *Trace) request(command string) {
	if t != nil && t.Request != nil {
		t.Request(command)
	}
}

func (t *Trace) done(command string, start time.Time, err error) {
	if t != nil && t.Done != nil {
		t.Done(command, time.Since(start), err)
	}
}

func (t *Trace) rejected(field, value string) {
	if t != nil && t.Rejected != nil {
		t.Rejected(field, value)
	}
}

func (t *Trace) unexpected(event string) {
	if t != nil && t.Unexpected != nil {
		t.Unexpected(event)
	}
}
