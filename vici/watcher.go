// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Watcher keeps a subscription for as long as its context lives: it connects, subscribes,
// delivers events, and after an end connects again. Nothing is lost while it is connected; what
// happened in a gap can be learned by a snapshot in OnConnect. Set the fields before Run.
type Watcher struct {
	Dialer *Dialer
	Events []string // names, such as "ike-updown"

	// OnEvent is called for each event, in order, in the goroutine of Run. The event is valid until
	// it returns. It must be quick: see [Events].
	OnEvent func(Event)

	// OnConnect, if not nil, is called after each subscription and before the first of its events,
	// with the names of the events that the daemon does not know. What happens meanwhile waits in
	// the daemon, so that a snapshot taken here has no gap to the events; it should be quick for
	// that reason. An error ends the connection; Run then tries again.
	OnConnect func(ctx context.Context, unsupported []string) error

	// OnDisconnect, if not nil, is called with the reason when a connection ended or could not be
	// made, and with the time until the next attempt.
	OnDisconnect func(err error, wait time.Duration)

	// MinBackoff and MaxBackoff bound the time between attempts, which doubles after each failure
	// and is then shortened at random by up to a half; 0 means 500 ms and 30 s. A connection that
	// brought no event and did not last that long is a failure, too.
	MinBackoff, MaxBackoff time.Duration

	// Timeout bounds connecting and subscribing; 0 means 10 s.
	Timeout time.Duration

	// KeepAlive is handed to [Events.KeepAlive].
	KeepAlive time.Duration
}

// Defaults of the Watcher's times.
const (
	defaultMinBackoff   = 500 * time.Millisecond
	defaultMaxBackoff   = 30 * time.Second
	defaultWatchTimeout = 10 * time.Second
)

// Run watches until the context ends and returns the context's error. It returns at once with
// another error only if the Watcher itself is not usable.
func (w *Watcher) Run(ctx context.Context) error {
	if w.Dialer == nil || w.OnEvent == nil || len(w.Events) == 0 {
		return errors.New("vici: a Watcher needs Dialer, Events and OnEvent")
	}
	if _, _, err := w.Dialer.parse(); err != nil {
		return err
	}
	backoff := w.minBackoff()
	for {
		useful, err := w.watchOnce(ctx, backoff)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if useful {
			backoff = w.minBackoff()
		}
		wait := backoff - rand.N(backoff/2+1)
		if w.OnDisconnect != nil {
			w.OnDisconnect(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		backoff = min(2*backoff, w.maxBackoff())
	}
}

func (w *Watcher) minBackoff() time.Duration {
	if w.MinBackoff > 0 {
		return w.MinBackoff
	}
	return defaultMinBackoff
}

func (w *Watcher) maxBackoff() time.Duration {
	if w.MaxBackoff > 0 {
		return max(w.MaxBackoff, w.minBackoff())
	}
	return max(defaultMaxBackoff, w.minBackoff())
}

// watchOnce serves one connection. It reports whether that was of use: brought an event, or lasted longer than the wait
// for a new one would be. One that ends at once after each registration must not be dialed at full speed.
func (w *Watcher) watchOnce(ctx context.Context, backoff time.Duration) (useful bool, err error) {
	events, err := w.subscribe(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = events.Close() }()
	if w.OnConnect != nil {
		if err := w.OnConnect(ctx, events.Unsupported()); err != nil {
			return false, fmt.Errorf("after the subscription: %w", err)
		}
	}
	events.KeepAlive(w.KeepAlive)
	start := time.Now()
	for event, err := range events.All(ctx) {
		if err != nil {
			return useful || time.Since(start) > backoff, err
		}
		useful = true
		w.OnEvent(event)
	}
	return useful, nil
}

func (w *Watcher) subscribe(ctx context.Context) (*Events, error) {
	timeout := w.Timeout
	if timeout <= 0 {
		timeout = defaultWatchTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	session, err := w.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return session.Events(ctx, w.Events...)
}
