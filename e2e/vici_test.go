// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
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
				"VICI_TEST_ADDRESS="+l.Moon.Address(), "VICI_TEST_PEER="+l.Sun.Address(), "VICI_TEST_LOG="+l.Moon.LogFile())
			require.Contains(t, output, "strongSwan "+l.Version(), "it was not this daemon")
			seen[generation] = seenOf(t, filepath.Join(reals, l.Version()))
			require.ElementsMatch(t, seen[generation], seenOf(t, filepath.Join(fakes, generation)),
				"what the real daemon sent, and what the fake one did")
		})
	}
	if len(seen) == len(lab.Generations()) { // not only some of them, by -run
		requireFile(t, "protocol.txt", table(seen))
	}
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
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	incidental := regexp.MustCompile(
		`/tasks-` + // what an SA is busy with at that moment
			`|/nat-|/encap$` + // user-space ESP is always in UDP, so there seems to be a NAT
			`|^field list-conn .*(/eap|/ake1$|/integ$)` + // of the laboratory's other connections
			`|^field load-token`) // the fake daemon has a token
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), incidental.MatchString)
}

// table shows who sent what.
func table(seen map[string][]string) string {
	generations := slices.Sorted(maps.Keys(seen))
	all := make(map[string]bool)
	for _, lines := range seen {
		for _, line := range lines {
			all[line] = true
		}
	}
	var b strings.Builder
	for _, line := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%-70s", line)
		for _, generation := range generations {
			mark := "-"
			if slices.Contains(seen[generation], line) {
				mark = generation
			}
			fmt.Fprintf(&b, " %-5s", mark)
		}
		b.WriteString("\n")
	}
	return b.String()
}
