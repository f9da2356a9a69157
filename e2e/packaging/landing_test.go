// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// screenshotsVariable names a directory for pictures of the landing page.
const screenshotsVariable = "LANDING_SCREENSHOTS"

// The landing page in a real browser: what it shows, and that no name becomes part of it.
func TestLandingPageInBrowser(t *testing.T) {
	bin := build(t)
	const hostile = `<script>document.title="taken over"</script>`
	for _, c := range []struct {
		name        string
		connections []string
		rows        int
	}{
		{"none", nil, 0},
		{"three", names(3), 3},
		{"many", names(500), 500},
		{"hostile", []string{`<script>alert(1)</script>`, hostile, `"><img src=x onerror='document.title="taken over"'>`, "plain"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := vicitest.NewDaemon(vicitest.Config{})
			t.Cleanup(d.Close)
			for _, name := range c.connections {
				d.Load(vicitest.Connection{Name: name, Version: 2, RemoteAddrs: []string{name}, Children: []vicitest.Child{{Name: name}}})
			}
			url := serve(t, filepath.Join(bin, "strongswan_exporter"), d.Address())
			dom := browse(t, url, "--dump-dom")
			require.Contains(t, dom, "<title>strongswan_exporter</title>")
			require.Equal(t, c.rows, strings.Count(dom, `<tr class="connection">`))
			require.Equal(t, c.rows, strings.Count(dom, `<tr class="child">`))
			require.NotContains(t, dom, "<script")
			require.NotContains(t, dom, "<img")
			if dir := os.Getenv(screenshotsVariable); dir != "" {
				browse(t, url, "--window-size=1200,900", "--screenshot="+filepath.Join(dir, "landing-"+c.name+".png"))
			}
		})
	}
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("branch-%03d", i)
	}
	return all
}

// serve runs the exporter until the test ends and returns its address.
func serve(t *testing.T, binary, address string) (url string) {
	t.Helper()
	s := &service{t: t, command: exec.CommandContext(t.Context(), binary, "--vici.address="+address, "--web.listen-address=127.0.0.1:0")}
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	stderr, err := s.command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	t.Cleanup(func() { _ = s.command.Wait() }) // the test's context has told it to end
	return s.follow(stderr)
}

// browse shows a page in a browser without a window and returns what it prints.
func browse(t *testing.T, url string, flags ...string) string {
	t.Helper()
	flags = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--user-data-dir=" + t.TempDir(),
	}, flags...)
	output, err := exec.CommandContext(t.Context(), "chromium", append(flags, url+"/")...).Output()
	require.NoError(t, err)
	return string(output)
}
