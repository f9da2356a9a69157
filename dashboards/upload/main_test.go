// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	mux.HandleFunc("POST /api/dashboards/import", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Dashboard json.RawMessage }
		var d struct{ UID string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal(body.Dashboard, &d) != nil {
			http.Error(w, "no dashboard", http.StatusBadRequest)
			return
		}
		kept[d.UID] = body.Dashboard
		_ = json.NewEncoder(w).Encode(map[string]any{"uid": d.UID, "imported": true})
	})
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"dashboard": kept[r.PathValue("uid")]})
	})
	mux.HandleFunc("POST /api/ds/query", query)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &client{url: server.URL}
}

// newCheck is a check whose output goes to a buffer.
func newCheck(c *client, open browser) (*check, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return &check{client: c, open: open, out: out}, out
}

// answers answers each query with frames.
func answers(frames string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"results":{"A":` + frames + `}}`))
	}
}

const someData = `{"frames":[{"data":{"values":[[1],[2]]}}]}`

func TestRunImportsAndQueries(t *testing.T) {
	queries := 0
	c, out := newCheck(fakeGrafana(t, func(w http.ResponseWriter, r *http.Request) {
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
		answers(someData)(w, r)
	}), nil)
	require.NoError(t, c.run(t.Context()))
	want := 0
	for _, d := range boards.All() {
		require.Contains(t, out.String(), d.UID+": imported, all queries run")
		for _, p := range d.Pictures() {
			want += len(p.Targets)
		}
	}
	require.Equal(t, want, queries)
}

func TestRunTellsWhatGrafanaRefuses(t *testing.T) {
	c, _ := newCheck(fakeGrafana(t, answers(`{"error":"parse error"}`)), nil)
	err := c.run(t.Context())
	for _, d := range boards.All() {
		require.ErrorContains(t, err, d.UID+", "+d.Pictures()[0].Title+", query A: parse error")
	}
	c.client.url += "/nowhere"
	require.ErrorContains(t, c.run(t.Context()), "404")
}

func TestPanelsWithoutDataAreNamedAndFail(t *testing.T) {
	for _, frames := range []string{`{"frames":[]}`, `{"frames":[{"data":{"values":[]}}]}`, `{"frames":[{"data":{"values":[[],[]]}}]}`} {
		c, out := newCheck(fakeGrafana(t, answers(frames)), nil)
		err := c.run(t.Context())
		for _, d := range boards.All() {
			require.ErrorContains(t, err, fmt.Sprintf("%s: %d panels have no data", d.UID, len(d.Pictures())))
			require.Contains(t, out.String(), d.UID+": no data: "+d.Pictures()[0].Title)
		}
		c.allowEmpty = true
		require.NoError(t, c.run(t.Context()))
	}
}

func TestPanelsWithErrorsFail(t *testing.T) {
	for page, want := range map[string]string{
		`<div data-viz-panel-key="1"></div>`:                                            "",
		`<div data-panelid="1"><button aria-label="Panel status error"></button></div>`: "at least one panel shows an error",
		`<form action="/login"></form>`:                                                 "shows no panel",
	} {
		var opened []string
		c, _ := newCheck(fakeGrafana(t, answers(someData)), func(_ context.Context, url string) (string, error) {
			opened = append(opened, url)
			return page, nil
		})
		err := c.run(t.Context())
		for i, d := range boards.All() {
			require.Equal(t, c.client.url+"/d/"+d.UID+"?kiosk", opened[i])
			if want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, d.UID)
				require.ErrorContains(t, err, want)
			}
		}
	}
}

func TestBrowserIsGivenThePageAndADirectory(t *testing.T) {
	program := filepath.Join(t.TempDir(), "browser")
	script := "#!/bin/sh\nfor last; do :; done\necho \"<p data-panelid>$last $*</p>\"\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	c, out := newCheck(fakeGrafana(t, answers(someData)), nil)
	require.NoError(t, start(t.Context(), c, program))
	require.Contains(t, out.String(), "imported")
	dom, err := chromium(program, "/somewhere")(t.Context(), "http://grafana/d/x")
	require.NoError(t, err)
	require.Contains(t, dom, "<p data-panelid>http://grafana/d/x ")
	require.Contains(t, dom, "--user-data-dir=/somewhere")

	require.ErrorContains(t, start(t.Context(), c, "/no/such/browser"), "no such file")
}
