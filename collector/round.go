// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A gateway is what is known of the daemon from round to round. One round at a time uses it; the
// reader of events shares what the mutex guards.
type gateway struct {
	turn         chan struct{} // holds one value while a query is under way
	changed      chan struct{} // holds one value when events may have been missed
	client       *client
	configReader configReader

	mu      sync.Mutex // guards what events change too
	names   *names
	table   *saTable
	tracker *tracker
	looks   *looks

	requests *requests
	timeout  time.Duration // for one query
	patience map[string]*patience
	start    startTime
	log      *slog.Logger
	now      func() time.Time
}

// locked runs do while nothing else changes what is known. A panic in it leaves the lock free.
func (g *gateway) locked(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do()
}

// A round is one collection. Several sources need the same answers; the
// first to ask gets them for all.
type round struct {
	*gateway

	versionDone, statsDone, sweepDone, configDone, poolsDone step

	version     vici.Version
	stats       vici.Stats
	pools       []vici.Pool
	unlisted    uint64
	alive       bool  // the session was used in this round
	unreachable error // why no connection can be had in this round
}

// A step is something that a round does once at most.
type step struct {
	done bool
	err  error
}

func (r *round) once(s *step, do func() error) error {
	if !s.done {
		s.done = true
		s.err = do()
	}
	return s.err
}

// up returns nil if the daemon answered the two questions that every daemon answers.
func (r *round) up(ctx context.Context) error {
	if err := r.askVersion(ctx); err != nil {
		return err
	}
	return r.askStats(ctx)
}

func (r *round) askVersion(ctx context.Context) error {
	return r.once(&r.versionDone, func() error {
		return r.query(ctx, "version", func(ctx context.Context, s *vici.Session) (err error) {
			r.version, err = s.Version(ctx)
			return err
		})
	})
}

func (r *round) askStats(ctx context.Context) error {
	return r.once(&r.statsDone, func() error {
		return r.query(ctx, "stats", func(ctx context.Context, s *vici.Session) (err error) {
			if r.stats, err = s.Stats(ctx); err == nil {
				r.start.learn(r.stats.Uptime, r.now())
				r.meet(r.stats.Uptime)
			}
			return err
		})
	})
}

// query runs one command with a deadline of its own. There is one query at a time. A command that was not answered in
// time is not tried again for a growing while.
func (r *round) query(ctx context.Context, command string, ask func(context.Context, *vici.Session) error) error {
	if r.unreachable != nil {
		return r.unreachable
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return hurried(ctx, fmt.Errorf("%w: %s, while another query was under way: %w", errNoTime, command, ctx.Err()))
	}
	defer func() { <-r.turn }()
	p := r.patienceFor(command)
	if err := r.mayAsk(ctx, command, p); err != nil {
		return err
	}
	return r.try(ctx, command, p, ask)
}

// Failures of queries that were not made.
var (
	errLeftInPeace = errors.New("not asked, since it was not answered in time lately")
	errNoTime      = errors.New("not asked, since no time was left")
)

// errHurried is the failure of a query that had less time than it may take, since its round has a deadline. It tells nothing to
// those that wait longer.
var errHurried = errors.New("the scraper was in a hurry")

// hurried marks the error of a query that the round's deadline ended.
func hurried(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errHurried, err)
	}
	return err
}

// mayAsk returns why a command is not to be asked now, or nil.
func (r *round) mayAsk(ctx context.Context, command string, p *patience) error {
	timeout := r.timeLeft(ctx)
	if timeout <= 0 {
		return fmt.Errorf("%w: %w: %s", errHurried, errNoTime, command)
	}
	wait := p.remaining(r.now(), timeout, r.timeout)
	if wait == 0 {
		return nil
	}
	err := fmt.Errorf("%w: %s, for %v", errLeftInPeace, command, wait.Round(time.Second))
	if p.offersMore(r.timeout, r.timeout) {
		return fmt.Errorf("%w: %w", errHurried, err)
	}
	return err
}

// answered reports whether the daemon answered, be it with a refusal.
func answered(err error) bool {
	var refused *vici.CommandError
	return err == nil || errors.As(err, &refused) || errors.Is(err, vici.ErrUnknownCommand) || errors.Is(err, vici.ErrUnknownEvent)
}

// try asks on the session at hand. A session that turns out to be dead at its
// first use since the last round is replaced; later it is the command that the daemon hung up on.
func (r *round) try(ctx context.Context, command string, p *patience, ask func(context.Context, *vici.Session) error) error {
	for {
		s, used, err := r.client.get(ctx)
		if err != nil {
			r.requests.failed(command, err)
			return r.noteUnreachable(hurried(ctx, err))
		}
		first := !r.alive
		r.alive = true
		counted := r.requests.failuresOf(command)
		err = r.inTime(ctx, s, p, ask)
		if !answered(err) && r.requests.failuresOf(command) == counted {
			r.requests.failed(command, err) // what is wrong is in an event of a stream that came to its end
		}
		if first && used && gone(err) {
			continue
		}
		return err
	}
}

// inTime gives one command its time. What the daemon has not answered by then ends the session.
func (r *round) inTime(ctx context.Context, s *vici.Session, p *patience, ask func(context.Context, *vici.Session) error) error {
	timeout, start := r.timeLeft(ctx), r.now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := ask(ctx, s)
	switch {
	case answered(err):
		p.answered(r.now().Sub(start))
	case errors.Is(err, context.DeadlineExceeded):
		p.lost(r.now(), timeout, r.timeout)
		r.client.suspect()
		if timeout < r.timeout {
			return fmt.Errorf("%w: %w", errHurried, err)
		}
	}
	return err
}

// timeLeft returns how long a command may take now, which is never all that the round has left: what hangs must not take the
// time of the others.
func (r *round) timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(r.timeout, deadline.Sub(r.now())*3/4)
	}
	return r.timeout
}

// noteUnreachable keeps the other sources of a round from finding out one by one that nobody answers. A daemon that does not
// take connections is not the one that left a command without an answer.
func (r *round) noteUnreachable(err error) error {
	r.unreachable = err
	if !errors.Is(err, context.DeadlineExceeded) {
		clear(r.patience)
	}
	return err
}

// revived is told that the daemon gave a sign of life after a silence. After a long one no single command is to blame.
func (g *gateway) revived(silence time.Duration) {
	if silence >= g.timeout {
		clear(g.patience)
	}
}

// gone tells errors of a connection that the daemon has left.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, io.ErrClosedPipe) // what a connection in memory gives instead of EPIPE
}
