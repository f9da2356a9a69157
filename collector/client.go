// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A client keeps the one session over which queries go. Between rounds the session stays open: opening a
// connection costs the daemon more than keeping one, and daemons before 5.9.3 can lose a worker thread when one is closed.
//
// After a request that was not answered in time, nothing more is asked until the daemon has shown
// a sign of life on a new connection. One probe waits for that as long as it takes, so a
// daemon that hangs never has more than that one request waiting, however often it is scraped.
//
// One query at a time uses it. It may be closed meanwhile.
type client struct {
	dialer *vici.Dialer
	life   context.Context //nolint:containedctx // the client's own life, not that of a call
	end    context.CancelFunc
	probes sync.WaitGroup

	// revived, if not nil, is told after a probe how long the sign of life took to come.
	revived func(silence time.Duration)

	mu      sync.Mutex // guards what follows
	session *vici.Session
	probe   chan probeResult // nil unless a probe is under way
}

type probeResult struct {
	session *vici.Session
	err     error
	took    time.Duration
}

func newClient(dialer *vici.Dialer) *client {
	life, end := context.WithCancel(context.Background()) //nolint:forbidigo // no call outlives it
	return &client{dialer: dialer, life: life, end: end}
}

// get returns a session that can be used, and whether it was used before: then
// the daemon may have gone away meanwhile.
func (c *client) get(ctx context.Context) (s *vici.Session, used bool, err error) {
	s, probe := c.state()
	if probe != nil {
		if err := c.await(ctx, probe); err != nil {
			return nil, false, err
		}
		s, _ = c.state()
	}
	if s != nil && s.Err() == nil {
		return s, true, nil
	}
	s, err = c.dialer.Dial(ctx)
	if err == nil {
		err = c.keep(s)
	}
	return s, false, err
}

func (c *client) state() (*vici.Session, chan probeResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session, c.probe
}

// keep makes a session the one that is used from now on, unless the client is closed.
func (c *client) keep(s *vici.Session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return errors.Join(vici.ErrClosed, s.Close())
	}
	c.session = s
	return nil
}

// suspect closes the session after a request that was not answered in time, and begins a probe.
func (c *client) suspect() {
	c.drop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return
	}
	result := make(chan probeResult, 1)
	c.probe = result
	start := time.Now()
	c.probes.Go(func() {
		s, err := c.dialer.Dial(c.life)
		if err == nil {
			err = s.Ping(c.life)
		}
		result <- probeResult{s, err, time.Since(start)}
	})
}

// await waits for a probe. After one that failed a new connection tells more.
func (c *client) await(ctx context.Context, probe chan probeResult) error {
	select {
	case r := <-probe:
		c.mu.Lock()
		c.probe = nil
		c.mu.Unlock()
		if r.err == nil {
			if c.revived != nil {
				c.revived(r.took)
			}
			return c.keep(r.session)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the daemon has not answered an earlier request yet: %w", ctx.Err())
	}
}

// drop closes the session.
func (c *client) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		_ = c.session.Close()
		c.session = nil
	}
}

// close ends the session and a probe that is under way.
func (c *client) close() {
	c.end()
	c.drop()
	c.probes.Wait()
	_, probe := c.state()
	select {
	case r := <-probe:
		if r.session != nil {
			_ = r.session.Close()
		}
	default: // there was none, or it was awaited
	}
}
