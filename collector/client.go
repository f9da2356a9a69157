// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"fmt"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A client keeps the one session over which queries go. Between rounds the session stays open: opening a
// connection costs the daemon more than keeping one, and daemons before 5.9.3 can lose a worker thread when one is closed.
//
// After a request that was not answered in time, nothing more is asked until the daemon has shown
// a sign of life on a new connection. One probe waits for that as long as it takes, so a
// daemon that hangs never has more than that one request waiting, however often it is scraped.
type client struct {
	dialer  *vici.Dialer
	life    context.Context //nolint:containedctx // the client's own life, not that of a call
	end     context.CancelFunc
	session *vici.Session
	probe   chan probeResult // nil unless a probe is under way
}

type probeResult struct {
	session *vici.Session
	err     error
}

func newClient(dialer *vici.Dialer) *client {
	life, end := context.WithCancel(context.Background()) //nolint:forbidigo // no call outlives it
	return &client{dialer: dialer, life: life, end: end}
}

// get returns a session that can be used, and whether it was used before: then
// the daemon may have gone away meanwhile.
func (c *client) get(ctx context.Context) (s *vici.Session, used bool, err error) {
	if c.probe != nil {
		if err := c.awaitProbe(ctx); err != nil {
			return nil, false, err
		}
	}
	if c.session != nil && c.session.Err() == nil {
		return c.session, true, nil
	}
	c.session, err = c.dialer.Dial(ctx)
	return c.session, false, err
}

// suspect closes the session after a request that was not answered in time, and begins a probe.
func (c *client) suspect() {
	c.drop()
	result := make(chan probeResult, 1)
	c.probe = result
	go func() {
		s, err := c.dialer.Dial(c.life)
		if err == nil {
			err = s.Ping(c.life)
		}
		result <- probeResult{s, err}
	}()
}

func (c *client) awaitProbe(ctx context.Context) error {
	select {
	case r := <-c.probe:
		c.probe = nil
		if r.err == nil {
			c.session = r.session
		}
		return nil // after a failure a new connection tells more
	case <-ctx.Done():
		return fmt.Errorf("the daemon has not answered an earlier request yet: %w", ctx.Err())
	}
}

func (c *client) drop() {
	if c.session != nil {
		_ = c.session.Close()
		c.session = nil
	}
}

// close ends the session and a probe that is under way.
func (c *client) close() {
	c.end()
	c.drop()
	if c.probe != nil {
		if r := <-c.probe; r.session != nil {
			_ = r.session.Close()
		}
		c.probe = nil
	}
}
