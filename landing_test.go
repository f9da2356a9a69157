// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

const hostile = `<script>alert(1)</script>`

func TestLandingPage(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	d.Load(vicitest.Connection{
		Name: hostile, Version: 2, RemoteAddrs: []string{`"><img src=x onerror=alert(2)>`},
		Children: []vicitest.Child{{Name: hostile, LocalTS: []string{"10.9.0.0/16"}, RemoteTS: []string{"10.8.0.0/16"}}},
	})
	e := newExporter(t, d.Dial)
	w := e.get("/", 10)
	require.Equal(t, http.StatusOK, w.Code)
	page := w.Body.String()
	require.Contains(t, page, "The daemon answers.")
	require.Contains(t, page, "charon")
	require.Contains(t, page, `href="/metrics"`)
	require.Contains(t, page, "Connections: 2, up: 1, <strong class=\"down\">down: 1</strong>, idle: 0.")
	require.Contains(t, page, "10.1.0.0/16 ⇄ 10.2.0.0/16")

	// Those that are down come first.
	require.Less(t, strings.Index(page, `<span class="down"`), strings.Index(page, `<tr class="connection"><td>gw `))

	// Nothing that a peer or a configuration calls itself becomes part of the page's language.
	require.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

func TestLandingPageWithoutDaemon(t *testing.T) {
	e := newExporter(t, nil, "--vici.address=unix://"+t.TempDir()+"/none")
	w := e.get("/", 10)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "The daemon does not answer")
	require.NotContains(t, w.Body.String(), "<table")
}

func TestLandingPageOfATarget(t *testing.T) {
	_, first := newListeningGateway(t)
	berlin := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(berlin.Close)
	berlin.Load(vicitest.Connection{Name: "only-in-berlin", Version: 2})
	e := newTargetsExporter(t, "--vici.address="+first, "--vici.target=berlin="+berlin.Address())
	require.NotContains(t, e.get("/", 10).Body.String(), "only-in-berlin")
	require.Contains(t, e.get("/", 10).Body.String(), `href="/?target=berlin"`)
	berlins := e.get("/?target=berlin", 10).Body.String()
	require.Contains(t, berlins, "only-in-berlin")
	require.Contains(t, berlins, `href="/probe?target=berlin">Metrics`)
	require.Equal(t, http.StatusNotFound, e.get("/?target=unknown", 10).Code)
	require.Equal(t, http.StatusNotFound, e.get("/nowhere", 10).Code)
}

// What is not known is not said to be absent.
func TestLandingPageWithoutConnections(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	page := newExporter(t, d.Dial, "--no-collector.connections").get("/", 10).Body.String()
	require.NotContains(t, page, "No connection is loaded")
	require.Contains(t, page, "The collector connections is off, or its queries failed")

	none := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(none.Close)
	require.Contains(t, newExporter(t, none.Dial).get("/", 10).Body.String(), "No connection is loaded")
}

func TestLandingPageIsBounded(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	for i := range 400 {
		c := vicitest.Connection{Name: fmt.Sprintf("site-%03d", i), Version: 2}
		for j := range 3 {
			c.Children = append(c.Children, vicitest.Child{Name: fmt.Sprintf("net-%d", j)})
		}
		d.Load(c)
	}
	page := newExporter(t, d.Dial).get("/", 10).Body.String()
	require.LessOrEqual(t, strings.Count(page, `class="child"`), maxRows)
	require.Contains(t, page, "more children; the metrics have them all")
}

// The page is behind the same authentication as the metrics.
func TestLandingPageNeedsAuthentication(t *testing.T) {
	_, address := newListeningGateway(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "web.yml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "basic_auth_users: {prometheus: %q}\n", hash), 0o600))
	logs := new(syncBuffer)
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() {
		ended <- run(ctx, []string{
			"--vici.address=" + address, "--web.config.file=" + file, "--web.listen-address=127.0.0.1:0",
		}, io.Discard, logs)
	}()
	url := listening(t, logs, ended)
	for _, path := range []string{"/", "/metrics", "/probe?target=x", "/-/healthy"} {
		require.Equal(t, http.StatusUnauthorized, status(t, url+path, ""), path)
	}
	require.Equal(t, http.StatusOK, status(t, url+"/", "secret"))
}

// listening waits until the exporter says where it listens.
func listening(t *testing.T, logs *syncBuffer, ended <-chan error) (url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		select {
		case err := <-ended:
			require.NoError(t, err)
		default:
		}
		_, rest, found := strings.Cut(logs.String(), `msg="Listening on" address=`)
		if address, _, _ := strings.Cut(rest, "\n"); found {
			url = "http://" + address
		}
		return found
	}, 20*time.Second, 10*time.Millisecond)
	return url
}

func status(t *testing.T, url, password string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1023 << 10: "1023 KiB", 1 << 20: "1.0 MiB", 123456789: "118 MiB",
		1 << 60: "1.0 EiB", 1 << 72: "4096 EiB",
	} {
		require.Equal(t, want, formatBytes(n))
	}
}

func TestAgo(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := &landing{now: func() time.Time { return now }}
	for d, want := range map[time.Duration]string{
		5 * time.Second: "5 s", 59 * time.Minute: "59 min", 3*time.Hour + 20*time.Minute: "3 h 20 min", 73 * time.Hour: "3 d 1 h",
		-time.Second: "0 s",
	} {
		require.Equal(t, want, l.ago(float64(now.Add(-d).Unix())), d)
	}
	require.Empty(t, l.ago(0))
}
