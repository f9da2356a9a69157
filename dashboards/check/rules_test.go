// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

// A ruleFile is a file of Prometheus' rules.
type ruleFile struct{ Groups []ruleGroup }

type ruleGroup struct {
	Name  string
	Rules []rule
}

type rule struct {
	Alert       string            `yaml:",omitempty"`
	Record      string            `yaml:",omitempty"`
	Expr        string            `yaml:",omitempty"`
	For         string            `yaml:",omitempty"`
	Labels      map[string]string `yaml:",omitempty"`
	Annotations map[string]string `yaml:",omitempty"`
}

func rules(t *testing.T, name string) ruleFile {
	t.Helper()
	var f ruleFile
	readYAML(t, "dashboards/rules/"+name+".yml", &f)
	require.NotEmpty(t, f.Groups)
	return f
}

func (f ruleFile) all() []rule {
	var all []rule
	for _, g := range f.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var templateLabel = regexp.MustCompile(`\$labels\.(\w+)`)

// promtool does not notice a label in a template that the expression aggregates away: it renders as nothing.
func TestAlertsAgreeWithTheExporter(t *testing.T) {
	declared := promql.Declared()
	for _, r := range rules(t, "alerts").all() {
		result, err := declared.Check(r.Expr)
		require.NoError(t, err, r.Alert)
		for _, text := range r.Annotations {
			for _, label := range templateLabel.FindAllStringSubmatch(text, -1) {
				require.Contains(t, result.Labels, label[1], r.Alert)
			}
		}
	}
}

const runbooks = "https://github.com/strongswan-exporter/strongswan_exporter/blob/main/docs/runbooks.md#"

func TestAlertsFollowTheConventions(t *testing.T) {
	for _, r := range rules(t, "alerts").all() {
		require.Regexp(t, "^StrongSwan([A-Z][A-Za-z]+)+$", r.Alert)
		require.NotEmpty(t, r.For, r.Alert)
		require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
		require.Len(t, r.Annotations, 3, r.Alert)
		require.Regexp(t, "^[A-Zs][^{]+[.]$", r.Annotations["summary"], "%s: a summary is one sentence without values", r.Alert)
		require.Regexp(t, "[.]$", r.Annotations["description"], r.Alert)
		require.Equal(t, runbooks+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
	}
}

func TestEachAlertIsReasonedInAComment(t *testing.T) {
	previous := ""
	for line := range strings.Lines(string(read(t, "dashboards/rules/alerts.yml"))) {
		if strings.HasPrefix(line, "      - alert:") {
			require.True(t, strings.HasPrefix(previous, "      # "), line)
		}
		previous = line
	}
}

// levels are what recordings keep, by the beginning of their names.
func levels() map[string][]string {
	return map[string][]string{
		"instance":       {"job", "instance"},
		"instance_alert": {"job", "instance", "alert"},
		"instance_pool":  {"job", "instance", "pool"},
		"tunnel":         {"job", "instance", "connection", "child"},
	}
}

func TestRecordingsAgreeWithTheExporterAndTheirNames(t *testing.T) {
	contract := promql.Declared()
	for _, r := range rules(t, "recording").all() {
		parts := strings.Split(r.Record, ":")
		require.Len(t, parts, 3, "%s is not level:metric:operations", r.Record)
		require.NotContains(t, parts[1], "_total")
		result, err := contract.Check(r.Expr)
		require.NoError(t, err, r.Record)
		require.ElementsMatch(t, levels()[parts[0]], result.Labels, r.Record)
		contract[r.Record] = promql.Metric{Labels: result.Labels}
	}
}

// What a runbook's section has beside its heading.
func sectionParts() []string {
	return []string{"**Meaning.**", "**Look closer.**", "**Likely causes.**", "**What to do.**"}
}

func TestEachAlertHasARunbook(t *testing.T) {
	sections := strings.Split(string(read(t, "docs/runbooks.md")), "\n## ")[1:]
	documented := map[string]string{}
	for _, s := range sections {
		heading, text, _ := strings.Cut(s, "\n")
		require.NotContains(t, documented, heading)
		documented[heading] = text
	}
	alerts := map[string]bool{}
	for _, r := range rules(t, "alerts").all() {
		alerts[r.Alert] = true
		for _, part := range sectionParts() {
			require.Contains(t, documented[r.Alert], part, "runbook of %s", r.Alert)
		}
	}
	for heading := range documented {
		if strings.HasPrefix(heading, "StrongSwan") {
			require.True(t, alerts[heading], "there is no alert %s", heading)
		}
	}
}

// A scenario is a test of promtool's.
type scenario struct {
	Name    string
	Queries []struct {
		Expr     string
		Expected []struct{ Labels string } `yaml:"exp_samples"`
	} `yaml:"promql_expr_test"`
}

func scenarios(t *testing.T) []scenario {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "dashboards/rules/tests/*.yml"))
	require.NoError(t, err)
	var all []scenario
	for _, path := range paths {
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		var f struct{ Tests []scenario }
		readYAML(t, name, &f)
		all = append(all, f.Tests...)
	}
	return all
}

var testedAlert = regexp.MustCompile(`alertname="(\w+)"`)

func TestEachRuleHasAScenario(t *testing.T) {
	fired, recorded := map[string]bool{}, map[string]bool{}
	quiet := 0
	for _, s := range scenarios(t) {
		require.NotEmpty(t, s.Name)
		for _, q := range s.Queries {
			if strings.Contains(q.Expr, "ALERTS") && len(q.Expected) == 0 {
				quiet++
			}
			for _, sample := range q.Expected {
				for _, name := range testedAlert.FindAllStringSubmatch(sample.Labels, -1) {
					fired[name[1]] = true
				}
				record, _, _ := strings.Cut(sample.Labels, "{")
				recorded[record] = true
			}
		}
	}
	require.Greater(t, quiet, 20)
	for _, r := range slices.Concat(rules(t, "alerts").all(), rules(t, "recording").all()) {
		require.True(t, fired[r.Alert] || recorded[r.Record], "no scenario for %s%s", r.Alert, r.Record)
	}
	for name := range fired {
		require.True(t, slices.ContainsFunc(rules(t, "alerts").all(), func(r rule) bool { return r.Alert == name }), name)
	}
}
