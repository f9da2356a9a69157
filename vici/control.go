// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"math"
	"strconv"
	"time"
)

// NoWait as a Timeout makes a command return as soon as the daemon has begun to carry it out, since 5.4.0. There is
// no log then.
const NoWait time.Duration = -1

// An InitiateRequest says what to establish.
type InitiateRequest struct {
	Child string `vici:"child"` // configuration of the CHILD_SA; empty for the IKE_SA alone, since 5.8.0
	IKE   string `vici:"ike"`   // connection that the child belongs to, where its name alone is not clear; since 5.4.0

	// InitLimits lets the daemon refuse when it is too busy (charon.init_limit_*), since 5.3.3.
	InitLimits bool `vici:"init-limits"`

	// LogLevel of the log that is streamed; absent means 1.
	LogLevel Opt[int] `vici:"loglevel"`

	// Timeout after which the daemon gives up waiting and answers with a failure; it goes on with the negotiation. It
	// is rounded up to whole milliseconds; 0 waits without limit, and [NoWait] not at all.
	//
	// While the daemon waits it keeps one of its worker threads, even after the client has gone, and workers are
	// needed to finish what is waited for. So set a timeout, and do not run many of these at once.
	Timeout time.Duration
}

// Initiate establishes a CHILD_SA or IKE_SA (command initiate, since 5.2.0) and hands what the daemon logs about it
// to log, which may be nil; [Session.Terminate] says what log may do, and which error does not mean that the command
// failed. Where the SA does not come up within the timeout, the error is a [*CommandError].
func (s *Session) Initiate(ctx context.Context, request InitiateRequest, log func(*ControlLog)) error {
	return s.control(ctx, "initiate", request, request.Timeout, log, nil)
}

// A TerminateRequest selects what to close: at least one of the first four fields must be set. Unique ids are not 0.
type TerminateRequest struct {
	Child   string      `vici:"child"`    // CHILD_SAs of that name
	IKE     string      `vici:"ike"`      // IKE_SAs of that name, with their CHILD_SAs
	ChildID Opt[uint32] `vici:"child-id"` // the CHILD_SA with that unique id; before 5.3.0 those with that reqid
	IKEID   Opt[uint32] `vici:"ike-id"`   // the IKE_SA with that unique id

	// Force closes IKE_SAs without waiting until the peer has confirmed it, since 5.6.3.
	Force bool `vici:"force"`

	LogLevel Opt[int]      `vici:"loglevel"` // as in [InitiateRequest]
	Timeout  time.Duration // as in [InitiateRequest]
}

// A TerminateResult counts what was selected and closed. It is filled for a refusal, too.
type TerminateResult struct {
	Matches    Opt[uint32] `vici:"matches"`    // SAs selected
	Terminated Opt[uint32] `vici:"terminated"` // SAs closed
}

// Terminate closes IKE_SAs or CHILD_SAs (command terminate, since 5.2.0) and hands what the daemon logs about it to
// log, which may be nil. Log is called in the caller's goroutine, in order; it must not use the session, and should be
// quick, since the daemon queues what is not read. What it is given may be kept. A selection without a match is a
// [*CommandError].
//
// A line of the log that does not decode is left out. When the command has succeeded all the same, the first such
// gives an error that matches [ErrMalformed], names the event control-log, and leaves the session open.
func (s *Session) Terminate(ctx context.Context, request TerminateRequest, log func(*ControlLog)) (TerminateResult, error) {
	var result TerminateResult
	err := s.control(ctx, "terminate", request, request.Timeout, log, &result)
	return result, err
}

// A RekeyRequest selects what to rekey: at least one of the first four fields must be set. Unique ids are not 0.
type RekeyRequest struct {
	Child   string      `vici:"child"`    // CHILD_SAs of that name
	IKE     string      `vici:"ike"`      // IKE_SAs of that name
	ChildID Opt[uint32] `vici:"child-id"` // the CHILD_SA with that unique id
	IKEID   Opt[uint32] `vici:"ike-id"`   // the IKE_SA with that unique id

	Reauth bool `vici:"reauth"` // IKE_SAs are reauthenticated instead; IKEv2 only, since 5.7.0
}

