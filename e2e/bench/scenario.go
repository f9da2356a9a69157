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
	cpu         time.Duration // budget of a scrape
	memory      int64         // budget of the peak
	floors      float64       // budget as a ratio to the floor; 0: none
}

const (
	megabyte = 1_000_000

	// What decoding and adding up may cost, as a ratio to the floor. It is a budget where hardly anything else is to be done.
	decodeFloors = 4
)

// The four daemons of which the cost is promised.
var scenarios = [...]scenario{
	{"1,000 IKE_SAs in 1,000 connections", 1_000, 1_000, false, 50 * time.Millisecond, 50 * megabyte, 0},
	{"10,000 in 10,000 connections", 10_000, 10_000, false, 450 * time.Millisecond, 200 * megabyte, 0},
	{"100,000 in 50 connections (road warriors)", 100_000, 50, false, 400 * time.Millisecond, 100 * megabyte, decodeFloors},
	{"10,000 road warriors in 50 connections, with `peers`", 10_000, 50, true, 250 * time.Millisecond, 120 * megabyte, 0},
}

// A bed is a simulated daemon with an exporter.
type bed struct {
	directory string
	socket    string
	daemon    *process
	exporter  *process
	scraper   *scraper
}

// newBed starts both programs. The daemon lives: SAs carry traffic and are rekeyed, so that the exporter's totals move and have
// entries of SAs that are gone. None is replaced: it would be down for a moment, and no scrape had to have all.
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
	b.daemon, err = start(ctx, p.vicisim, "--socket="+b.socket, "--sas="+strconv.Itoa(s.sas),
		"--connections="+strconv.Itoa(s.connections), "--rekey-interval=1h")
	if err != nil {
		return b, err
	}
	if _, err = b.daemon.await(ctx, func(line string) (string, bool) { return line, true }); err != nil {
		return b, err
	}
	args := []string{"--vici.address=unix://" + b.socket, "--web.listen-address=127.0.0.1:0", "--scrape.min-interval=0s"}
	if s.peers {
		args = append(args, "--collector.peers")
	}
	if b.exporter, err = start(ctx, p.exporter, args...); err != nil {
		return b, err
	}
	address, err := b.exporter.await(ctx, listeningAt)
	b.scraper = newScraper("http://" + address + "/metrics")
	return b, err
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
