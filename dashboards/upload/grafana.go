// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
)

// A client talks to Grafana's HTTP API.
type client struct {
	url, token string
	http       http.Client
}

// call sends a request and decodes the answer. Grafana tells in the answer what it does not like.
func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.url, "/")+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusMultiStatus {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("answer to %s %s: %w", method, path, err)
	}
	return nil
}

// prometheus returns the uid of the first Prometheus data source.
func (c *client) prometheus(ctx context.Context) (string, error) {
	var sources []struct{ UID, Type string }
	if err := c.call(ctx, http.MethodGet, "/api/datasources", nil, &sources); err != nil {
		return "", err
	}
	for _, s := range sources {
		if s.Type == "prometheus" {
			return s.UID, nil
		}
	}
	return "", errors.New("this Grafana has no Prometheus data source: add one")
}

// importDashboard imports a dashboard and compares what Grafana made of it.
func (c *client) importDashboard(ctx context.Context, d *grafana.Dashboard) error {
	var imported struct {
		UID      string
		Imported bool
	}
	err := c.call(ctx, http.MethodPost, "/api/dashboards/import",
		map[string]any{"dashboard": d, "overwrite": true, "inputs": []any{}}, &imported)
	if err != nil {
		return err
	}
	if !imported.Imported || imported.UID != d.UID {
		return fmt.Errorf("%s: Grafana imported it as %q", d.UID, imported.UID)
	}
	var kept struct{ Dashboard grafana.Dashboard }
	if err := c.call(ctx, http.MethodGet, "/api/dashboards/uid/"+d.UID, nil, &kept); err != nil {
		return err
	}
	if got, want := len(kept.Dashboard.Pictures()), len(d.Pictures()); got != want {
		return fmt.Errorf("%s: Grafana kept %d of %d panels", d.UID, got, want)
	}
	return nil
}

// runQueries lets Grafana run each query of the last six hours and returns the panels that have no data. A query that fails is an error,
// and the others are run all the same.
func (c *client) runQueries(ctx context.Context, d *grafana.Dashboard, source string) (empty []string, err error) {
	var errs []error
	for _, p := range d.Pictures() {
		var queries []map[string]any
		for _, t := range p.Targets {
			queries = append(queries, map[string]any{
				"refId": t.RefID, "expr": everything(t.Expr), "format": t.Format, "instant": t.Instant, "range": t.Range,
				"datasource": map[string]string{"type": "prometheus", "uid": source}, "intervalMs": 60000, "maxDataPoints": 300,
			})
		}
		var answer struct {
			Results map[string]result
		}
		request := map[string]any{"queries": queries, "from": "now-6h", "to": "now"}
		if err := c.call(ctx, http.MethodPost, "/api/ds/query", request, &answer); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s: %w", d.UID, p.Title, err))
			continue
		}
		data := false
		for id, r := range answer.Results {
			if r.Error != "" {
				errs = append(errs, fmt.Errorf("%s, %s, query %s: %s", d.UID, p.Title, id, r.Error))
			}
			data = data || r.hasData()
		}
		if !data {
			empty = append(empty, p.Title)
		}
	}
	return empty, errors.Join(errs...)
}

// A result is the answer to one query. A frame without a value is one too.
type result struct {
	Error  string
	Frames []struct {
		Data struct{ Values []json.RawMessage }
	}
}

func (r result) hasData() bool {
	for _, f := range r.Frames {
		for _, column := range f.Data.Values {
			if text := string(bytes.TrimSpace(column)); text != "[]" && text != "null" {
				return true
			}
		}
	}
	return false
}

// everything chooses all values of the dashboards' variables, which Grafana's server does not know.
func everything(expr string) string {
	return strings.NewReplacer("$job", ".+", "$instance", ".+", "$connection", ".*", "$child", ".+", "$peer", ".*").Replace(expr)
}
