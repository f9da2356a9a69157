// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"
)

const (
	// testTimeout bounds what one test does with daemons.
	testTimeout = 2 * time.Minute

	// patience is how long a test waits for something that takes an instant on an idle machine.
	patience = 20 * time.Second

	// pollInterval is how often it looks.
	pollInterval = 50 * time.Millisecond
)

// bounded returns the test's context with an end.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// await calls done until it reports true, and fails the test if that takes too long. It runs
// in the goroutine of the test, so done may end the test itself.
func await(t *testing.T, done func() bool, what string, args ...any) {
	t.Helper()
	awaitFor(t, patience, done, what, args...)
}

// awaitFor is await for what takes its time.
func awaitFor(t *testing.T, limit time.Duration, done func() bool, what string, args ...any) {
	t.Helper()
	deadline := time.After(limit)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, fmt.Sprintf(what, args...))
		}
	}
}
