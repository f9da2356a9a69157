// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// faultyGenerations are those on which daemons are mistreated: the one that most distributions have, and the newest.
var faultyGenerations = []string{"5.9.8", "6.1.0"}

// scrapeWithin scrapes as a Prometheus that waits no longer than that, and insists on an answer before it gives up.
func (e *exporter) scrapeWithin(t *testing.T, timeout time.Duration) *page {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p, err := e.tryScrapeFor(ctx, timeout)
	require.NoError(t, err)
	return p
}

// tryScrapeFor scrapes as a Prometheus that says how long it waits, whether or not it does. Any goroutine may call it.
func (e *exporter) tryScrapeFor(ctx context.Context, timeout time.Duration) (*page, error) {
	seconds := strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64)
	status, text, err := e.get(ctx, e.url, "X-Prometheus-Scrape-Timeout-Seconds", seconds)
	if err != nil {
		return nil, err
	}
	return parsePage(status, text)
}

// get asks for a page of any kind, with headers as names and values in turns.
func (e *exporter) get(ctx context.Context, url string, headers ...string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := e.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// commandsSent returns how many commands the exporter has sent to the daemon.
func commandsSent(p *page) float64 {
	sum := 0.0
	for _, n := range p.series.of("strongswan_vici_requests_total") {
		sum += n
	}
	return sum
}

// waitingAt returns what waits for a daemon to read it: connections that it has not accepted, and accepted ones with
// requests in them. The listening socket is in the gateway's network, and accepted ones are in their client's.
func waitingAt(ctx context.Context, t *testing.T, g *lab.Gateway) (connections, requests int) {
	t.Helper()
	listening, err := g.Command(ctx, "ss", "--unix", "--listening", "--processes", "--no-header").Output()
	require.NoError(t, err)
	accepted, err := exec.CommandContext(ctx, "ss", "--unix", "--processes", "--no-header").Output()
	require.NoError(t, err)
	for _, received := range receivedBy(t, g.PID(), string(listening)) {
		connections += received
	}
	for _, received := range receivedBy(t, g.PID(), string(accepted)) {
		requests += min(received, 1)
	}
	return connections, requests
}

// receivedBy reads what ss says of a process: what waits in each of its sockets.
func receivedBy(t *testing.T, pid int, output string) (received []int) {
	t.Helper()
	const receivedField = 2
	for line := range strings.Lines(output) {
		if !strings.Contains(line, fmt.Sprintf("pid=%d,", pid)) {
			continue
		}
		fields := strings.Fields(line)
		require.Greater(t, len(fields), receivedField, line)
		n, err := strconv.Atoi(fields[receivedField])
		require.NoError(t, err, line)
		received = append(received, n)
	}
	require.NotEmpty(t, received, "sockets of process %d in:\n%s", pid, output)
	return received
}

// dial opens a second client's session with a daemon.
func dial(ctx context.Context, t *testing.T, g *lab.Gateway) *vici.Session {
	t.Helper()
	s, err := (&vici.Dialer{Address: g.Address()}).Dial(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // the daemon may be gone
	return s
}

// idleWorkers returns how many of the daemon's threads wait for work, not counting the one that answers.
func idleWorkers(ctx context.Context, t *testing.T, s *vici.Session) int {
	t.Helper()
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	idle, ok := stats.Workers.Idle.Get()
	require.True(t, ok)
	return int(idle)
}

// pause stops the daemon's process and returns when it has stopped.
func pause(t *testing.T, g *lab.Gateway) {
	t.Helper()
	require.NoError(t, g.Pause())
	await(t, func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
		require.NoError(t, err)
		return strings.Contains(string(status), "State:\tT (stopped)")
	}, "charon on %s stops", g.Name)
}
