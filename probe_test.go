// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// newTargetsExporter runs the exporter with all that the flags name until the test ends.
func newTargetsExporter(t *testing.T, flags ...string) *exporter {
	t.Helper()
	e := &exporter{t: t, logs: new(syncBuffer)}
	config, err := parseFlags(flags, io.Discard)
	require.NoError(t, err)
	require.NoError(t, config.validate())
	log := promslog.New(&promslog.Config{Writer: e.logs})
	all, err := newTargets(config, log)
	require.NoError(t, err)
	e.handler, err = newHandler(all[0].collector, config, log, all[1:]...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	wait := all.watch(ctx)
	e.stop = sync.OnceFunc(func() {
		cancel()
		wait()
		require.NoError(t, all.close())
	})
	t.Cleanup(e.stop)
	return e
}

func TestProbe(t *testing.T) {
	_, first := newListeningGateway(t)
	berlin := vicitest.NewDaemon(vicitest.Config{})
	t.Cleanup(berlin.Close)
	berlin.Load(vicitest.Connection{Name: "only-in-berlin", Version: 2, RemoteAddrs: []string{"192.0.2.9"}})
	e := newTargetsExporter(t, "--vici.address="+first, "--vici.target=berlin="+berlin.Address(),
		"--vici.target=away=unix://"+t.TempDir()+"/none")

	// Each has a subscription of its own.
	require.NoError(t, berlin.WaitFor(t.Context(), func(o vicitest.Observation) bool { return o.Registrations["child-updown"] > 0 }))

	w := e.get("/probe?target=berlin", 10)
	require.Equal(t, http.StatusOK, w.Code)
	require.NotContains(t, w.Body.String(), "go_goroutines")
	page := parsePage(t, w.Body.String())
	require.EqualValues(t, 1, page["strongswan_up"])
	require.Positive(t, page["strongswan_exporter_start_time_seconds"], "alerts ask for it, on the other page too")
	require.Contains(t, page, `strongswan_connection_up{connection="only-in-berlin"}`)
	require.NotContains(t, page, connectionUp)

	require.EqualValues(t, 0, parsePage(t, e.get("/probe?target=away", 10).Body.String())["strongswan_up"])
	require.Contains(t, e.scrape(), connectionUp)

	// Only what is configured can be reached, whatever the request says.
	for _, target := range []string{"", "unix://" + first, "127.0.0.1:80", "berlin/../away", "berlin%00"} {
		require.Equal(t, http.StatusNotFound, e.get("/probe?target="+target, 10).Code, target)
	}
}

// Every daemon has state files of its own, whatever the names of the others: none is what the collector keeps beside one.
func TestStateFilesOfTargets(t *testing.T) {
	dir := t.TempDir()
	_, address := newListeningGateway(t)
	flags := []string{"--state.file=" + dir + "/state", "--vici.address=" + address}
	for _, name := range []string{"exposed", "new", "x", "x.exposed", "x.new", "x.target", "target"} {
		_, address := newListeningGateway(t)
		flags = append(flags, "--vici.target="+name+"="+address)
	}
	e := newTargetsExporter(t, flags...)
	e.stop()

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := make([]string, len(entries))
	for i, entry := range entries {
		files[i] = entry.Name()
	}
	require.ElementsMatch(t, []string{
		"state", "state.exposed.target", "state.new.target", "state.x.target", "state.x.exposed.target", "state.x.new.target",
		"state.x.target.target", "state.target.target",
	}, files)
}
