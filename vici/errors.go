// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"errors"
	"fmt"
)

// Errors that this package's errors wrap; test for them with [errors.Is]. Besides these, an error
// may wrap the context's error, io.EOF, or what the operating system said (such as
// [syscall.ECONNREFUSED] or [fs.ErrPermission]).
var (
	// ErrUnknownCommand means that the daemon has no such command: it is older than the command, or
	// the plugin that offers it is not loaded.
	ErrUnknownCommand = errors.New("daemon does not know the command")

	// ErrUnknownEvent means that the daemon has no such event.
	ErrUnknownEvent = errors.New("daemon does not know the event")

	// ErrMalformed means that bytes are not what the protocol allows.
	ErrMalformed = errors.New("malformed")

	// ErrTooLarge means that a name, value, message or segment exceeds its bound.
	ErrTooLarge = errors.New("too large")

	// ErrClosed means that the session was closed, by its owner or because an earlier error left it
	// in doubt which answer belongs to which request.
	ErrClosed = errors.New("session is closed")
)

// An OpError is the error that every method that talks to the daemon returns.
type OpError struct {
	Op      string // "dial", "call", "stream", "events" or "ping"
	Name    string // the command or event, if any
	Address string // of the daemon
	Err     error
}

// Error tells what was tried, with whom, and why it failed.
func (e *OpError) Error() string {
	text := "vici: " + e.Op
	if e.Name != "" {
		text += " " + e.Name
	}
	if e.Address != "" {
		text += " (" + e.Address + ")"
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a deadline that passed.
func (e *OpError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// A CommandError is the daemon's own "no": it understood a command and could not or would not carry
// it out (success=no).
type CommandError struct {
	Command string
	Message string // the daemon's English text; it is not stable between versions
}

// Error returns the daemon's text with the command's name.
func (e *CommandError) Error() string {
	if e.Message == "" {
		return e.Command + " failed, and the daemon did not say why"
	}
	return e.Command + " failed: " + e.Message
}

// A SyntaxError tells where bytes stop to be a valid packet or message. It matches [ErrMalformed].
type SyntaxError struct {
	Offset int    // of the offending byte in the segment or message
	Reason string // what is wrong there
}

// Error describes the fault and its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed: %s at byte %d", e.Reason, e.Offset)
}

// Is makes a SyntaxError match [ErrMalformed].
func (e *SyntaxError) Is(target error) bool { return target == ErrMalformed }

func malformed(offset int, reason string) error {
	return &SyntaxError{Offset: offset, Reason: reason}
}
