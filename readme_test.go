// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

var update = flag.Bool("update", false, "write what tests generate instead of comparing it")

// TestReadme holds the README's tables against what the program declares.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	want := generated(t, string(text), "flags", flagTable(t))
	want = generated(t, want, "metrics", metricTables())
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(want), 0o644))
		return
	}
	require.True(t, want == string(text), "README.md is stale: go test . -run TestReadme -update") // without a diff of pages
}

// generated replaces the part of a text between the markers of that name.
func generated(t *testing.T, text, name, content string) string {
	t.Helper()
	re := regexp.MustCompile(`(?s)(<!-- generated: ` + name + ` -->\n).*?(<!-- end -->)`)
	require.Len(t, re.FindAllString(text, -1), 1, "markers of %q", name)
	return re.ReplaceAllStringFunc(text, func(s string) string {
		m := re.FindStringSubmatch(s)
		return m[1] + content + m[2]
	})
}

func flagTable(t *testing.T) string {
	t.Helper()
	app, _ := newApplication()
	_, err := app.Parse(nil) // which names the variables
	require.NoError(t, err)
	var b strings.Builder
	for _, g := range groupFlags(app.Model().Flags) {
		fmt.Fprintf(&b, "**%s**\n\n| flag | default | meaning | environment |\n|---|---|---|---|\n", g.Title)
		for _, f := range g.Flags {
			fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n",
				flagName(f), code(strings.Join(f.Default, " ")), cell(f.Help), code(f.Envar))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestEveryFlagCanBeSetByEnvironment(t *testing.T) {
	t.Setenv("STRONGSWAN_EXPORTER_VICI_ADDRESS", "tcp://127.0.0.1:4502")
	t.Setenv("STRONGSWAN_EXPORTER_COLLECTOR_PEERS", "true")
	t.Setenv("STRONGSWAN_EXPORTER_CONNECTION_INCLUDE", "gw-.*")
	t.Setenv("STRONGSWAN_EXPORTER_VICI_TARGET", "berlin=unix:///run/berlin.vici\ntokyo=unix:///run/tokyo.vici")
	c, err := parseFlags(nil, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "tcp://127.0.0.1:4502", c.address)
	require.True(t, *c.collectors["peers"])
	require.True(t, c.include.MatchString("gw-berlin"))
	require.False(t, c.include.MatchString("the gw-berlin"))
	require.Equal(t, "berlin=unix:///run/berlin.vici,tokyo=unix:///run/tokyo.vici", c.targets.String())

	app, _ := newApplication()
	_, err = app.Parse(nil)
	require.NoError(t, err)
	for _, f := range app.Model().Flags {
		if !f.Hidden && f.Name != "help" && f.Name != "version" {
			require.Regexp(t, "^STRONGSWAN_EXPORTER_[A-Z_]+$", f.Envar, f.Name)
		}
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell makes a text fit into a cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}

func metricTables() string {
	var b strings.Builder
	b.WriteString("Always there:\n\n")
	writeMetrics(&b, collector.OwnMetrics())
	for _, info := range collector.Infos() {
		state := "off by default"
		if info.Default {
			state = "on by default"
		}
		fmt.Fprintf(&b, "\nCollector `%s` (%s): %s\n\n", info.Name, state, info.Help)
		writeMetrics(&b, info.Metrics())
	}
	return b.String()
}

func writeMetrics(b *strings.Builder, metrics []*collector.Metric) {
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, m := range metrics {
		labels := slices.Clone(m.Labels)
		for i, l := range labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n",
			m.Name, strings.ToLower(m.Type.String()), strings.Join(labels, ", "), cell(m.Help))
	}
}
