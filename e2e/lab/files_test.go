// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testLab returns a laboratory of which nothing exists but its directory.
func testLab(t *testing.T, version string, opts ...Option) *Lab {
	t.Helper()
	l := &Lab{tree: tree{version: version}, options: newOptions(opts), dir: t.TempDir()}
	l.makeGateways()
	return l
}

func configOf(t *testing.T, l *Lab, g *Gateway) string {
	t.Helper()
	require.NoError(t, l.writeConfig(g))
	text, err := os.ReadFile(g.swanctlConf())
	require.NoError(t, err)
	return string(text)
}

func TestConfigOfGenerations(t *testing.T) {
	l := testLab(t, "6.0.1")
	old := configOf(t, l, l.Moon)
	require.Regexp(t, `(?m)^  gw-v1 `, old)
	require.NotContains(t, old, "mlkem")

	l = testLab(t, "6.1.0")
	recent := configOf(t, l, l.Moon)
	require.NotRegexp(t, `(?m)^  gw-v1 `, recent)
	require.Contains(t, recent, "mlkem768")
}

// The two ends of a tunnel mirror each other.
func TestConfigOfBothEnds(t *testing.T) {
	l := testLab(t, "6.1.0")
	moon, sun := configOf(t, l, l.Moon), configOf(t, l, l.Sun)
	require.Contains(t, moon, "local_ts = 10.1.0.0/24\n        remote_ts = 10.2.0.0/24")
	require.Contains(t, sun, "local_ts = 10.2.0.0/24\n        remote_ts = 10.1.0.0/24")
	require.Contains(t, moon, "rw-eap")
	require.NotContains(t, sun, "rw-eap")
}

// Options add to the end of the files of the gateways that they name.
func TestOptions(t *testing.T) {
	l := testLab(t, "6.1.0",
		WithChildRekey(12*time.Second, Sun),
		WithIKERekey(90*time.Second),
		WithSlowUpdown(3*time.Second, Moon),
		WithStrongswan("charon { make_before_break = yes }", Moon),
		WithDelay(40*time.Millisecond, Moon, Sun),
	)
	require.Regexp(t, `ike-defaults \{ rekey_time = 90s \}\nchild-defaults \{ updown = sleep 3 \}\n$`, configOf(t, l, l.Moon))
	require.Regexp(t, `child-defaults \{ rekey_time = 12s \}\nike-defaults \{ rekey_time = 90s \}\n$`, configOf(t, l, l.Sun))
	require.Regexp(t, `\}\n\nike-defaults \{ rekey_time = 90s \}\n$`, configOf(t, l, l.Carol))
	require.Equal(t, map[string]time.Duration{Moon: 40 * time.Millisecond, Sun: 40 * time.Millisecond}, l.options.delay)

	text, err := os.ReadFile(filepath.Join(l.Moon.Dir(), "strongswan.conf"))
	require.NoError(t, err)
	require.Regexp(t, `charon \{ make_before_break = yes \}\n$`, string(text))
}

func TestCheckSocketPath(t *testing.T) {
	require.NoError(t, checkSocketPath("/tmp/swlab-4711-123/carol/charon.vici"))
	long := filepath.Join("/tmp", string(make([]byte, 100)), "charon.vici")
	require.ErrorContains(t, checkSocketPath(long), "set TMPDIR")
}

func TestKeyLines(t *testing.T) {
	pem := "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIDhBvT3uM0y4\nOw==\n-----END EC PRIVATE KEY-----\n"
	require.Equal(t, []string{"MHcCAQEEIDhBvT3uM0y4"}, keyLines(pem))
}
