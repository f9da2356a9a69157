// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A prometheus is a running Prometheus server. It ends with the test.
type prometheus struct {
	url    string
	client *http.Client
}

// startPrometheus runs a Prometheus server that scrapes exporters, under the names that they are given as instance,
// and returns when it is ready.
func startPrometheus(t *testing.T, interval time.Duration, targets map[string]*exporter) *prometheus {
	t.Helper()
	return runPrometheus(t, prometheusConfig(interval, targets))
}

// runPrometheus runs a Prometheus server with a configuration and returns when it is ready.
func runPrometheus(t *testing.T, configuration string) *prometheus {
	t.Helper()
	_, err := exec.LookPath("prometheus")
	require.NoError(t, err, "this test needs Debian's package prometheus")
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, []byte(configuration), 0o600))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "prometheus", "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // its data are of no use any more
		_ = cmd.Wait()
	})
	p := &prometheus{url: listeningURL(t, stderr), client: &http.Client{Timeout: patience}}
	await(t, func() bool { return p.ready(t) }, "Prometheus is ready")
	return p
}

// ready tells whether the server has read its data and answers queries.
func (p *prometheus) ready(t *testing.T) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/-/ready", http.NoBody)
	require.NoError(t, err)
	response, err := p.client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode == http.StatusOK
}

// prometheusConfig scrapes each exporter once an interval.
func prometheusConfig(interval time.Duration, targets map[string]*exporter) string {
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %s}\nscrape_configs:\n- job_name: strongswan\n  static_configs:\n", interval)
	for name, e := range targets {
		address := strings.TrimSuffix(strings.TrimPrefix(e.url, "http://"), "/metrics")
		fmt.Fprintf(&config, "  - {targets: [%q], labels: {instance: %s}}\n", address, name)
	}
	return config.String()
}

// listeningURL reads a server's log until that says where it listens; the rest is read and dropped.
func listeningURL(t *testing.T, log io.Reader) string {
	t.Helper()
	listening := regexp.MustCompile(`msg="?Listening on"? address=(\S+)`)
	var said []string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said = append(said, lines.Text())
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return "http://" + found[1]
		}
	}
	require.Fail(t, "the server has ended", strings.Join(said, "\n"))
	return ""
}

// A sample is one element of the value of an expression.
type sample struct {
	labels map[string]string
	value  float64
}

// ask evaluates an expression at a moment.
func (p *prometheus) ask(t *testing.T, at time.Time, expression string) []sample {
	t.Helper()
	parameters := url.Values{"query": {expression}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/v1/query?"+parameters.Encode(), http.NoBody)
	require.NoError(t, err)
	response, err := p.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	require.Equal(t, "success", answer.Status, answer.Error)
	var samples []sample
	for _, r := range answer.Data.Result {
		value, err := strconv.ParseFloat(r.Value[1].(string), 64)
		require.NoError(t, err)
		samples = append(samples, sample{r.Metric, value})
	}
	return samples
}

// query is ask for values by instance.
func (p *prometheus) query(t *testing.T, at time.Time, expression string) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for _, s := range p.ask(t, at, expression) {
		values[s.labels["instance"]] = s.value
	}
	return values
}

// awaitScrapes waits until so many targets were scraped once more, well or not.
func (p *prometheus) awaitScrapes(t *testing.T, targets int) {
	t.Helper()
	began := float64(time.Now().UnixMilli()) / 1000
	await(t, func() bool {
		scraped := p.query(t, time.Now(), "timestamp(up)")
		for _, at := range scraped {
			if at < began {
				return false
			}
		}
		return len(scraped) == targets
	}, "Prometheus scrapes")
}
