// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The generations are named in the script that makes their trees, too.
func TestGenerationsAreThoseOfLabSetup(t *testing.T) {
	setup := exec.CommandContext(t.Context(), "../../scripts/lab-setup", "--list")
	setup.Env = append(os.Environ(), "STRONGSWAN_LAB_CACHE="+t.TempDir())
	output, err := setup.Output()
	require.NoError(t, err)

	var names []string
	for line := range strings.Lines(string(output)) {
		name, rest, _ := strings.Cut(line, "\t")
		require.Equal(t, "missing\n", rest)
		names = append(names, name)
	}
	require.Equal(t, Generations(), names)
}

func TestFindTree(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("STRONGSWAN_LAB_CACHE", cache)

	_, err := findTree("4.6.0")
	require.ErrorContains(t, err, `no strongSwan generation "4.6.0"`)
	_, err = findTree("6.1.0")
	require.ErrorContains(t, err, "run scripts/lab-setup 6.1.0 as root")
	require.ErrorContains(t, check([]string{"5.9.1", "6.1.0"}), "run scripts/lab-setup 5.9.1 as root")

	root := filepath.Join(cache, "6.1.0")
	require.NoError(t, os.Mkdir(root, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(root, "lab-version"), []byte("6.1.2\n"), 0o600))
	found, err := findTree("6.1.0")
	require.NoError(t, err)
	require.Equal(t, tree{generation: "6.1.0", root: root, version: "6.1.2"}, found)
}

func TestAtLeast(t *testing.T) {
	for _, tc := range []struct {
		version string
		want    bool
	}{
		{"5.9.8", false},
		{"6.0.1", false},
		{"6.1.0", true},
		{"6.1.0beta2", true},
		{"6.12.1", true},
		{"7.0.0", true},
		{"7", true},
		{"6", false},
	} {
		require.Equal(t, tc.want, tree{version: tc.version}.atLeast(6, 1), tc.version)
	}
}

// A daemon is not asked to load what its generation does not have, and the order
// of the others stays.
func TestPlugins(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "usr/lib/ipsec/plugins")
	require.NoError(t, os.MkdirAll(dir, 0o750))
	for _, plugin := range []string{"kernel-netlink", "vici", "kernel-libipsec", "stroke"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "libstrongswan-"+plugin+".so"), nil, 0o600))
	}
	require.Equal(t, "kernel-libipsec kernel-netlink vici", tree{root: root}.plugins())
}
