// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"slices"
	"sync"
	"time"
)

// shared lets callers that come at the same time, such as a pair of Prometheus servers, share one round,
// and bounds how often the daemon is asked. There is one round at a time.
type shared struct {
	run         func(ctx context.Context, only []string, publish func(part))
	minInterval time.Duration

	mu      *sync.Mutex
	current *roundResult // the one that runs, or ran last
	closed  bool
}

// A roundResult is a round with what is finished of it.
type roundResult struct {
	only []string
	done chan struct{} // closed at the end

	cancel context.CancelFunc
	end    time.Time // valid after done

	mu    sync.Mutex
	parts []part
	users int // who may still read the parts: the callers, the round itself while it runs, and while it is the current one
}

func newShared(run func(context.Context, []string, func(part)), minInterval time.Duration) shared {
	return shared{run: run, minInterval: minInterval, mu: new(sync.Mutex)}
}

// get returns the parts of a round that holds the named sources: of one that is recent enough,
// of one that is under way, or of a new one. When ctx ends first it returns the parts that are finished. The caller
// says by release that it reads them no more.
func (s *shared) get(ctx context.Context, only []string) (parts []part, release func()) {
	for {
		r, fits := s.join(ctx, only)
		if r == nil {
			return nil, func() {}
		}
		select {
		case <-r.done:
		case <-ctx.Done():
		}
		if fits {
			return r.finished(), sync.OnceFunc(r.release)
		}
		r.release()
		if ctx.Err() != nil {
			return nil, func() {}
		}
	}
}

// join returns a round to wait for, which the caller is to release, and whether it holds the named sources; it is nil
// after close. A round that is begun here ends by the deadline of ctx, but not when its first caller goes away.
func (s *shared) join(ctx context.Context, only []string) (*roundResult, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	if last := s.current; last != nil {
		fits := last.holds(only)
		if !last.isDone() || fits && time.Since(last.end) < s.minInterval {
			last.use()
			return last, fits
		}
		last.release() // before the next one begins, which can have its memory
	}
	own, cancel := withDeadlineOf(ctx)
	next := &roundResult{only: only, cancel: cancel, done: make(chan struct{}), users: 3}
	s.current = next // which, its caller and itself are its users
	go func() {
		defer next.finish()
		s.run(own, next.only, next.publish)
	}()
	return next, true
}

// withDeadlineOf returns a context that has the deadline of another and does not end with it otherwise.
func withDeadlineOf(ctx context.Context) (context.Context, context.CancelFunc) {
	own := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(own, deadline)
	}
	return context.WithCancel(own)
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

func (r *roundResult) holds(only []string) bool {
	return !slices.ContainsFunc(only, func(name string) bool { return !slices.Contains(r.only, name) })
}

func (r *roundResult) isDone() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *roundResult) publish(p part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts = append(r.parts, p)
}

func (r *roundResult) finish() {
	r.cancel()
	r.end = time.Now()
	r.release() // while it is the current one still, so that the next one finds its memory free
	close(r.done)
}

// use is for one more who reads the parts.
func (r *roundResult) use() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users++
}

// release is for one who reads them no more; after the last one their memory is free.
func (r *roundResult) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users--
	if r.users > 0 {
		return
	}
	for _, p := range r.parts {
		p.recycle()
	}
	r.parts = nil
}

// finished returns the parts so far.
func (r *roundResult) finished() []part {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.parts)
}
