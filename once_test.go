// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// newListeningGateway is newGateway on a socket, and returns its address.
func newListeningGateway(t *testing.T) (*vicitest.Daemon, string) {
	t.Helper()
	d := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(d.Close)
	populate(t, d)
	address := d.Address()
	return d, address
}

func TestOnce(t *testing.T) {
	_, address := newListeningGateway(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--once", "--vici.address=" + address}, &out, io.Discard))
	page := parsePage(t, out.String())
	require.EqualValues(t, 1, page["strongswan_up"])
	require.EqualValues(t, 1, page[childUp])
	require.Empty(t, page.named("strongswan_event_stream_connected"), "nobody has listened")
	require.NotContains(t, out.String(), "go_goroutines", "who reads the file has its own")

	problems, err := promlint.New(strings.NewReader(out.String())).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestOnceWithoutDaemon(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"--once", "--vici.address=unix://" + t.TempDir() + "/none"}, &out, io.Discard)
	require.ErrorIs(t, err, errNoAnswer)
	require.Equal(t, 1, exitStatus(err))
	require.EqualValues(t, 0, parsePage(t, out.String())["strongswan_up"])
}

// With a state file, totals go on from one call to the next.
func TestOnceKeepsTheState(t *testing.T) {
	d, address := newListeningGateway(t)
	args := []string{"--once", "--vici.address=" + address, "--state.file=" + filepath.Join(t.TempDir(), "state")}
	const received = `strongswan_child_received_bytes_total{child="net",connection="gw"}`
	totals := make([]float64, 2)
	for i := range totals {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), args, &out, io.Discard))
		totals[i] = parsePage(t, out.String())[received]
		require.NoError(t, d.Carry(d.IKESAs()[0].Children[0].UniqueID, vicitest.Traffic{Bytes: 5000, Packets: 5}, vicitest.Traffic{}))
	}
	require.EqualValues(t, 5000, totals[1]-totals[0])
}

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	wrong, right := filepath.Join(dir, "wrong.yml"), filepath.Join(dir, "right.yml")
	require.NoError(t, os.WriteFile(wrong, []byte("tls_server_config: {cert_file: /nowhere, key_file: /nowhere}\n"), 0o600))
	require.NoError(t, os.WriteFile(right, []byte("http_server_config: {http2: true}\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "state.taken.target"), 0o700))
	for _, c := range []struct {
		name  string
		flags []string
		says  string // the flag that is wrong, or nothing
	}{
		{"defaults", nil, ""},
		{"web configuration", []string{"--web.config.file=" + right}, ""},
		{"targets", []string{"--vici.target=a=unix:///run/a.vici", "--vici.target=b-1=tcp://127.0.0.1:4502"}, ""},
		{"wrong web configuration", []string{"--web.config.file=" + wrong}, "--web.config.file"},
		{"no web configuration", []string{"--web.config.file=" + dir + "/none"}, "--web.config.file"},
		{"expression", []string{"--connection.include=("}, "not a regular expression"},
		{"address", []string{"--vici.address=http://x"}, "--vici.address"},
		{"path", []string{"--web.telemetry-path=/probe"}, "--web.telemetry-path"},
		{"path that is no pattern", []string{"--web.telemetry-path=/{"}, "--web.telemetry-path"},
		{"path with a wildcard", []string{"--web.telemetry-path=/{x}"}, "--web.telemetry-path"},
		{"path that no request has", []string{"--web.telemetry-path=/a/../b"}, "--web.telemetry-path"},
		{"path with empty parts", []string{"--web.telemetry-path=/a//b"}, "--web.telemetry-path"},
		{"path with a slash at its end", []string{"--web.telemetry-path=/metrics/"}, ""},
		{"no interval", []string{"--scrape.min-interval=0s"}, ""},
		{"interval", []string{"--scrape.min-interval=-1s"}, "--scrape.min-interval"},
		{"looks", []string{"--looks.per-second=NaN"}, "--looks.per-second"},
		{"too many looks", []string{"--looks.per-second=+Inf"}, "--looks.per-second"},
		{"target without name", []string{"--vici.target=unix:///run/a.vici"}, "NAME=ADDRESS"},
		{"target with a bad name", []string{"--vici.target=../a=unix:///run/a.vici"}, "is not a name"},
		{"target with a bad address", []string{"--vici.target=a=ftp://x"}, "ftp"},
		{"target twice", []string{"--vici.target=a=unix:///x", "--vici.target=a=unix:///y"}, "two targets"},
		{"flag", []string{"--no-such-flag"}, "no-such-flag"},
		{"which of two durations", []string{"--scrape.timeout=5s", "--vici.timeout", "5"}, "--vici.timeout=5: "},
		{"which expression", []string{"--connection.include=a", "--connection.exclude=a)|(b"}, "--connection.exclude=a)|(b: "},
		{"level", []string{"--log.level=loud"}, "--log.level=loud: "},
		{"listen", []string{"--web.listen-address=[::1]:10500", "--web.listen-address=:http"}, ""},
		{"listen at vsock", []string{"--web.listen-address=vsock://:10500"}, ""},
		{"listen without port", []string{"--web.listen-address=localhost"}, "--web.listen-address: address localhost: missing port"},
		{"listen at no port", []string{"--web.listen-address=:99999"}, "--web.listen-address"},
		{"state", []string{"--state.file=" + dir + "/state"}, ""},
		{"state nowhere", []string{"--state.file=" + dir + "/nowhere/state"}, "--state.file: "},
		{"state below a file", []string{"--state.file=" + right + "/state"}, "is not a directory"},
		{"state in a directory's place", []string{"--state.file=" + dir}, "not a regular file"},
		{"state of a target", []string{"--state.file=" + dir + "/state", "--vici.target=taken=unix:///x"}, "taken.target: not a regular file"},
		{"state where nothing can be written", []string{"--state.file=/proc/state"}, "--state.file: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), append(c.flags, "--config.check"), &out, io.Discard)
			if c.says == "" {
				require.NoError(t, err)
				require.Equal(t, "The configuration is right.\n", out.String())
				return
			}
			require.ErrorIs(t, err, errUsage)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 2, exitStatus(err))
			require.Empty(t, out.String())
		})
	}
}

// Looking whether the state can be kept leaves nothing behind.
func TestConfigCheckWritesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"--config.check", "--state.file=" + dir + "/state"}, io.Discard, io.Discard))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Whatever path is taken for right can be served: a ServeMux would panic.
func TestTelemetryPath(t *testing.T) {
	served := 0
	for _, path := range []string{
		"/metrics", "/metrics/", "/a b", "/ü", "/*", "/-/", "/a\tb", "/{", "/}", "/{x}", "/a{", "/{$}", "//", "/./a", "/a/..", "/a%20b",
		"/probe/",
	} {
		config, err := parseFlags([]string{"--web.telemetry-path=" + path}, io.Discard)
		require.NoError(t, err)
		if config.validate() != nil {
			continue
		}
		_, err = newHandler(nil, config, promslog.NewNopLogger())
		require.NoError(t, err, path)
		served++
	}
	require.Equal(t, 7, served)
}

func TestConfigCheckNamesTheVariable(t *testing.T) {
	t.Setenv("STRONGSWAN_EXPORTER_SCRAPE_TIMEOUT", "5s")
	t.Setenv("STRONGSWAN_EXPORTER_VICI_TIMEOUT", "soon")
	err := run(t.Context(), []string{"--config.check"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, errUsage)
	require.ErrorContains(t, err, "STRONGSWAN_EXPORTER_VICI_TIMEOUT=soon: ")
}
