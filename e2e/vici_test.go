// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// The suite of package vici passes with real daemons as with the fake one, and both send the same fields. The golden file
// protocol.txt shows which generation has what.
func TestVICISuite(t *testing.T) {
	lab.Require(t)
	ctx := bounded(t)
	suite := filepath.Join(t.TempDir(), "vici.test")
	output, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", suite, "../vici").CombinedOutput()
	require.NoError(t, err, string(output))
	fakes, reals := t.TempDir(), t.TempDir()
	runSuite(ctx, t, suite, "VICI_TEST_SEEN="+fakes)
	seen := make(map[string][]string)
	for _, generation := range lab.Generations() {
		t.Run(generation, func(t *testing.T) {
			l := lab.New(t, generation, lab.WithStrongswan("charon { filelog { lab { cfg = 2 } } }", lab.Moon))
			output := runSuite(ctx, t, suite, "VICI_TEST_SEEN="+reals,
				"VICI_TEST_ADDRESS="+l.Moon.Address(), "VICI_TEST_PEER="+l.Sun.Address(), "VICI_TEST_LOG="+l.Moon.LogFile(),
				"VICI_TEST_PING="+pingCommand(ctx, l.Moon))
			require.Contains(t, output, "strongSwan "+l.Version(), "it was not this daemon")
			seen[generation] = seenOf(t, filepath.Join(reals, l.Version()))
			require.ElementsMatch(t, seen[generation], seenOf(t, filepath.Join(fakes, generation)),
				"what the real daemon sent, and what the fake one did")
		})
	}
	if len(seen) == len(lab.Generations()) { // not only some of them, by -run
		requireFile(t, "protocol.txt", protocolTable(t, seen, linesOf(t, filepath.Join(fakes, "typed"))))
	}
}

// pingCommand is a command line that sends packets from one of the inside networks of a gateway; the suite adds the addresses.
func pingCommand(ctx context.Context, g *lab.Gateway) string {
	return strings.Join(g.Command(ctx, "ping", "-n", "-q", "-i", "0.1", "-W", "2").Args, " ")
}

// runSuite runs the suite with some environment variables and returns its output.
func runSuite(ctx context.Context, t *testing.T, suite string, environment ...string) string {
	t.Helper()
	c := exec.CommandContext(ctx, suite, "-test.run=^TestSuite$", "-test.v")
	c.Dir = "../vici"
	c.Env = append(os.Environ(), environment...)
	output, err := c.CombinedOutput()
	require.NoError(t, err, string(output))
	return string(output)
}

// seenOf returns what a daemon sent, except for what depends on more than its generation.
func seenOf(t *testing.T, file string) []string {
	t.Helper()
	incidental := regexp.MustCompile(
		`/tasks-` + // what an SA is busy with at that moment
			`|^field load-token`) // the fake daemon has a token
	return slices.DeleteFunc(linesOf(t, file), incidental.MatchString)
}

func linesOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
