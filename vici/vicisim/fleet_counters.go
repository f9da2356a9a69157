// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"

// What a daemon counts when this end sets up an IKE_SA, and when the peer does. The peer's first message belongs to no connection yet.
var (
	initiatedCounters = [...]string{"ike-init-out-req", "ike-init-in-resp", "ike-auth-out-req", "ike-auth-in-resp"}
	unnamedCounters   = [...]string{"ike-init-in-req", "ike-init-out-resp"}
	respondedCounters = [...]string{"ike-auth-in-req", "ike-auth-out-resp"}
)

// What it counts when it asks whether the peer is alive.
var aliveCounters = [...]string{"info-out-req", "info-in-resp"}

// countEstablished counts the messages that set up IKE_SAs of a connection, so that the daemon has counters of it, as a real one has of
// each that ever was up. Since then each peer was asked once whether it is alive.
func (c *fleetConn) countEstablished(d *vicitest.Daemon, sas int) {
	add := func(connection string, counters []string) {
		for _, counter := range counters {
			d.Count(connection, counter, uint64(sas))
		}
	}
	if c.host != "" {
		add(c.name, initiatedCounters[:])
	} else {
		add("", unnamedCounters[:])
		add(c.name, respondedCounters[:])
	}
	add(c.name, aliveCounters[:])
}

// countEstablished counts for all IKE_SAs that there are.
func (f *fleet) countEstablished(d *vicitest.Daemon) {
	each, more := len(f.members)/len(f.conns), len(f.members)%len(f.conns)
	for i := range f.conns {
		n := each
		if i < more {
			n++
		}
		f.conns[i].countEstablished(d, n)
	}
}
