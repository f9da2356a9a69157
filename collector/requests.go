// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of the exporter's own conversation with the daemon.
var (
	viciRequests = counter("vici_requests_total",
		"Number of commands sent to the daemon.", "command")
	viciRequestErrors = counter("vici_request_errors_total",
		"Number of commands that failed, by reason: timeout, refused (no connection), closed, malformed, too_large, unknown_command or failed.",
		"command", "reason")
	viciValuesRejected = counter("vici_values_rejected_total",
		"Number of values from the daemon that could not be understood and were left out, by their key; of events, by their name.", "field")
)

// maxFields bounds the distinct values of the label field, which comes from the daemon.
const maxFields = 200

// requests counts the conversation with the daemon. It is safe for concurrent use.
type requests struct {
	created  time.Time
	mu       sync.Mutex
	sent     map[string]uint64
	failures map[failure]uint64
	rejected map[string]uint64
}

type failure struct{ command, reason string }

func newRequests(now time.Time) *requests {
	return &requests{
		created:  now,
		sent:     make(map[string]uint64),
		failures: make(map[failure]uint64),
		rejected: make(map[string]uint64),
	}
}

func (*requests) metrics() []*Metric {
	return []*Metric{viciRequests, viciRequestErrors, viciValuesRejected}
}

// trace returns the hooks that count.
func (q *requests) trace() *vici.Trace {
	return &vici.Trace{
		Request: func(command string) {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.sent[command]++
		},
		Done: func(command string, _ time.Duration, err error) {
			if err != nil && !isNoCounters(command, err) {
				q.failed(command, err)
			}
		},
		Rejected: func(field, _ string) { q.reject(field) },
	}
}

// isNoCounters tells the answer of a daemon that a connection has no counters yet from failures.
func isNoCounters(command string, err error) bool {
	var refused *vici.CommandError
	return command == "get-counters" && errors.As(err, &refused)
}

func (q *requests) failed(command string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failures[failure{command, reason(err)}]++
}

// failuresOf returns how often a command failed for whatever reason.
func (q *requests) failuresOf(command string) (n uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for f, times := range q.failures {
		if f.command == command {
			n += times
		}
	}
	return n
}

// reject counts a value by the last part of its path: the parts before it are names that others choose.
func (q *requests) reject(field string) {
	field = labelText(field[strings.LastIndexByte(field, '.')+1:])
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, known := q.rejected[field]; !known && len(q.rejected) >= maxFields {
		field = "other"
	}
	q.rejected[field]++
}

// reason classifies an error for the label reason.
func reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, vici.ErrUnknownCommand), errors.Is(err, vici.ErrUnknownEvent):
		return "unknown_command"
	case errors.Is(err, vici.ErrTooLarge):
		return "too_large"
	case errors.Is(err, vici.ErrMalformed):
		return "malformed"
	case gone(err), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, vici.ErrClosed):
		return "closed"
	case dialing(err), errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	}
	return "failed"
}

// dialing reports whether an error is one of making a connection.
func dialing(err error) bool {
	var op *vici.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// emit adds what was counted to a page.
func (q *requests) emit(out *Page) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, command := range slices.Sorted(maps.Keys(q.sent)) {
		out.Counter(viciRequests, float64(q.sent[command]), q.created, newLabels("command", command))
	}
	for _, f := range slices.SortedFunc(maps.Keys(q.failures), compareFailures) {
		out.Counter(viciRequestErrors, float64(q.failures[f]), q.created, newLabels("command", f.command, "reason", f.reason))
	}
	for _, field := range slices.Sorted(maps.Keys(q.rejected)) {
		out.Counter(viciValuesRejected, float64(q.rejected[field]), q.created, newLabels("field", field))
	}
}

func compareFailures(a, b failure) int {
	return cmp.Or(cmp.Compare(a.command, b.command), cmp.Compare(a.reason, b.reason))
}
