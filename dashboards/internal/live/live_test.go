// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// fakePrometheus answers each path with a text, and notes what it was asked.
func fakePrometheus(t *testing.T, answers map[string]string) (p *live.Prometheus, asked map[string]string) {
	t.Helper()
	asked = make(map[string]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path] = r.FormValue("query") + r.FormValue("match[]")
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	t.Cleanup(server.Close)
	return &live.Prometheus{URL: server.URL}, asked
}

func viewer(p *live.Prometheus) *live.Viewer {
	now := time.Unix(1e9, 0)
	return &live.Viewer{Prometheus: p, From: now.Add(-6 * time.Hour), To: now, ScrapeInterval: time.Minute, Points: 100}
}

func TestAskFillsInVariables(t *testing.T) {
	p, asked := fakePrometheus(t, map[string]string{
		"/api/v1/label/job/values":        `{"status":"success","data":["vpn"]}`,
		"/api/v1/label/connection/values": `{"status":"success","data":["b.c","a"]}`,
		"/api/v1/query":                   `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"x":"y"},"value":[5,"1"]}]}}`,
		"/api/v1/query_range":             `{"status":"success","data":{"resultType":"matrix","result":[{"values":[[5,"1"],[6.5,"2"]]}]}}`,
	})
	d := grafana.New("u", "t", "d",
		[]grafana.Variable{
			grafana.DatasourceVariable(), grafana.LabelVariable("job", "Job", "m", ".+"), grafana.LabelVariable("connection", "C", "m{J}", ""),
		},
		grafana.Stat("one", "d", grafana.Query{Expr: `rate(m{J,connection=~"$connection"}[$__rate_interval])`}),
		grafana.TimeSeries("two", "d", grafana.Query{Expr: `increase(m[$__range])`}))
	v := viewer(p)
	require.NoError(t, v.Open(t.Context(), d, map[string]string{"job": "x"}))
	require.Equal(t, `m{job=~"x"}`, asked["/api/v1/label/connection/values"])

	answers, err := v.Ask(t.Context(), d.Panels[0])
	require.NoError(t, err)
	require.Equal(t, `rate(m{job=~"x",connection=~"(a|b\\.c)"}[276s])`, asked["/api/v1/query"])
	require.Equal(t, map[string]string{"x": "y"}, answers[0][0].Labels)

	answers, err = v.Ask(t.Context(), d.Panels[1])
	require.NoError(t, err)
	require.Equal(t, `increase(m[21600s])`, asked["/api/v1/query_range"])
	require.Len(t, answers[0][0].Points, 2)
	require.InDelta(t, 2, answers[0][0].Last(), 0)
	require.Equal(t, time.UnixMilli(6500), answers[0][0].Points[1].Time)
}

func TestErrorsOfPrometheusAreTold(t *testing.T) {
	p, _ := fakePrometheus(t, map[string]string{"/api/v1/query": `{"status":"error","error":"bad_data"}`})
	_, err := p.Instant(t.Context(), "x", time.Now())
	require.ErrorContains(t, err, "bad_data: x")
	_, err = p.Range(t.Context(), "x", time.Now(), time.Now(), time.Second)
	require.ErrorContains(t, err, "query_range")
}

func TestOpenNeedsValues(t *testing.T) {
	p, _ := fakePrometheus(t, map[string]string{"/api/v1/label/job/values": `{"status":"success","data":[]}`})
	d := grafana.New("u", "t", "d", []grafana.Variable{grafana.LabelVariable("job", "Job", "m", ".+")})
	require.ErrorContains(t, viewer(p).Open(t.Context(), d, nil), "no values")
}

func TestOwnJobs(t *testing.T) {
	p, asked := fakePrometheus(t, map[string]string{"/api/v1/label/job/values": `{"status":"success","data":["vpn","vpn.b"]}`})
	own, err := viewer(p).Own(t.Context())
	require.NoError(t, err)
	require.Equal(t, `(vpn|vpn\.b)`, own)
	require.Equal(t, map[string]string{"/api/v1/label/job/values": "strongswan_up"}, asked)
}

func TestSame(t *testing.T) {
	at := time.Unix(5, 0)
	series := func(job string, values ...float64) live.Series {
		s := live.Series{Labels: map[string]string{"job": job}}
		for _, v := range values {
			s.Points = append(s.Points, live.Point{Time: at, Value: v})
		}
		return s
	}
	first := []live.Series{series("a", 0.3, math.NaN()), series("b", math.Inf(1))}
	require.True(t, live.Same(first, []live.Series{series("b", math.Inf(1)), series("a", math.Nextafter(0.3, 1), math.NaN())}))
	for _, other := range [][]live.Series{
		nil, first[:1], {first[0], series("c", math.Inf(1))}, {first[0], series("b", 1)}, {series("a", 0.3), first[1]},
	} {
		require.False(t, live.Same(first, other))
	}
}
