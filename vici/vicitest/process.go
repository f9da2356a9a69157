// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"context"
	"slices"
)

// Shutdown ends the daemon as SIGTERM does: all established IKE_SAs and their children go down with events, which are
// written out before the connections end. A client that does not read holds Shutdown up, as it holds up real
// daemons, until it hangs up or the context ends. [Daemon.Restart] starts the daemon anew.
func (d *Daemon) Shutdown(ctx context.Context) error {
	d.mu.Lock()
	d.RaiseAlert("shutdown-signal", nil)
	for _, sa := range slices.Clone(d.ikes) {
		d.down(sa, deleteTask(sa.Version))
	}
	d.mu.Unlock()
	d.Stop(false)
	if !d.since(5, 9, 1) {
		d.DropConnections()
		return nil
	}
	return d.drain(ctx)
}

// Crash ends the daemon as SIGKILL does: all connections end at once, without an event, and a Unix
// socket's file stays behind.
func (d *Daemon) Crash() {
	d.Stop(true)
	d.DropConnections()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sa := range slices.Clone(d.ikes) {
		d.forget(sa) // whoever waits for a busy one waits no longer
	}
}

// Restart begins a new process after [Daemon.Shutdown] or [Daemon.Crash], with a new start time, unique ids from
// one, counters at zero, and nothing loaded.
func (d *Daemon) Restart() error {
	d.boot()
	return d.resume()
}
