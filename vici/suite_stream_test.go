// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// suiteCrowd is the number of connections that make a listing long enough to be left early.
const suiteCrowd = 300

// crowd loads many connections for the time of a test.
func (s *suite) crowd(t *testing.T) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	for i := range suiteCrowd {
		require.NoError(t, session.LoadConn(ctx, vici.ConnConfig{
			Name: fmt.Sprintf("suite-crowd-%d", i), RemoteAddrs: []string{"192.0.2.250"},
			Local: []vici.AuthConfig{{Auth: "psk"}}, Remote: []vici.AuthConfig{{Auth: "psk"}},
			Children: []vici.ChildConfig{{Name: "suite-crowd-child"}},
		}))
	}
	t.Cleanup(func() {
		for i := range suiteCrowd {
			require.NoError(t, session.UnloadConn(context.WithoutCancel(ctx), fmt.Sprintf("suite-crowd-%d", i)))
		}
	})
}

// crowdOf counts how many of the crowd a listing has; each must be there once.
func crowdOf(ctx context.Context, t *testing.T, session *vici.Session) int {
	t.Helper()
	seen := make(map[string]bool)
	for conn, err := range session.ListConns(ctx, vici.ListConnsRequest{}) {
		require.NoError(t, err)
		require.False(t, seen[conn.Name], "twice, as with a registration that was left behind")
		seen[conn.Name] = true
	}
	n := 0
	for name := range seen {
		if strings.HasPrefix(name, "suite-crowd-") {
			n++
		}
	}
	return n
}

// suiteBreak leaves listings early; the session goes on, without a registration too many.
func suiteBreak(t *testing.T, s *suite) {
	t.Helper()
	s.crowd(t)
	ctx, session := suiteBound(t), s.dial(t)
	require.Equal(t, suiteCrowd, crowdOf(ctx, t, session))
	for range 3 {
		for _, err := range session.ListConns(ctx, vici.ListConnsRequest{}) {
			require.NoError(t, err)
			require.Equal(t, 1, s.registrations(t)["list-conn"])
			break
		}
		require.NoError(t, session.Ping(ctx))
		require.Zero(t, s.registrations(t)["list-conn"])
	}
	require.Equal(t, suiteCrowd, crowdOf(ctx, t, session))
}

// suiteContext ends contexts in the middle of a listing and of a command; the daemon goes on for others.
func suiteContext(t *testing.T, s *suite) {
	t.Helper()
	s.crowd(t)
	took := time.Hour
	for range 3 { // the least of them counts, since whatever else the machine does can only add to it
		took = min(took, s.endWhileListing(t))
	}
	require.Less(t, took, 50*time.Millisecond)
	awaitTrue(t, func() bool { return s.registrations(t)["list-conn"] == 0 })
	require.Equal(t, suiteCrowd, crowdOf(suiteBound(t), t, s.dial(t)))

	s.endWhileInitiating(t)
	awaitTrue(t, func() bool { return s.registrations(t)["control-log"] == 0 })
}

// endWhileListing ends the context in the middle of a listing and returns how long that takes to be noticed.
func (s *suite) endWhileListing(t *testing.T) time.Duration {
	t.Helper()
	session := s.dial(t)
	ctx, cancel := context.WithCancel(suiteBound(t))
	defer cancel()
	n := 0
	var ended time.Time
	var end error
	for _, err := range session.ListConns(ctx, vici.ListConnsRequest{}) {
		end = err
		if n++; n == 3 {
			require.Positive(t, s.registrations(t)["list-conn"])
			ended = time.Now()
			cancel()
		}
	}
	took := time.Since(ended)
	require.Equal(t, 4, n, "after the end comes the error, and nothing of the listing any more")
	require.ErrorIs(t, end, context.Canceled)
	require.ErrorIs(t, session.Err(), vici.ErrClosed)
	return took
}

// endWhileInitiating gives up waiting for a peer that is not there. The daemon goes on trying until it is told not to.
func (s *suite) endWhileInitiating(t *testing.T) {
	t.Helper()
	heal := s.hang()
	defer heal()
	hurried, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	session := s.dial(t)
	start := time.Now()
	request := vici.InitiateRequest{Child: "suite-crowd-child", IKE: "suite-crowd-7"}
	err := session.Initiate(hurried, request, func(*vici.ControlLog) {
		require.Equal(t, 1, s.registrations(t)["control-log"])
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Second)
	require.ErrorIs(t, session.Err(), vici.ErrClosed)
	_, err = session.Version(suiteBound(t))
	require.ErrorIs(t, err, vici.ErrClosed)

	end := vici.TerminateRequest{IKE: "suite-crowd-7", Force: true, Timeout: suiteTimeout}
	_, err = s.dial(t).Terminate(suiteBound(t), end, nil)
	if err != nil {
		requireRefused(t, err) // a fake daemon has begun nothing
	}
	require.Empty(t, collectAll(t, s.dial(t).ListSAs(suiteBound(t), vici.ListSAsRequest{IKE: "suite-crowd-7"})))
}

// suiteGoroutines uses one session from several goroutines at once: every answer goes to who asked.
func suiteGoroutines(t *testing.T, s *suite) {
	t.Helper()
	const rounds = 20
	ctx, session := suiteBound(t), s.dial(t)
	asks := []func() error{
		func() error { _, err := session.Version(ctx); return err },
		func() error {
			stats, err := session.Stats(ctx)
			return answered(err, stats.Workers.Total.Present())
		},
		func() error {
			pools, err := session.Pools(ctx, vici.PoolsRequest{Name: "suite-nobody-has-it"})
			return answered(err, len(pools) == 0)
		},
		func() error {
			names, err := session.ConnNames(ctx)
			return answered(err, len(names) > 0)
		},
		func() error { return listed(session.ListConns(ctx, vici.ListConnsRequest{IKE: suiteName}), 1) },
		func() error {
			return listed(session.ListSAs(ctx, vici.ListSAsRequest{IKE: suiteName, NoBlock: true}), 0)
		},
		func() error {
			_, err := session.Call(ctx, "no-such-command", nil)
			return answered(nil, err != nil && session.Err() == nil)
		},
		func() error {
			algorithms, err := session.Algorithms(ctx)
			return answered(err, algorithms.Encryption["AES_CBC"] != "")
		},
	}
	var asking sync.WaitGroup
	errs := make(chan error, len(asks))
	for i, ask := range asks {
		asking.Go(func() {
			for range rounds {
				if err := ask(); err != nil {
					errs <- fmt.Errorf("goroutine %d: %w", i, err)
					return
				}
			}
		})
	}
	asking.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

func answered(err error, right bool) error {
	if err == nil && !right {
		return errors.New("the answer is another one's")
	}
	return err
}

// listed returns an error unless a listing has n items.
func listed[T any](list func(func(T, error) bool), n int) error {
	got := 0
	for _, err := range list {
		if err != nil {
			return err
		}
		got++
	}
	return answered(nil, got == n)
}
