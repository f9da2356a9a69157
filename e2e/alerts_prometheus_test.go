// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shortRules writes the shipped alerts with all durations divided by a factor, and returns where.
func shortRules(t *testing.T, factor int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alerts.yml")
	rules, err := os.Create(path)
	require.NoError(t, err)
	var complaints strings.Builder
	// In the dashboards' own module: Prometheus' parser is no dependency of the exporter.
	cmd := exec.CommandContext(t.Context(), "go", "run", "./shorten", "--factor", strconv.Itoa(factor), "rules/alerts.yml")
	cmd.Dir, cmd.Stdout, cmd.Stderr = "../dashboards", rules, &complaints
	require.NoError(t, cmd.Run(), "%s", &complaints)
	require.NoError(t, rules.Close())
	return path
}

// config scrapes what stands in the files of a directory, under the jobs and instances that they say.
func (w *watch) config(t *testing.T, directory string, interval time.Duration, rules string) string {
	t.Helper()
	milliseconds := promDuration(interval.String())
	alerting := "[]" // only the hasty ones are told
	if directory == "hasty" {
		alerting = fmt.Sprintf("[{static_configs: [{targets: [%q]}]}]", w.alertmanager.address)
	}
	return fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [%[2]q]
alerting: {alertmanagers: %[3]s}
scrape_configs:
- job_name: none
  file_sd_configs: [{files: [%[4]q], refresh_interval: 1s}]
`, milliseconds, rules, alerting, filepath.Join(w.targets, directory, "*.json"))
}

// promDuration writes a duration as Prometheus does: in milliseconds, which it always understands.
func promDuration(text string) string {
	d, _ := time.ParseDuration(text) // it comes from a duration
	return strconv.FormatInt(max(1, d.Milliseconds()), 10) + "ms"
}

// scrape lets Prometheus scrape an exporter from now on, in place of what had that job and instance before.
func (w *watch) scrape(t *testing.T, directory, job, instance string, e *exporter) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(e.url, "http://"), "/metrics")
	content, err := json.Marshal([]any{map[string]any{
		"targets": []string{address}, "labels": map[string]string{"job": job, "instance": instance},
	}})
	require.NoError(t, err)
	path := filepath.Join(w.targets, directory, job+"-"+instance+".json")
	require.NoError(t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// alertNames returns how alerts are called in the protocol: severity, name and what they are about; the gateway only if it is not
// moon.
func alertNames(alerts []sample) []string {
	names := []string{}
	for _, a := range alerts {
		name := []string{a.labels["severity"], a.labels["alertname"]}
		for _, label := range []string{"collector", "connection", "child", "pool", "subject", "issuer", "local_ts", "remote_ts"} {
			if value := a.labels[label]; value != "" {
				name = append(name, value)
			}
		}
		if instance := a.labels["instance"]; instance != "" && instance != "moon" {
			name = append(name, "on", instance)
		}
		names = append(names, strings.Join(name, " "))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// An alertmanager is a running Alertmanager with the shipped inhibition rules. It ends with the test.
type alertmanager struct {
	address string
	client  *http.Client
}

func startAlertmanager(t *testing.T) *alertmanager {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	require.NoError(t, err, "this test needs Debian's package prometheus-alertmanager")
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := &alertmanager{address: free.Addr().String(), client: &http.Client{Timeout: patience}}
	require.NoError(t, free.Close())
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--config.file=../examples/compose/alertmanager.yml",
		"--storage.path="+t.TempDir(), "--web.listen-address="+a.address, "--cluster.listen-address=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // its data are of no use any more
		_ = cmd.Wait()
	})
	await(t, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.address+"/-/ready", http.NoBody)
		require.NoError(t, err)
		response, err := a.client.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close() // it says nothing
		return response.StatusCode == http.StatusOK
	}, "Alertmanager is ready")
	return a
}

// uninhibited returns the labels of the alerts that it would send.
func (a *alertmanager) uninhibited(t *testing.T) []map[string]string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+a.address+"/api/v2/alerts?active=true&inhibited=false", http.NoBody)
	require.NoError(t, err)
	response, err := a.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	var alerts []struct{ Labels map[string]string }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&alerts))
	var all []map[string]string
	for _, alert := range alerts {
		all = append(all, alert.Labels)
	}
	return all
}
