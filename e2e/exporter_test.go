// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An exporter is a running strongswan_exporter. It ends with the test.
type exporter struct {
	url    string // of its metrics
	done   chan struct{}
	cmd    *exec.Cmd
	client *http.Client
	killed bool // so that it cannot end in order

	mu  sync.Mutex
	log []logLine
}

// A logLine is a line of the exporter's log, with all that it says.
type logLine map[string]any

// startExporter runs the exporter against the daemon at a VICI address and returns when it listens, on a port of
// its own choice. It asks the daemon at every scrape, however soon after the last.
func startExporter(t *testing.T, address string, args ...string) *exporter {
	t.Helper()
	return startExporterAs(t, nil, address, args...)
}

// startExporterAs is startExporter for the exporter as another user; nil is the user of the test.
func startExporterAs(t *testing.T, user *syscall.Credential, address string, args ...string) *exporter {
	t.Helper()
	args = append([]string{
		"--vici.address=" + address, "--web.listen-address=127.0.0.1:0",
		"--scrape.min-interval=0s", "--log.format=json",
	}, args...)
	e := &exporter{
		done:   make(chan struct{}),
		client: &http.Client{Timeout: patience},
		// Not by its context: it has to end in order, and show that it does.
		cmd: exec.CommandContext(context.WithoutCancel(t.Context()), exporterProgram, args...),
	}
	// Should the test end without a cleanup, the kernel ends the exporter.
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user, Pdeathsig: syscall.SIGKILL}
	stderr, err := e.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, e.cmd.Start())
	go e.follow(stderr)
	t.Cleanup(func() { e.end(t) })
	await(t, func() bool { return e.ended() || e.listening() }, "the exporter listens")
	require.NotEmpty(t, e.url, "the exporter has ended: %v", e.logged())
	return e
}

// follow keeps the log until it ends, and waits for the process then.
func (e *exporter) follow(stderr io.Reader) {
	defer close(e.done)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		line := logLine{}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			line["msg"] = lines.Text() // of the runtime, or of a flag that is wrong
		}
		e.mu.Lock()
		e.log = append(e.log, line)
		e.mu.Unlock()
	}
	_ = e.cmd.Wait() // its state tells
}

func (e *exporter) listening() bool {
	for _, line := range e.logged() {
		if address, ok := line["address"].(string); ok && line["msg"] == "Listening on" {
			e.url = "http://" + address + "/metrics"
			return true
		}
	}
	return false
}

func (e *exporter) ended() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// logged returns the lines of the log so far; with words, those whose text has all of them.
func (e *exporter) logged(words ...string) []logLine {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []logLine
	for _, line := range e.log {
		text, _ := json.Marshal(line) // it comes from JSON
		hasAll := true
		for _, word := range words {
			hasAll = hasAll && strings.Contains(string(text), word)
		}
		if hasAll {
			found = append(found, line)
		}
	}
	return found
}

// end asks the exporter to terminate, which it must do soon and with status 0.
func (e *exporter) end(t *testing.T) {
	t.Helper()
	if t.Failed() {
		t.Logf("the exporter's log: %v", e.logged())
	}
	if e.killed {
		return
	}
	if !e.ended() {
		require.NoError(t, e.cmd.Process.Signal(syscall.SIGTERM))
	}
	select {
	case <-e.done:
		require.True(t, e.cmd.ProcessState.Success(), "%v: %v", e.cmd.ProcessState, e.logged())
	case <-time.After(patience):
		_ = e.cmd.Process.Kill() // what matters is reported below
		<-e.done
		require.Fail(t, "the exporter does not end")
	}
}

// kill ends the exporter without giving it time for anything (SIGKILL).
func (e *exporter) kill(t *testing.T) {
	t.Helper()
	e.killed = true
	require.NoError(t, e.cmd.Process.Kill())
	<-e.done
}

// scrape gets one page, which must come with status 200.
func (e *exporter) scrape(t *testing.T) *page {
	t.Helper()
	return e.scrapeIn(t.Context(), t)
}

// scrapeIn is scrape with a context.
func (e *exporter) scrapeIn(ctx context.Context, t *testing.T) *page {
	t.Helper()
	p, err := e.tryScrape(ctx)
	require.NoError(t, err)
	return p
}

// tryScrape is scrape for other goroutines than the test's.
func (e *exporter) tryScrape(ctx context.Context) (*page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	response, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return parsePage(response.StatusCode, string(text))
}

// awaitEvents scrapes until the exporter has subscribed to events, so that nothing that happens from now on escapes it.
func (e *exporter) awaitEvents(t *testing.T) {
	t.Helper()
	await(t, func() bool {
		return e.scrape(t).series["strongswan_event_stream_connected"] == 1
	}, "the exporter subscribes to events")
}
