// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A protocolLine is what is said of a situation.
type protocolLine struct {
	scene, situation string
	expected, seen   []string
	said             []string // by Alertmanager at the end: seen, and neither over nor inhibited
	after            time.Duration
}

// note keeps a line of the protocol and prints it.
func (w *watch) note(t *testing.T, line protocolLine) {
	t.Helper()
	slices.Sort(line.expected)
	w.mu.Lock()
	w.lines = append(w.lines, line)
	w.mu.Unlock()
	t.Logf("PROTOCOL %s\n  expected %s\n  seen     %s\n  said     %s", line.situation,
		listed(line.expected), listed(line.seen), listed(line.said))
	if len(line.expected) > 0 {
		t.Logf("complete after %v, which is %v of the shipped rules' time", line.after.Round(time.Second),
			(line.after * time.Duration(*haste)).Round(time.Minute))
	}
}

func listed(alerts []string) string {
	if len(alerts) == 0 {
		return "none"
	}
	return strings.Join(alerts, ", ")
}

// protocolFile has the protocol for people to read. Between the marks it is what the test has seen.
const (
	protocolFile  = "../docs/alerts.md"
	protocolBegin = "<!-- written by TestAlerts -->\n"
	protocolEnd   = "<!-- end -->\n"
)

// requireProtocol compares all that was seen with what is documented, in the order of the scenes.
func (w *watch) requireProtocol(t *testing.T) {
	t.Helper()
	situations := []string{w.lines[0].situation}
	for _, s := range allScenes() {
		for _, sit := range s.situations {
			situations = append(situations, sit.name)
		}
	}
	if len(w.lines) < len(situations) {
		t.Logf("only %d of %d situations were asked for: the protocol is not compared", len(w.lines), len(situations))
		return
	}
	slices.SortFunc(w.lines, func(a, b protocolLine) int {
		return slices.Index(situations, a.situation) - slices.Index(situations, b.situation)
	})
	file, err := os.ReadFile(protocolFile)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(file), protocolBegin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, protocolEnd)
	require.True(t, found)
	want := before + protocolBegin + w.table(t) + protocolEnd + after
	if *update {
		require.NoError(t, os.WriteFile(protocolFile, []byte(want), 0o644))
		file = []byte(want)
	}
	require.Equal(t, want, string(file), "-update writes it anew")
}

// table is the protocol in Markdown, and which alerts stand nowhere in it.
func (w *watch) table(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("\n| situation | alerts expected | alerts seen | Alertmanager says |\n|---|---|---|---|\n")
	provoked := make(map[string]bool)
	for _, line := range w.lines {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", line.situation, cell(line.expected), cell(line.seen), cell(line.said))
		for _, alert := range line.seen {
			provoked[strings.Fields(alert)[1]] = true
		}
	}
	table.WriteString("\nAlerts that no situation provokes:\n\n")
	reasons := unprovoked()
	for _, alert := range shippedAlerts(t) {
		require.NotEqual(t, provoked[alert], reasons[alert] != "", "%s is provoked, or there is a reason why not", alert)
		if !provoked[alert] {
			fmt.Fprintf(&table, "- `%s`: %s.\n", alert, reasons[alert])
		}
	}
	table.WriteString("\n")
	return table.String()
}

// cell shows a cell's alerts below each other, without what all their names have in common.
func cell(alerts []string) string {
	if len(alerts) == 0 {
		return "none"
	}
	cells := make([]string, len(alerts))
	for i, alert := range alerts {
		cells[i] = strings.ReplaceAll(alert, "StrongSwan", "")
	}
	return strings.Join(cells, "<br>")
}

// shippedAlerts returns the names of all alerts that are shipped.
func shippedAlerts(t *testing.T) []string {
	t.Helper()
	rules, err := os.ReadFile("../dashboards/rules/alerts.yml")
	require.NoError(t, err)
	var names []string
	for _, match := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		names = append(names, match[1])
	}
	require.NotEmpty(t, names)
	slices.Sort(names)
	return slices.Compact(names)
}

// unprovoked are the alerts that no healthy daemon can be brought to, and why. Their scenarios in dashboards/rules/tests show when
// they fire.
func unprovoked() map[string]string {
	return map[string]string{
		"StrongSwanCollectorFailing": "a daemon that answers some queries and fails at others is a defective one",
		"StrongSwanEventStreamDown":  "a daemon that answers queries and refuses its events is a defective one",
		"StrongSwanJobsQueued":       "here the daemon answers nobody while jobs wait, so that StrongSwanDown comes first",
		"StrongSwanScrapeSlow":       "its five seconds are more than the hasty Prometheus lets a scrape take",
	}
}
