// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A scenario is a daemon of some size. Each IKE_SA has one CHILD_SA.
type scenario struct {
	name        string
	sas         int
	connections int // as many as SAs: site to site; else road warriors
	peers       bool
	counters    bool          // the daemon has its plugin counters
	churn       float64       // IKE_SAs per second that go down and come up again
	cpu         time.Duration // budget of a scrape
	memory      int64         // budget of the peak
	floors      float64       // budget as a ratio to the floor; 0: none
}

const (
	megabyte = 1_000_000

	// What decoding and adding up may cost, as a ratio to the floor. It is a budget where hardly anything else is to be done.
	decodeFloors = 4
)

// The daemons of which the cost is promised.
var scenarios = [...]scenario{
	{
		name: "1,000 IKE_SAs in 1,000 connections", sas: 1_000, connections: 1_000,
		cpu: 50 * time.Millisecond, memory: 50 * megabyte,
	},
	{
		name: "10,000 in 10,000 connections", sas: 10_000, connections: 10_000,
		cpu: 450 * time.Millisecond, memory: 200 * megabyte,
	},
	{
		name: "the same with the daemon's plugin `counters`", sas: 10_000, connections: 10_000, counters: true,
		cpu: 450 * time.Millisecond, memory: 250 * megabyte, // a third more series
	},
	{
		name: "100,000 in 50 connections (road warriors)", sas: 100_000, connections: 50, counters: true,
		cpu: 400 * time.Millisecond, memory: 100 * megabyte, floors: decodeFloors,
	},
	{
		name: "10,000 road warriors in 50 connections, with `peers`", sas: 10_000, connections: 50, peers: true, counters: true,
		cpu: 250 * time.Millisecond, memory: 120 * megabyte,
	},
}

// saveInterval is how often the exporter saves its state here: about as often as it is scraped, where the default is every 30 s.
const saveInterval = 2 * time.Second

// A bed is a simulated daemon with an exporter.
type bed struct {
	directory string
	socket    string
	daemon    *process
	exporter  *process
	scraper   *scraper
}

// newBed starts both programs. The daemon lives: SAs carry traffic and are rekeyed, so that the exporter's totals move and have
// entries of SAs that are gone. The exporter keeps its state in a file, as the shipped unit has it.
func newBed(ctx context.Context, p programs, s scenario) (b *bed, err error) {
	b = new(bed)
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.directory, err = os.MkdirTemp("", "strongswan_exporter-bench"); err != nil {
		return b, err
	}
	b.socket = filepath.Join(b.directory, "charon.vici")
	if b.daemon, err = start(ctx, p.vicisim, s.daemonArgs(b.socket)...); err != nil {
		return b, err
	}
	if _, err = b.daemon.await(ctx, func(line string) (string, bool) { return line, true }); err != nil {
		return b, err
	}
	if b.exporter, err = start(ctx, p.exporter, s.exporterArgs(b)...); err != nil {
		return b, err
	}
	address, err := b.exporter.await(ctx, listeningAt)
	b.scraper = newScraper("http://" + address + "/metrics")
	return b, err
}

// daemonArgs are the arguments of the simulated daemon.
func (s *scenario) daemonArgs(socket string) []string {
	args := []string{
		"--socket=" + socket, "--sas=" + strconv.Itoa(s.sas), "--connections=" + strconv.Itoa(s.connections), "--rekey-interval=1h",
		"--churn=" + strconv.FormatFloat(s.churn, 'f', -1, 64),
	}
	if !s.counters {
		args = append(args, "--no-counters")
	}
	return args
}

// exporterArgs are the arguments of the exporter.
func (s *scenario) exporterArgs(b *bed) []string {
	args := []string{
		"--vici.address=unix://" + b.socket, "--web.listen-address=127.0.0.1:0", "--scrape.min-interval=0s",
		"--state.file=" + filepath.Join(b.directory, "state"), "--state.interval=" + saveInterval.String(),
	}
	if s.peers {
		args = append(args, "--collector.peers")
	}
	return args
}

// listeningAt finds the address in what an exporter says when it listens.
func listeningAt(line string) (string, bool) {
	_, rest, found := strings.Cut(line, `msg="Listening on" address=`)
	address, _, _ := strings.Cut(rest, " ")
	return address, found
}

// close ends both programs. It may be called on a bed of which not all stands.
func (b *bed) close() {
	if b.exporter != nil {
		b.exporter.end()
	}
	if b.daemon != nil {
		b.daemon.end()
	}
	if b.directory != "" {
		_ = os.RemoveAll(b.directory) // it is a temporary one
	}
}
