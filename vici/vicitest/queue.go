// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"io"
	"sync"
)

// A queue holds what a connection still has to write. One goroutine writes;
// everybody else appends.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte // appended by put, taken by the writer
	spare   []byte // the writer's previous buffer, to be used again
	writing int    // bytes that the writer took and has not written yet
	limit   int    // put waits above it; 0: never
	peak    int
	closed  bool // nothing more comes: write what is there, then end
	err     error
}

// keepBuffer is the size up to which a drained buffer is used again.
const keepBuffer = 1 << 20

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.changed.L = &q.mu
	return q
}

// put appends a segment. With wait it first waits, where the queue has a limit, until there is
// room. It fails once the connection is gone.
func (q *queue) put(segment []byte, wait bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for wait && q.limit > 0 && q.err == nil && len(q.buf)+q.writing >= q.limit {
		q.changed.Wait()
	}
	if q.err != nil {
		return q.err
	}
	if q.closed {
		return io.ErrClosedPipe
	}
	if len(q.buf) == 0 {
		q.changed.Broadcast()
	}
	q.buf = append(q.buf, segment...)
	q.peak = max(q.peak, len(q.buf)+q.writing)
	return nil
}

// take waits for bytes to write and returns all that there are. False means the end.
func (q *queue) take() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) == 0 && !q.closed && q.err == nil {
		q.changed.Wait()
	}
	if len(q.buf) == 0 || q.err != nil {
		return nil, false
	}
	out := q.buf
	q.writing = len(out)
	q.buf, q.spare = q.spare[:0], nil
	q.changed.Broadcast()
	return out, true
}

// written gives a taken buffer back, with the error of its writing.
func (q *queue) written(buf []byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = 0
	if cap(buf) <= keepBuffer {
		q.spare = buf
	}
	q.changed.Broadcast()
	if err != nil {
		q.end(err)
	}
}

// finish lets the writer end when all is written.
func (q *queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// fail ends the queue at once; what was not written is lost.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end(err)
}

func (q *queue) end(err error) {
	if q.err == nil {
		q.err = err
	}
	q.buf = nil
	q.changed.Broadcast()
}

// bytes returns how much is queued now and was at most.
func (q *queue) bytes() (now, peak int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.buf) + q.writing, q.peak
}
