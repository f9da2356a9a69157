// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// drawn draws one panel with answers to its queries.
func drawn(t *testing.T, p *grafana.Panel, answers ...[]live.Series) string {
	t.Helper()
	d := grafana.New("u", "Title", "d", nil, p)
	page := Page{
		Dashboard: d, Answers: map[int][][]live.Series{p.ID: answers}, From: time.Unix(0, 0), To: time.Unix(21600, 0),
	}
	var b bytes.Buffer
	require.NoError(t, page.Write(&b))
	requireSound(t, b.String())
	return b.String()
}

// requireSound looks for numbers that cannot be drawn and formats that do not fit, which a browser passes over.
func requireSound(t *testing.T, page string) {
	t.Helper()
	for _, wrong := range []string{"NaN", "Inf", "%!"} {
		require.NotContains(t, page, wrong)
	}
	require.Equal(t, strings.Count(page, "<svg"), strings.Count(page, "</svg>"))
}

func series(label, value string, values ...float64) live.Series {
	s := live.Series{Labels: map[string]string{label: value}}
	for i, v := range values {
		s.Points = append(s.Points, live.Point{Time: time.Unix(int64(i)*60, 0), Value: v})
	}
	return s
}

func TestEachKindOfPanel(t *testing.T) {
	q := grafana.Query{Expr: "x", Legend: "{{peer}}"}
	hostile := "<script>alert(1)</script>"
	states := grafana.Words(map[string]grafana.Word{"0": {Text: "down", Color: "red"}, "1": {Text: "up", Color: "green"}})
	for kind, p := range map[string]*grafana.Panel{
		"stat": grafana.Stat(hostile, "d", q), "name": grafana.Stat("t", "d", q).ShowName(), "bar": grafana.BarGauge("t", "d", q),
		"pie": grafana.Pie("t", "d", q), "lines": grafana.TimeSeries("t", "d", q).Below("a"), "stack": grafana.TimeSeries("t", "d", q).Stacked(),
		"bars": grafana.TimeSeries("t", "d", q).Bars(), "states": grafana.StateTimeline("t", "d", q, states),
		"heatmap": grafana.Heatmap("t", "d", "x"), "table": grafana.Table("t", "d", grafana.Label("peer", "Peer"), grafana.Value("V", "s", "x")),
	} {
		page := drawn(t, p, []live.Series{series("peer", hostile, 1, 0, math.NaN(), 1), series("peer", "b", 0, 1, 1, 1)})
		require.NotContains(t, page, hostile, kind)
		require.NotContains(t, page, "cannot be drawn", kind)
		require.NotContains(t, page, "No data", kind)
	}
	require.Contains(t, drawn(t, grafana.Stat("t", "d", q).NoValue("nothing here"), nil), "nothing here")
}

func TestTableJoinsOrdersAndDescribes(t *testing.T) {
	table := grafana.Table("t", "d",
		grafana.Label("peer", "Peer"), grafana.Label("host", "Host"),
		grafana.Value("Up", "short", "x").As(grafana.Words(map[string]grafana.Word{"1": {Text: "yes"}})),
		grafana.Value("Bytes", "bytes", "y"), grafana.Only("z")).SortBy("Bytes", true)
	more := series("peer", "a", 1)
	more.Labels["host"] = "192.0.2.1"
	page := drawn(t, table,
		[]live.Series{series("peer", "a", 1), series("peer", "b", 0)},
		[]live.Series{series("peer", "a", 1024), series("peer", "b", 3<<20)}, []live.Series{more})
	cells := regexp.MustCompile("<t[hd][^>]*>([^<]*)").FindAllStringSubmatch(page, -1)
	var text []string
	for _, c := range cells {
		text = append(text, c[1])
	}
	require.Equal(t, []string{"Peer", "Host", "Up", "Bytes", "b", "", "0", "3 MiB", "a", "192.0.2.1", "yes", "1 KiB"}, text)
}

func TestFormat(t *testing.T) {
	now := time.Unix(1000, 0)
	for unit, want := range map[string]string{
		"percentunit": "150%", "s": "1.50 s", "bytes": "1.50 B", "bps": "1.50 b/s", "short": "1.50", "pps": "1.50 p/s", "ops": "1.50 /s",
	} {
		require.Equal(t, want, format(1.5, unit, now), unit)
	}
	require.Equal(t, "1.23 Mb/s", format(1234567, "bps", now))
	require.Equal(t, "in 2 hours", format(1000e3+7200e3, "dateTimeFromNow", now))
	require.Equal(t, "1 minute ago", format(940e3, "dateTimeFromNow", now))
	require.Equal(t, "0", trim(math.Copysign(0, -1)))
}
