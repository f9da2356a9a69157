// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package packaging

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// With the socket unit, systemd listens and hands the socket over; systemd-socket-activate does the same.
func TestSocketActivation(t *testing.T) {
	d := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(d.Close)
	address := freeAddress(t)
	command := exec.CommandContext(t.Context(), "systemd-socket-activate", "--listen="+address,
		"--setenv=STRONGSWAN_EXPORTER_WEB_SYSTEMD_SOCKET=true", "--setenv=STRONGSWAN_EXPORTER_VICI_ADDRESS="+d.Address(),
		filepath.Join(build(t), "strongswan_exporter"))
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Wait() }) // the test's context has told it to end

	s := &service{t: t, url: "http://" + address}
	require.Eventually(t, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/-/healthy", http.NoBody)
		require.NoError(t, err)
		response, err := new(http.Client).Do(request)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, timeout, pause)
	require.Contains(t, s.scrape(), "\nstrongswan_up 1\n")
}

// freeAddress returns an address of the loopback at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}