// A RekeyResult counts what was selected. It is filled for a refusal, too.
type RekeyResult struct {
	Matches Opt[uint32] `vici:"matches"` // SAs selected
}

// Rekey starts the rekeying of IKE_SAs or CHILD_SAs and does not wait for its end (command rekey, since 5.5.2). A
// selection without a match is a [*CommandError].
func (s *Session) Rekey(ctx context.Context, request RekeyRequest) (RekeyResult, error) {
	var result RekeyResult
	err := s.callInto(ctx, "rekey", request, &result)
	return result, err
}

// A RedirectRequest sends peers to another gateway. Gateway and at least one of the other fields must be set.
type RedirectRequest struct {
	Gateway string `vici:"gateway"` // IP address or domain name

	IKE    string      `vici:"ike"`     // IKE_SAs of that name
	IKEID  Opt[uint32] `vici:"ike-id"`  // the IKE_SA with that unique id
	PeerIP string      `vici:"peer-ip"` // IKE_SAs with peers of that address, subnet or range
	PeerID string      `vici:"peer-id"` // IKE_SAs with peers of that identity, which may have wildcards
}

// A RedirectResult counts what was selected. It is filled for a refusal, too.
type RedirectResult struct {
	Matches Opt[uint32] `vici:"matches"` // IKE_SAs selected, since 5.5.2
}

// Redirect asks the peers of IKE_SAs to change to another gateway, as RFC 5685 describes it (command redirect, since
// 5.4.0). A selection without a match is a [*CommandError].
func (s *Session) Redirect(ctx context.Context, request RedirectRequest) (RedirectResult, error) {
	var result RedirectResult
	err := s.callInto(ctx, "redirect", request, &result)
	return result, err
}

// An InstallRequest names the configuration whose policies are meant.
type InstallRequest struct {
	Child string `vici:"child"` // name of the CHILD_SA configuration
	IKE   string `vici:"ike"`   // connection that it belongs to; for Install since 5.4.0, for Uninstall since 5.5.2
}

// Install installs a trap, pass or drop policy (command install, since 5.2.0).
func (s *Session) Install(ctx context.Context, request InstallRequest) error {
	return s.callInto(ctx, "install", request, nil)
}

// Uninstall removes a trap, pass or drop policy (command uninstall, since 5.2.0).
func (s *Session) Uninstall(ctx context.Context, request InstallRequest) error {
	return s.callInto(ctx, "uninstall", request, nil)
}

// control runs a command that streams its log. Without a log it is an ordinary call: the daemon sends no events to
// who did not register for them.
func (s *Session) control(
	ctx context.Context, command string, request any, timeout time.Duration, log func(*ControlLog), into any,
) error {
	m, err := s.request("call", command, request)
	if err != nil {
		return err
	}
	addTimeout(m, timeout)
	if log == nil {
		return s.callDecoded(ctx, command, m, into)
	}
	var (
		illegible error // the first line that is
		words     words
	)
	c := consumer{event: "control-log", into: into, yield: func(body []byte, _ error) bool {
		entry := new(ControlLog)
		d := newSADecoder(body, &words, s.trace)
		if err := entry.read(&d); err == nil {
			log(entry)
		} else if illegible == nil {
			illegible = eventError("control-log", err)
		}
		return true
	}}
	return s.exchange(ctx, "call", command, func() error {
		if err := s.stream(ctx, command, m, &c); err != nil {
			return err
		}
		return content(illegible)
	})
}

// addTimeout adds a timeout in milliseconds, rounded up, since 0 would be none.
func addTimeout(m *Message, timeout time.Duration) {
	switch {
	case timeout < 0:
		m.Add("timeout", "-1")
	case timeout > 0:
		ms := (timeout-1)/time.Millisecond + 1
		m.Add("timeout", strconv.FormatInt(min(int64(ms), math.MaxInt32), 10))
	}
}
