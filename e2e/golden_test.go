// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireGolden compares the series of a page, without their values, with a golden file. Values are compared with
// what swanctl says at the time; here it is seen at a glance what a gateway of that generation gives.
func requireGolden(t *testing.T, generation string, p *page) {
	t.Helper()
	var got strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p.families)) {
		if !strings.HasPrefix(name, "strongswan_") || slices.Contains(machineDependent(), name) {
			continue
		}
		family := p.families[name]
		got.WriteString("# TYPE " + name + " " + strings.ToLower(family.GetType().String()) + "\n")
		var lines []string
		for _, m := range family.GetMetric() {
			lines = append(lines, settled(dtoName(name, m))+"\n")
		}
		slices.Sort(lines)
		got.WriteString(strings.Join(lines, ""))
	}
	requireFile(t, "series-"+generation+".txt", got.String())
}

// requireFile compares text with a golden file.
func requireFile(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "-update makes it")
	require.Equal(t, string(want), got, "-update writes it anew")
}

// machineDependent are the metrics whose labels tell of the machine, or of the build, or of what a release of Debian is
// made of.
func machineDependent() []string {
	return []string{
		"strongswan_daemon_info", "strongswan_exporter_build_info", "strongswan_algorithm_loaded", "strongswan_plugin_loaded",
	}
}

// settled replaces what the laboratory makes anew each time.
func settled(id string) string {
	return regexp.MustCompile(`serial="[^"]*"`).ReplaceAllString(id, `serial="…"`)
}
