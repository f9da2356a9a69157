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
	situation      string
	expected, seen []string
	said           []string // by Alertmanager at the end: seen, and neither over nor inhibited
	after          time.Duration
}

// note keeps a line of the protocol and prints it.
func (w *watch) note(t *testing.T, line protocolLine) {
	t.Helper()
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

// requireProtocol compares what was seen with what is documented: of the situations that were asked for, which with -update are
// written anew. The document must have all of them.
func (w *watch) requireProtocol(t *testing.T) {
	t.Helper()
	before, documented, after := readProtocol(t)
	rows := protocolRows(documented)
	for _, line := range w.lines {
		rows[line.situation] = line.row()
	}
	want := before + protocolBegin + protocolText(t, rows) + protocolEnd + after
	if *update {
		require.NoError(t, os.WriteFile(protocolFile, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, before+protocolBegin+documented+protocolEnd+after, "-update writes it anew")
}

// readProtocol returns what the document has between the marks, and what stands before and after them.
func readProtocol(t *testing.T) (before, documented, after string) {
	t.Helper()
	file, err := os.ReadFile(protocolFile)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(file), protocolBegin)
	require.True(t, found)
	documented, after, found = strings.Cut(rest, protocolEnd)
	require.True(t, found)
	return before, documented, after
}

// row writes the line as a row of the table.
func (l protocolLine) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s |", l.situation, cell(slices.Sorted(slices.Values(l.expected))), cell(l.seen), cell(l.said))
}

// isDocumented tells whether the protocol has this line already. What Alertmanager says comes a while after what Prometheus has seen.
func (w *watch) isDocumented(line protocolLine) bool {
	return w.documented[line.situation] == line.row()
}

// protocolRows reads the rows of a table by their first cells.
func protocolRows(table string) map[string]string {
	rows := make(map[string]string)
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 4 && cells[0] != "| situation" {
			rows[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSuffix(line, "\n")
		}
	}
	return rows
}

// protocolText is the protocol in Markdown, in the order of the scenes, and which alerts stand nowhere in it.
func protocolText(t *testing.T, rows map[string]string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("\n| situation | alerts expected | alerts seen | Alertmanager says |\n|---|---|---|---|\n")
	situations := []string{nobodyKnown}
	for _, s := range allScenes() {
		for _, sit := range s.situations {
			situations = append(situations, sit.name)
		}
	}
	for _, situation := range situations {
		require.Contains(t, rows, situation, "-update of this situation writes it")
		text.WriteString(rows[situation] + "\n")
	}
	provoked := text.String()
	text.WriteString("\nAlerts that no situation provokes:\n\n")
	reasons := unprovoked()
	for _, alert := range shippedAlerts(t) {
		isProvoked := regexp.MustCompile(`\b` + strings.TrimPrefix(alert, "StrongSwan") + `\b`).MatchString(provoked)
		require.NotEqual(t, isProvoked, reasons[alert] != "", "%s is provoked, or there is a reason why not", alert)
		if !isProvoked {
			fmt.Fprintf(&text, "- `%s`: %s.\n", alert, reasons[alert])
		}
	}
	text.WriteString("\n")
	return text.String()
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
		"StrongSwanUnsteady":         "a daemon that answers every other time is a defective one",
	}
}
