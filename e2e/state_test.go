// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// The daemon is restarted while the exporter is down. Its totals go on, and what the new run has carried meanwhile counts from its
// first byte. An exporter that finds the same run again continues where it was.
func TestStateOverDaemonRestart(t *testing.T) {
	ctx := t.Context()
	l := lab.New(t, "6.1.0")
	moon := l.Moon
	args := []string{"--state.file=" + filepath.Join(t.TempDir(), "state")}
	ping := func() { require.NoError(t, moon.Ping(ctx, moon.Inside(0), l.Sun.Inside(0), 10)) }
	received := func(e *exporter) float64 {
		return e.scrape(t).value(t, "strongswan_child_received_packets_total", "connection", plain.connection, "child", plain.child)
	}
	exporting := func() *exporter {
		e := startExporter(t, moon.Address(), args...)
		e.awaitEvents(t)
		return e
	}

	first := exporting()
	require.NoError(t, moon.Initiate(ctx, plain.child))
	ping()
	require.InDelta(t, 10, received(first), 0)
	first.end(t)

	ping()
	same := exporting()
	require.InDelta(t, 20, received(same), 0, "the same SA, while nobody looked")
	require.Empty(t, same.logged("restarted"))
	<-time.After(15 * time.Second) // so that the next run is younger than this one
	same.scrape(t)
	same.end(t)

	require.NoError(t, moon.Stop(ctx))
	<-time.After(2 * time.Second) // starts are told in seconds
	require.NoError(t, moon.Start(ctx))
	require.NoError(t, moon.LoadAll(ctx))
	require.NoError(t, moon.Initiate(ctx, plain.child))
	ping()
	<-time.After(2 * time.Second) // ages, too
	after := exporting()
	require.InDelta(t, 30, received(after), 0, "another SA of another run")
	require.Len(t, after.logged("The daemon was restarted"), 1)
	ping()
	require.InDelta(t, 40, received(after), 0)
}
