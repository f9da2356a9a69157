// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
)

// fakeGrafana keeps dashboards and answers queries as Grafana's API does.
func fakeGrafana(t *testing.T, query http.HandlerFunc) *client {
	t.Helper()
	kept := map[string]json.RawMessage{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/datasources", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"uid":"l","type":"loki"},{"uid":"p","type":"prometheus"}]`))
	})
	mux.HandleFunc("POST /api/dashboards/db", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Dashboard json.RawMessage }
		var d struct{ UID string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal(body.Dashboard, &d) != nil {
			http.Error(w, "no dashboard", http.StatusBadRequest)
			return
		}
		kept[d.UID] = body.Dashboard
		_, _ = w.Write([]byte(`{"status":"success"}`))
	})
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"dashboard": kept[r.PathValue("uid")]})
	})
	mux.HandleFunc("POST /api/ds/query", query)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &client{url: server.URL}
}

func TestRunImportsAndQueries(t *testing.T) {
	queries := 0
	c := fakeGrafana(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Queries []struct {
				Expr       string
				Datasource struct{ UID string }
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		for _, q := range body.Queries {
			queries++
			if q.Datasource.UID != "p" || strings.Contains(q.Expr, "$job") {
				http.Error(w, q.Expr, http.StatusBadRequest)
			}
		}
		_, _ = w.Write([]byte(`{"results":{"A":{"frames":[{}]}}}`))
	})
	require.NoError(t, run(t.Context(), c, ""))
	want := 0
	for _, d := range boards.All() {
		for _, p := range d.Pictures() {
			want += len(p.Targets)
		}
	}
	require.Equal(t, want, queries)
}

func TestRunTellsWhatGrafanaRefuses(t *testing.T) {
	c := fakeGrafana(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"results":{"A":{"error":"parse error"}}}`))
	})
	require.ErrorContains(t, run(t.Context(), c, "p"), "query A: parse error")
	c.url += "/nowhere"
	require.ErrorContains(t, run(t.Context(), c, "p"), "404")
}

func TestQueriesWithoutDataAreNamed(t *testing.T) {
	c := fakeGrafana(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"results":{"A":{"frames":[]}}}`))
	})
	d := boards.All()[0]
	empty, err := c.runQueries(t.Context(), d, "p")
	require.NoError(t, err)
	require.Len(t, empty, len(d.Pictures()))
}
