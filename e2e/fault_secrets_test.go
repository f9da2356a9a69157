// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// Nothing that is loaded into the daemon and secret comes out of the exporter, whatever it is asked, however much it
// logs, in good times and in bad ones.
func TestNoSecrets(t *testing.T) {
	lab.Require(t, faultyGenerations...)
	for _, generation := range faultyGenerations {
		t.Run(generation, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, generation)
			state := filepath.Join(t.TempDir(), "state")
			e := startExporter(t, l.Moon.Address(), append(allCollectors(), "--log.level=debug", "--state.file="+state)...)
			e.awaitEvents(t)
			for _, child := range []string{"net-net", "cert-net"} {
				require.NoError(t, l.Moon.Initiate(ctx, child))
			}
			require.NoError(t, l.Carol.Initiate(ctx, "home"))

			outputs := served(ctx, t, e)
			outputs["--once"] = once(ctx, t, l.Moon.Address())
			require.NoError(t, l.Moon.Stop(ctx))
			requireAbsent(t, e)
			outputs["/metrics without a daemon"] = e.scrape(t).text
			e.end(t)
			outputs["log"] = allLogged(t, e)
			outputs["state file"] = read(t, state)
			requireNoSecrets(t, l, outputs)
		})
	}
}

// served returns all that is served under some path, in each form.
func served(ctx context.Context, t *testing.T, e *exporter) map[string]string {
	t.Helper()
	const wanted, openMetrics = 200, "application/openmetrics-text"
	root := strings.TrimSuffix(e.url, "/metrics")
	outputs := make(map[string]string)
	for _, path := range []string{"/", "/metrics", "/-/healthy"} {
		for _, accept := range []string{"*/*", openMetrics} {
			status, text, err := e.get(ctx, root+path, "Accept", accept)
			require.NoError(t, err)
			require.Equal(t, wanted, status, path)
			require.NotEmpty(t, text)
			outputs[path+" as "+accept] = text
		}
	}
	require.Contains(t, outputs["/metrics as "+openMetrics], "# EOF")
	return outputs
}

// once returns all that the exporter prints that is asked for one scrape.
func once(ctx context.Context, t *testing.T, address string) string {
	t.Helper()
	args := append(allCollectors(), "--once", "--log.level=debug", "--vici.address="+address)
	output, err := exec.CommandContext(ctx, exporterProgram, args...).CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "strongswan_up 1")
	return string(output)
}

func allLogged(t *testing.T, e *exporter) string {
	t.Helper()
	require.NotEmpty(t, e.logged(`"level":"DEBUG"`), "nothing is logged at that level")
	text, err := json.Marshal(e.logged())
	require.NoError(t, err)
	return string(text)
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, content)
	return string(content)
}

// requireNoSecrets looks for what is secret as it is, and as programs like to write what may be binary.
func requireNoSecrets(t *testing.T, l *lab.Lab, outputs map[string]string) {
	t.Helper()
	secrets, err := l.Secrets()
	require.NoError(t, err)
	require.Greater(t, len(secrets), 5, "pre-shared keys, passwords and private keys")
	for _, secret := range secrets {
		for form, text := range map[string]string{
			"text": secret, "hex": hex.EncodeToString([]byte(secret)), "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		} {
			for where, output := range outputs {
				require.NotContains(t, strings.ToLower(output), strings.ToLower(text), "%s, as %s", where, form)
			}
		}
	}
}
