// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/stretchr/testify/require"
)

// printed returns what the program prints for flags that ask for a text.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	return out.String()
}

func visibleFlags() []*kingpin.FlagModel {
	app, _ := newApplication()
	return slices.DeleteFunc(app.Model().Flags, func(f *kingpin.FlagModel) bool { return f.Hidden })
}

// Every flag has a group of its own kind; the last one is for those that were forgotten.
func TestEveryFlagHasAGroup(t *testing.T) {
	groups := groupFlags(visibleFlags())
	n := 0
	for _, g := range groups {
		n += len(g.Flags)
	}
	require.Equal(t, len(visibleFlags()), n)
	require.Len(t, groups, len(flagGroups())-1, "flags without a group: %v", groups[len(groups)-1])
}

func TestHelpFitsATerminal(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	help := printed(t, "--help")
	require.Equal(t, help, printed(t, "-h"))
	require.Equal(t, help, printed(t, "--help-long"))
	for line := range strings.Lines(help) {
		line = strings.TrimSuffix(line, "\n")
		require.True(t, len(line) <= 80 || !strings.Contains(strings.TrimSpace(line), " "), line) // one address is longer
		require.Equal(t, strings.TrimRight(line, " "), line, "blanks at the end")
	}
	for _, f := range visibleFlags() {
		require.Regexp(t, `(?m)^  (-h, )?--(\[no-\])?`+regexp.QuoteMeta(f.Name)+`(=.*)?$`, help)
	}
	require.Regexp(t, `(?m)^  --vici\.address=unix:///var/run/charon\.vici$`, help)
	require.Contains(t, help, "\nCollectors:\n  --[no-]collector.sas\n")
}

func TestHelpOfAWrongFlagIsAnError(t *testing.T) {
	err := run(t.Context(), []string{"--vici.adress=x"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, errUsage)
	require.Equal(t, 2, exitStatus(err))
	require.ErrorContains(t, err, "vici.adress")
	require.ErrorContains(t, err, "--help")
}

func TestManualPageHasEveryFlag(t *testing.T) {
	man := printed(t, "--help-man")
	for _, f := range visibleFlags() {
		require.Contains(t, man, `\-\-`+strings.ReplaceAll(flagName(f), "-", `\-`)+`\fR`)
	}
	for _, g := range groupFlags(visibleFlags()) {
		require.Contains(t, man, "\n.SS "+g.Title+"\n.TP\n")
	}
	require.Contains(t, man, "\n.SH EXIT STATUS\n")
	require.NotContains(t, man, "<no value>")
	for line := range strings.Lines(man) {
		require.True(t, len(line) <= 81 || !strings.Contains(line, " "), line) // one address is longer
	}
}

func TestRoff(t *testing.T) {
	require.Equal(t, `\&.b \-\-c \e`, roff(`.b --c \`))
	for line := range strings.Lines(roff(strings.Repeat("word ", 100))) {
		require.LessOrEqual(t, len(line), 77)
	}
}

func TestBuildDay(t *testing.T) {
	before := version.BuildDate
	t.Cleanup(func() { version.BuildDate = before })
	version.BuildDate = "20260102-03:04:05"
	require.Equal(t, "2026-01-02", buildDay())
	version.BuildDate = ""
	require.Empty(t, buildDay())
}

func TestFishCompletions(t *testing.T) {
	fish := printed(t, "--completion-script-fish")
	require.Contains(t, fish, "\ncomplete -c strongswan_exporter -l help -s h -d 'Show this help.'\n")
	require.Contains(t, fish, "\ncomplete -c strongswan_exporter -l state.file -r -F -d ")
	require.Contains(t, fish, "\ncomplete -c strongswan_exporter -l log.format -x -a 'logfmt json' -d ")
	require.Contains(t, fish, "\ncomplete -c strongswan_exporter -l no-collector.sas -d 'Not: ")
	require.Contains(t, fish, `daemon\'s`)
	for _, f := range visibleFlags() {
		require.Contains(t, fish, "\ncomplete -c strongswan_exporter -l "+f.Name+" ")
	}
}

func TestVersion(t *testing.T) {
	require.True(t, strings.HasPrefix(printed(t, "--version"), "strongswan_exporter, version "))
}

// A variable that somebody uses for a version of their own does no harm.
func TestEnvironmentDoesNotAskForTexts(t *testing.T) {
	t.Setenv("STRONGSWAN_EXPORTER_VERSION", "0.1.0")
	t.Setenv("STRONGSWAN_EXPORTER_HELP", "me")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--config.check"}, &out, io.Discard))
	require.Equal(t, "The configuration is right.\n", out.String())
}
