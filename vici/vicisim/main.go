// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command vicisim is a charon without IKE: it serves the VICI protocol with
// tunnels that do not exist, for demonstrations, dashboards and load tests.
//
//	vicisim --socket /tmp/charon.vici
//
// is a small gateway in which things happen: branches of which some are down, road warriors that come and go, a
// partner with weak algorithms, policies without an SA, certificates of which one has expired, a pool that is
// nearly full. It takes commands as the daemon does, so that
//
//	swanctl --initiate --ike branch-madrid --child lan --uri unix:///tmp/charon.vici
//
// brings up a branch that is down.
//
//	vicisim --sas 100000 --connections 50 --churn 10 --rekey-interval 10m
//
// is a crowd: its IKE_SAs are made while they are listed, from some 40 bytes for each, and tell the same each time. They
// raise their events as they are rekeyed and replaced, but commands do not reach them.
//
//	vicisim --copies 200 --sas 20 --socket /tmp/charon.vici
//
// is many gateways, each on a socket of its own: /tmp/charon.vici-1 and so on.
//
// It ends on SIGINT and SIGTERM with status 0. A socket left over by a process that is gone is replaced; one that is
// served is an error.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	o := parseOptions(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vicisim:", err)
		os.Exit(1)
	}
}
