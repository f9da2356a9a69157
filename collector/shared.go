// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"slices"
	"sync"
	"time"
)

// shared lets callers that come at the same time, such as a pair of Prometheus servers, share what a round finds, and bounds how
// often the daemon is asked for the same. There is one round at a time, which runs the sources that a caller misses.
type shared struct {
	run         func(ctx context.Context, only []string, publish func(*part))
	minInterval time.Duration

	mu      sync.Mutex       // guards what follows, and the users of parts
	latest  map[string]*part // by source; of one that runs just now, what it has published
	current *sharedRound     // nil unless one is under way
	callers map[*caller]bool // that wait
	begun   int              // rounds
	closed  bool
}

// A sharedRound is a round that is under way.
type sharedRound struct {
	number int
	only   []string
	time   time.Duration // that its first caller had
	cancel context.CancelFunc
	done   chan struct{} // closed at the end
}

func newShared(run func(context.Context, []string, func(*part)), minInterval time.Duration) *shared {
	return &shared{run: run, minInterval: minInterval, latest: make(map[string]*part), callers: make(map[*caller]bool)}
}

// get returns what the named sources found: in rounds that are recent enough, in the one that is under way, or in new ones. When
// ctx ends first it returns the parts that are finished. The caller says by release that it reads them no more.
func (s *shared) get(ctx context.Context, only []string) (parts []*part, release func()) {
	c := s.enter(ctx, only)
	for r := s.advance(ctx, c); r != nil; r = s.advance(ctx, c) {
		select {
		case <-r.done:
		case <-ctx.Done():
		}
	}
	return c.parts, sync.OnceFunc(func() { s.release(c.parts) })
}

// enter takes in a caller that has come just now.
func (s *shared) enter(ctx context.Context, only []string) *caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	c := &caller{missing: slices.Clone(only), round: s.begun + 1, came: now, since: now.Add(-s.minInterval)}
	c.deadline, c.hurries = ctx.Deadline()
	if s.current != nil && s.current.holds(only) {
		c.round = s.begun
	}
	s.callers[c] = true
	return c
}

// advance gives a caller the parts that are there for it, and returns the round to wait for, if it misses others still and has
// the time: the one under way, or one that is begun for them.
func (s *shared) advance(ctx context.Context, c *caller) *sharedRound {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give(c)
	if len(c.missing) == 0 || s.closed || ctx.Err() != nil {
		delete(s.callers, c)
		return nil
	}
	if s.current == nil {
		s.begin(ctx, c)
	}
	return s.current
}

// give gives a caller the parts that are there for it. The caller of give holds the lock.
func (s *shared) give(c *caller) {
	c.missing = slices.DeleteFunc(c.missing, func(name string) bool {
		p := s.latest[name]
		if p == nil || !c.takes(p) {
			return false
		}
		p.users++
		c.parts = append(c.parts, p)
		return true
	})
}

// begin begins a round for what a caller misses. It ends by the deadline of ctx, but not when its caller goes away.
func (s *shared) begin(ctx context.Context, c *caller) {
	outdated := s.forget(c.missing)
	own, cancel := withDeadlineOf(ctx)
	s.begun++
	r := &sharedRound{number: s.begun, only: slices.Clone(c.missing), time: c.left(), cancel: cancel, done: make(chan struct{})}
	s.current = r
	go func() {
		defer s.finish(r)
		recycle(outdated) // before the sources run, which can have the memory
		s.run(own, r.only, func(p *part) { s.publish(r, p) })
	}()
}

// withDeadlineOf returns a context that has the deadline of another and does not end with it otherwise.
func withDeadlineOf(ctx context.Context) (context.Context, context.CancelFunc) {
	own := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(own, deadline)
	}
	return context.WithCancel(own)
}

func (r *sharedRound) holds(only []string) bool {
	return !slices.ContainsFunc(only, func(name string) bool { return !slices.Contains(r.only, name) })
}

func (s *shared) publish(r *sharedRound, p *part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.round, p.found, p.time = r.number, time.Now(), r.time
	p.users = 1 // as the latest of its source
	s.latest[p.name] = p
}

func (s *shared) finish(r *sharedRound) {
	r.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range r.only {
		if p := s.latest[name]; p != nil {
			p.ended = time.Now()
		}
	}
	for c := range s.callers { // before the first of them begins a round that makes the parts outdated
		s.give(c)
	}
	s.current = nil
	close(r.done)
}

// close ends the round under way and waits for that; there are no rounds afterwards.
func (s *shared) close() {
	s.mu.Lock()
	s.closed = true
	r := s.current
	s.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// forget drops what sources found last, and returns the parts that nobody reads. The caller holds the lock.
func (s *shared) forget(names []string) (unused []*part) {
	var dropped []*part
	for _, name := range names {
		if p := s.latest[name]; p != nil {
			dropped = append(dropped, p)
			delete(s.latest, name)
		}
	}
	return leave(dropped)
}

// release is for a caller that reads its parts no more.
func (s *shared) release(parts []*part) {
	s.mu.Lock()
	unused := leave(parts)
	s.mu.Unlock()
	recycle(unused)
}

// leave takes one user from each part, and returns those that have none left.
func leave(parts []*part) (unused []*part) {
	for _, p := range parts {
		p.users--
		if p.users == 0 {
			unused = append(unused, p)
		}
	}
	return unused
}

// recycle gives the memory of parts that nobody reads to the next ones of their sources.
func recycle(parts []*part) {
	for _, p := range parts {
		if p.page != nil {
			p.source.spare.put(p.page)
		}
	}
}
