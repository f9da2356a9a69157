// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Dialer opens sessions. The zero value is ready for use; a Dialer may be used by several
// goroutines at once if it is not changed meanwhile.
type Dialer struct {
	// Address of the daemon, as charon.plugins.vici.socket has it: "unix:///var/run/charon.vici"
	// (or just an absolute path) or "tcp://192.0.2.1:4502". Empty means [DefaultAddress]. VICI has
	// neither authentication nor encryption: use TCP only where the network provides both.
	Address string

	// MaxSegment is the largest segment accepted, in bytes; 0 means [MaxSegment]. Raise it for a
	// daemon that was compiled with a larger bound.
	MaxSegment int

	// Trace, if not nil, is told what the sessions do.
	Trace *Trace

	// DialContext replaces the way a connection is made, for transports that the standard library
	// lacks and for tests. Network and address are what [ParseAddress] makes of Address, or the parts
	// before and after "://" of one that it does not know, such as "vsock://2:4502".
	//
	// A connection whose SetDeadline fails, such as one through an SSH channel, is closed when the
	// context of a call ends. [Events.KeepAlive] needs deadlines.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial connects to the daemon at address with default settings.
func Dial(ctx context.Context, address string) (*Session, error) {
	return (&Dialer{Address: address}).Dial(ctx)
}

// Waits between two attempts when the daemon's backlog is full.
const (
	minBacklogWait = time.Millisecond
	maxBacklogWait = 50 * time.Millisecond
)

// Dial opens a session. The context bounds the connecting only. A daemon whose short queue of
// waiting connections is full is asked again until the context ends; any other refusal is an error
// at once. Errors are of type [*OpError].
func (d *Dialer) Dial(ctx context.Context) (*Session, error) {
	network, address, err := d.parse()
	if err != nil {
		return nil, err
	}
	var full error
	for wait := minBacklogWait; ; wait = min(2*wait, maxBacklogWait) {
		conn, err := d.connect(ctx, network, address)
		switch {
		case err == nil:
			return d.newSession(conn), nil
		case errors.Is(err, syscall.EAGAIN):
			full = err
		case full == nil || ctx.Err() == nil:
			return nil, d.opError(err)
		}
		if sleep(ctx, wait/2+rand.N(wait/2+1)) != nil {
			return nil, d.opError(fmt.Errorf("%w while the daemon's queue of new connections was full: %w", ctx.Err(), full))
		}
	}
}

// parse returns the network and address to connect to.
func (d *Dialer) parse() (network, address string, err error) {
	network, address, err = ParseAddress(d.address())
	if err == nil {
		return network, address, nil
	}
	scheme, rest, ok := strings.Cut(d.address(), "://")
	if known := scheme == "unix" || scheme == "tcp"; d.DialContext == nil || !ok || known {
		return "", "", d.opError(err)
	}
	return scheme, rest, nil
}

func (d *Dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if d.DialContext != nil {
		return d.DialContext(ctx, network, address)
	}
	var nd net.Dialer
	return nd.DialContext(ctx, network, address)
}

func (d *Dialer) newSession(conn net.Conn) *Session {
	return &Session{
		conn:    conn,
		packets: NewPacketReader(conn, d.MaxSegment),
		address: d.address(),
		trace:   d.Trace,
		turn:    make(chan struct{}, 1),
	}
}

func (d *Dialer) address() string {
	if d.Address == "" {
		return DefaultAddress
	}
	return d.Address
}

func (d *Dialer) opError(err error) error {
	return &OpError{Op: "dial", Address: d.address(), Err: err}
}

// sleep waits for a while or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ParseAddress splits an address as [Dialer] takes it into the network and address that package net
// takes. Like the daemon it takes all characters of a path as they are. The error says what is
// wrong and what forms there are.
func ParseAddress(s string) (network, address string, err error) {
	if isAbs(s) {
		return "unix", s, nil
	}
	scheme, rest, _ := strings.Cut(s, "://")
	switch {
	case scheme == "unix" && isAbs(rest):
		return "unix", rest, nil
	case scheme == "unix":
		return "", "", addressError(s, "the path of a Unix socket must be absolute")
	case scheme != "tcp":
		return "", "", addressError(s, "unknown form")
	}
	if _, port, err := net.SplitHostPort(rest); err != nil || port == "" || strings.Contains(rest, "/") {
		return "", "", addressError(s, "host and port are expected")
	}
	return "tcp", rest, nil
}

// isAbs takes paths in the manner of Unix for absolute on every system.
func isAbs(path string) bool { return filepath.IsAbs(path) || strings.HasPrefix(path, "/") }

func addressError(s, reason string) error {
	return fmt.Errorf("address %q: %s (use unix:///path/to/charon.vici or tcp://host:port)", s, reason)
}
