// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

const (
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"
	acceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// scrapeAs scrapes in one of the formats that Prometheus may ask for.
func (e *exporter) scrapeAs(accept string) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequestWithContext(e.t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	require.Equal(e.t, http.StatusOK, w.Code)
	return w
}

// Counters tell since when they count: in protobuf always, in text where that was asked for.
func TestCreatedSamples(t *testing.T) {
	const created = `strongswan_child_received_bytes_created{child="net",connection="gw"} `
	for flag, want := range map[string]bool{"--no-web.created-samples": false, "--web.created-samples": true} {
		t.Run(flag, func(t *testing.T) {
			e := newExporter(t, newGateway(t, vicitest.Config{}).Dial, flag)
			page := e.scrapeAs(acceptOpenMetrics).Body.String()
			require.Contains(t, page, `strongswan_child_received_bytes_total{child="net",connection="gw"} `)
			require.True(t, strings.HasSuffix(page, "# EOF\n"))
			require.Equal(t, want, strings.Contains(page, created))
			require.Equal(t, want, strings.Contains(page, `strongswan_ike_sa_session_seconds_created{connection="gw"} `))
			require.NotContains(t, e.get("/metrics", 10).Body.String(), "_created", "the other text format has none")
		})
	}
}

// They are bounded with the other series.
func TestCreatedSamplesAreBounded(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	for i := range 500 {
		d.Load(vicitest.Connection{Name: fmt.Sprint("c", i), Children: []vicitest.Child{{Name: "child"}}})
	}
	for _, limit := range []int{2000, 5000, 9000} {
		e := newExporter(t, d.Dial, "--web.created-samples", fmt.Sprint("--limit.series=", limit))
		series := 0
		for line := range strings.Lines(e.scrapeAs(acceptOpenMetrics).Body.String()) {
			if strings.HasPrefix(line, "strongswan_") {
				series++
			}
		}
		require.LessOrEqual(t, series, limit)
		require.Greater(t, series, limit/2)
	}
}

func TestCreatedInProtobuf(t *testing.T) {
	e := newExporter(t, newGateway(t, vicitest.Config{}).Dial)
	w := e.scrapeAs(acceptProtobuf)
	decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	counters := 0
	for {
		var f dto.MetricFamily
		if decoder.Decode(&f) != nil {
			break
		}
		if !strings.HasPrefix(f.GetName(), "strongswan_") {
			continue
		}
		for _, m := range f.Metric {
			if m.Counter != nil {
				counters++
				require.NotNil(t, m.Counter.CreatedTimestamp, f.GetName())
			}
			if m.Histogram != nil {
				require.NotNil(t, m.Histogram.CreatedTimestamp, f.GetName())
				require.NotNil(t, m.Histogram.Schema, "native, too")
			}
		}
	}
	require.Greater(t, counters, 50)
}
