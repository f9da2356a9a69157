// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

func TestDashboardsCanBeProvisionedAndImported(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range dashboards(t) {
		require.False(t, uids[d.UID], d.UID)
		uids[d.UID] = true
		require.Regexp(t, "^strongswan-[a-z]+$", d.UID)
		require.Nil(t, d.ID)
		require.False(t, d.Editable)
		require.NotEmpty(t, d.Title)
		require.NotEmpty(t, d.Description)
		require.Equal(t, []string{"strongswan", "ipsec", "vpn"}, d.Tags)
		require.Equal(t, 1, d.GraphTooltip)
		require.Contains(t, []string{"30s", "1m"}, d.Refresh)
		require.GreaterOrEqual(t, d.SchemaVersion, 38)
		require.Len(t, d.Links, 1)
		require.Equal(t, "dashboards", d.Links[0].Type)
		require.Subset(t, d.Tags, d.Links[0].Tags)
		require.NotContains(t, string(read(t, "dashboards/grafana/"+d.UID+".json")), "${DS_")
	}
}

func TestVariablesAsTheLinterWantsThem(t *testing.T) {
	for _, d := range dashboards(t) {
		list := d.Templating.List
		require.Equal(t, variable{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1}, list[0])
		for i, v := range []struct{ name, label string }{{"job", "Job"}, {"instance", "Instance"}} {
			got := list[i+1]
			require.Equal(t, v.name, got.Name)
			require.Equal(t, v.label, got.Label)
			require.Equal(t, ".+", got.AllValue)
			require.True(t, got.Multi)
		}
		for _, v := range list[1:] {
			require.Equal(t, "query", v.Type)
			require.Equal(t, source{"prometheus", "${datasource}"}, v.Datasource)
			require.Equal(t, 2, v.Refresh, "the values of %s are those of the time range", v.Name)
		}
	}
}

func TestPanelsAsTheLinterWantsThem(t *testing.T) {
	for _, d := range dashboards(t) {
		titles := map[string]bool{}
		for _, p := range d.pictures() {
			where := d.UID + ", " + p.Title
			require.NotEmpty(t, p.Title, where)
			require.True(t, strings.HasSuffix(p.Description, "."), "%s: a description is a sentence", where)
			require.Equal(t, source{"prometheus", "${datasource}"}, p.Datasource, where)
			require.NotEmpty(t, p.Targets, where)
			require.Contains(t, units(), p.FieldConfig.Defaults.Unit, where)
			require.False(t, titles[p.Type+p.Title], where)
			titles[p.Type+p.Title] = true
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if property.ID == "unit" {
						require.Contains(t, units(), property.Value, where)
					}
				}
			}
		}
	}
}

// units are those of Grafana that the dashboards use; it shows a unit that it does not know as text.
func units() []string {
	return []string{"short", "bps", "bytes", "pps", "ops", "reqps", "eps", "s", "percentunit", "dateTimeFromNow"}
}

func TestTargetsAsTheLinterWantsThem(t *testing.T) {
	declared := promql.Declared()
	for _, d := range dashboards(t) {
		for _, p := range d.pictures() {
			refs := map[string]bool{}
			for _, q := range p.Targets {
				require.NotEmpty(t, q.Expr)
				require.Equal(t, source{"prometheus", "${datasource}"}, q.Datasource)
				require.NotEqual(t, q.Instant, q.Range)
				require.False(t, refs[q.RefID], "%s, %s", d.UID, p.Title)
				refs[q.RefID] = true
				checkTarget(t, declared, q.Expr)
			}
		}
	}
}

// rateOfInterval is how rate is used: with the interval that Grafana computes from step and scrape interval.
var rateOfInterval = regexp.MustCompile(`\b(rate|irate)\([^\[]*\[([^\]]+)\]\)`)

func checkTarget(t *testing.T, declared promql.Contract, expr string) {
	t.Helper()
	for _, use := range rateOfInterval.FindAllStringSubmatch(expr, -1) {
		require.Equal(t, "$__rate_interval", use[2], expr)
	}
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(interpolate(expr))
	require.NoError(t, err)
	parser.Inspect(tree, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, label := range []string{"job", "instance"} {
			require.True(t, selects(selector, label, "$"+label), "%s does not choose %s: %s", selector.Name, label, expr)
		}
		if declared[selector.Name].Counter {
			require.True(t, rated(path) || isTotal(selector.Name), "%s is a counter: %s", selector.Name, expr)
		}
		return nil
	})
}

// selects reports whether a selector has a matcher of a label with the variable, or with the variable or nothing.
func selects(s *parser.VectorSelector, label, variable string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == label && m.Type == labels.MatchRegexp && (m.Value == variable || m.Value == variable+"|")
	})
}

// isTotal reports whether a counter is shown as it is. The first of something that has no series before is no increase.
func isTotal(name string) bool {
	return slices.Contains([]string{
		"strongswan_alerts_total", "strongswan_event_stream_connects_total", "strongswan_vici_values_rejected_total",
	}, name)
}

// rated reports whether one of the enclosing calls makes a rate of a counter.
func rated(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(n parser.Node) bool {
		call, ok := n.(*parser.Call)
		return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
	})
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for _, d := range dashboards(t) {
		ids := map[int]bool{}
		requireApart(t, d.Panels, ids)
		for _, row := range d.Panels {
			requireApart(t, row.Panels, ids)
		}
	}
}

func requireApart(t *testing.T, panels []panel, ids map[int]bool) {
	t.Helper()
	cells := map[[2]int]string{}
	for _, p := range panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, cells[cell], "%s lies on another panel", p.Title)
				cells[cell] = p.Title
			}
		}
	}
}
