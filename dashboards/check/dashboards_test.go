// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

// A dashboard is what the tests look at.
type dashboard struct {
	UID, Title, Description, Refresh string
	ID                               *int
	Editable                         bool
	SchemaVersion, GraphTooltip      int
	Tags                             []string
	Panels                           []panel
	Annotations                      struct{ List []annotation }
	Templating                       struct{ List []variable }
	Links                            []struct {
		Type string
		Tags []string
	}
}

type annotation struct {
	Expr, TagKeys, TitleFormat string
	Datasource                 source
}

type source struct{ Type, UID string }

type variable struct {
	Name, Label, Type, AllValue, Definition string
	Query                                   any
	Datasource                              source
	Multi                                   bool
	Refresh                                 int
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	Panels                   []panel
	Targets                  []target
	FieldConfig              struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			RenameByName  map[string]string
		}
	}
}

type target struct {
	Expr, LegendFormat, Format, RefID string
	Instant, Range                    bool
	Datasource                        source
}

// dashboards returns the committed ones.
func dashboards(t *testing.T) []dashboard {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "dashboards/grafana/*.json"))
	require.NoError(t, err)
	require.Len(t, paths, 3)
	all := make([]dashboard, len(paths))
	for i, path := range paths {
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(read(t, name), &all[i]), name)
		require.Equal(t, all[i].UID+".json", filepath.Base(path))
	}
	return all
}

// pictures returns the panels of a dashboard, without rows.
func (d dashboard) pictures() []panel {
	var flat []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			flat = append(flat, p)
		}
		flat = append(flat, p.Panels...)
	}
	return flat
}

// interpolate replaces Grafana's variables by something that parses.
func interpolate(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "6h").Replace(expr)
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

func TestExpressionsAgreeWithTheExporter(t *testing.T) {
	declared := promql.Declared()
	for _, d := range dashboards(t) {
		for _, p := range d.pictures() {
			for _, q := range p.Targets {
				result, err := declared.Check(interpolate(q.Expr))
				require.NoError(t, err, "%s, %s", d.UID, p.Title)
				for _, label := range legendLabel.FindAllStringSubmatch(q.LegendFormat, -1) {
					require.Contains(t, result.Labels, label[1], "legend of %s, %s: %s", d.UID, p.Title, q.Expr)
				}
			}
		}
		for _, a := range d.Annotations.List {
			result, err := declared.Check(interpolate(a.Expr))
			require.NoError(t, err, d.UID)
			for label := range strings.SplitSeq(a.TagKeys, ",") {
				require.Contains(t, result.Labels, label, d.UID)
			}
		}
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func TestVariablesAgreeWithTheExporter(t *testing.T) {
	declared := promql.Declared()
	for _, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			if v.Type == "datasource" {
				continue
			}
			parts := labelValues.FindStringSubmatch(v.Definition)
			require.NotNil(t, parts, "%s: %s", d.UID, v.Definition)
			require.Equal(t, v.Definition, v.Query.(map[string]any)["query"])
			result, err := declared.Check(parts[1])
			require.NoError(t, err, d.UID)
			require.Contains(t, result.Labels, parts[2], d.UID)
		}
	}
}

// Columns that nobody described would show under the label's own name, and columns of labels that no query keeps would not show at all.
func TestTablesShowTheLabelsOfTheirQueries(t *testing.T) {
	declared := promql.Declared()
	for _, d := range dashboards(t) {
		for _, p := range d.pictures() {
			if p.Type != "table" {
				continue
			}
			kept := keptLabels(t, declared, p)
			organize := p.Transformations[len(p.Transformations)-1].Options
			for label := range kept {
				shown, hidden := organize.RenameByName[label], organize.ExcludeByName[label]
				require.True(t, shown != "" || hidden, "%s, %s: label %s has no column", d.UID, p.Title, label)
			}
			for field := range organize.RenameByName {
				require.True(t, kept[field] || strings.HasPrefix(field, "Value"), "%s, %s: no query keeps %s", d.UID, p.Title, field)
			}
		}
	}
}

// keptLabels returns the labels that any of a panel's queries keeps.
func keptLabels(t *testing.T, declared promql.Contract, p panel) map[string]bool {
	t.Helper()
	kept := map[string]bool{}
	for _, q := range p.Targets {
		result, err := declared.Check(interpolate(q.Expr))
		require.NoError(t, err)
		for _, label := range result.Labels {
			kept[label] = true
		}
	}
	return kept
}
