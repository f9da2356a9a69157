// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A prometheus is a Prometheus server that scrapes a fleet, and itself.
type prometheus struct {
	*process

	url    string
	client *http.Client
}

// startPrometheus runs a Prometheus server with the shipped rules on what is to be scraped, the body of scrape_configs.
func startPrometheus(ctx context.Context, directory string, interval time.Duration, scrapes string) (*prometheus, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := filepath.Abs("dashboards/rules")
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("global: {scrape_interval: %s, evaluation_interval: %s}\n"+
		"rule_files: [%q, %q]\nscrape_configs:\n- job_name: prometheus\n  static_configs: [{targets: [%q]}]\n%s",
		interval, interval, rules+"/recording.yml", rules+"/alerts.yml", address, scrapes)
	file := filepath.Join(directory, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + address, client: &http.Client{Timeout: patience}}
	p.process, err = start(ctx, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(directory, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	if err != nil {
		return nil, fmt.Errorf("%w (scripts/install-deps installs Prometheus)", err)
	}
	err = p.until(ctx, func() bool {
		_, err := p.query(ctx, "1")
		return err == nil
	})
	return p, err
}

// freeAddress returns an address of the loopback that nobody listens at.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// until waits for something to be so.
func (p *prometheus) until(ctx context.Context, isSo func() bool) error {
	deadline := time.After(patience)
	for !isSo() {
		select {
		case <-time.After(time.Second / 4):
		case <-p.done:
			return p.failure("has ended")
		case <-deadline:
			return p.failure("is not ready")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// query evaluates an expression with one value. Without a value it is an error.
func (p *prometheus) query(ctx context.Context, expression string) (float64, error) {
	address := p.url + "/api/v1/query?" + url.Values{"query": {expression}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     []json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("%s: %w", expression, err)
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s: %s", expression, answer.Error)
	}
	return single(expression, answer.Data.ResultType, answer.Data.Result)
}

// single returns the value of a scalar, or of a vector with one sample.
func single(expression, kind string, result []json.RawMessage) (float64, error) {
	var text string
	switch {
	case kind == "scalar" && len(result) == 2:
		if err := json.Unmarshal(result[1], &text); err != nil {
			return 0, err
		}
	case kind == "vector" && len(result) == 1:
		var sample struct{ Value [2]any }
		if err := json.Unmarshal(result[0], &sample); err != nil {
			return 0, err
		}
		text, _ = sample.Value[1].(string)
	default:
		return 0, fmt.Errorf("%s: a %s of %d, not one value", expression, kind, len(result))
	}
	return strconv.ParseFloat(text, 64)
}
