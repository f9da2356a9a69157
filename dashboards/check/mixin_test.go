// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/formatter"
	"github.com/google/go-jsonnet/linter"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

const mixinPath = "dashboards/mixin.libsonnet"

// A mixin is what mixin users get.
type mixin struct {
	Alerts     ruleFile
	Rules      ruleFile
	Dashboards map[string]json.RawMessage
}

// newVM returns an interpreter that finds the mixin.
func newVM() *jsonnet.VM {
	vm := jsonnet.MakeVM()
	vm.Importer(&jsonnet.FileImporter{JPaths: []string{filepath.Join(root, "dashboards")}})
	return vm
}

// evaluate returns the mixin with changes, as Jsonnet, to its _config.
func evaluate(t *testing.T, changes string) mixin {
	t.Helper()
	m, err := tryEvaluate(changes)
	require.NoError(t, err)
	return m
}

func tryEvaluate(changes string) (m mixin, err error) {
	out, err := newVM().EvaluateAnonymousSnippet("test.jsonnet",
		`local m = (import "mixin.libsonnet") + { _config+:: `+changes+` };
		{ Alerts: m.prometheusAlerts, Rules: m.prometheusRules, Dashboards: m.grafanaDashboards }`)
	if err != nil {
		return m, err
	}
	err = json.Unmarshal([]byte(out), &m)
	return m, err
}

func TestMixinIsFormattedAndLinted(t *testing.T) {
	text := string(read(t, mixinPath))
	formatted, err := formatter.Format(mixinPath, text, formatter.DefaultOptions())
	require.NoError(t, err)
	require.Equal(t, formatted, text)

	var complaints bytes.Buffer
	failed := linter.LintSnippet(jsonnet.MakeVM(), &complaints,
		[]linter.Snippet{{FileName: filepath.Join(root, mixinPath), Code: text}})
	require.False(t, failed, complaints.String())
}

func TestMixinOffersTheFiles(t *testing.T) {
	m := evaluate(t, "{}")
	require.Equal(t, rules(t, "alerts"), m.Alerts)
	require.Equal(t, rules(t, "recording"), m.Rules)
	require.Len(t, m.Dashboards, 3)
	for name, content := range m.Dashboards {
		require.JSONEq(t, string(read(t, "dashboards/grafana/"+name)), string(content), name)
	}
}

func TestMixinSelectsInEveryExpression(t *testing.T) {
	m := evaluate(t, `{
		strongswanSelector: 'job="vpn", env=~"a|b"', exporterSelector: 'job="exporter"', roadWarriorSelector: 'connection=~"rw-.*"',
	}`)
	for _, r := range slices.Concat(m.Alerts.all(), m.Rules.all()) {
		tree, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
		require.NoError(t, err, r.Expr)
		require.NotContains(t, r.Expr, "%any")
		parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if ok && strings.HasPrefix(selector.Name, "strongswan_") {
				require.True(t, matches(selector, "job", "vpn") && matches(selector, "env", "a|b"), r.Expr)
			}
			if ok && selector.Name == "up" {
				require.True(t, matches(selector, "job", "exporter"), r.Expr)
			}
			return nil
		})
	}
}

func matches(s *parser.VectorSelector, label, value string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label && m.Value == value })
}

// sharedThresholds are those that stand in the expressions of more than one alert, and in how many.
func sharedThresholds() map[string]int { return map[string]int{"poolMinimum": 2} }

// Each threshold gets a number of its own, which then stands in the expressions of exactly the alerts that are meant.
func TestMixinChangesEachThreshold(t *testing.T) {
	out, err := newVM().EvaluateAnonymousSnippet("test.jsonnet", `std.objectFields((import "mixin.libsonnet")._config.thresholds)`)
	require.NoError(t, err)
	var names []string
	require.NoError(t, json.Unmarshal([]byte(out), &names))
	require.NotEmpty(t, names)
	var changes strings.Builder
	for i, name := range names {
		fmt.Fprintf(&changes, "%s: %d,", name, 4711+i)
	}
	changed := evaluate(t, "{ thresholds: {"+changes.String()+"} }").Alerts.all()
	for i, name := range names {
		number := regexp.MustCompile(fmt.Sprintf(`\b%d\b`, 4711+i))
		alerts := slices.DeleteFunc(slices.Clone(changed), func(r rule) bool { return !number.MatchString(r.Expr) })
		require.Len(t, alerts, max(1, sharedThresholds()[name]), name)
	}
}

func TestMixinChangesAndRemovesAlerts(t *testing.T) {
	m := evaluate(t, `{
		runbookURL: "https://wiki.example.org/",
		dashboard: { refresh: "5m" },
		alerts: { StrongSwanPeersDropped: null, StrongSwanTunnelDown: { 'for': "10m", labels+: { severity: "info" } } },
	}`)
	require.Len(t, m.Alerts.all(), len(rules(t, "alerts").all())-1)
	for _, r := range m.Alerts.all() {
		require.Equal(t, "https://wiki.example.org/"+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
		if r.Alert == "StrongSwanTunnelDown" {
			require.Equal(t, "10m", r.For)
			require.Equal(t, "info", r.Labels["severity"])
		}
	}
	require.Contains(t, string(m.Dashboards["strongswan-peers.json"]), `"5m"`)
}

func TestMixinRefusesUnknownNames(t *testing.T) {
	for _, changes := range []string{"{ alerts: { StrongSwanDwon: {} } }", "{ thresholds+: { poolshare: 1 } }"} {
		_, err := tryEvaluate(changes)
		require.ErrorContains(t, err, "unknown")
	}
}
