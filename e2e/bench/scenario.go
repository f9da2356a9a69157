// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// A result is what was measured of a scenario.
type result struct {
	scenario

	last    scraped
	cpu     time.Duration // of a scrape, in the mean
	floor   time.Duration // of a listing, in the mean
	took    time.Duration // a scrape, in the mean
	peak    int64         // after the warm-up
	highest int64         // from the start on
}

// warmUp is how many scrapes are made before the measurement: the heap has its size then, and the connection stands.
const warmUp = 3

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

// scrape makes some scrapes, each of which has to be complete.
func (b *bed) scrape(ctx context.Context, s scenario, n int) (all scraped, err error) {
	var took time.Duration
	for i := range n {
		if all, err = b.scraper.scrape(ctx); err == nil {
			err = all.page.complete(s.sas, s.peers)
		}
		if err != nil {
			return all, fmt.Errorf("%s: scrape %d: %w", s.name, i+1, err)
		}
		took += all.took
	}
	all.took = took / time.Duration(max(1, n))
	return all, nil
}

// measure measures a scenario over some scrapes.
func measure(ctx context.Context, o options, s scenario) (result, error) {
	r := result{scenario: s}
	b, err := newBed(ctx, o.programs, s)
	if err != nil {
		return r, err
	}
	defer b.close()
	if _, err := b.scrape(ctx, s, warmUp); err != nil {
		return r, err
	}
	early, err := b.exporter.peak()
	if err := errors.Join(err, b.exporter.forgetPeak()); err != nil {
		return r, err
	}
	r.cpu, err = b.exporter.during(o.scrapes, func() (err error) {
		r.last, err = b.scrape(ctx, s, o.scrapes)
		return err
	})
	if err != nil {
		return r, err
	}
	r.took = r.last.took
	if r.peak, err = b.exporter.peak(); err != nil {
		return r, err
	}
	r.highest = max(early, r.peak)
	r.floor, err = b.floor(ctx, s, o.scrapes)
	return r, err
}

// during returns the CPU time that the process takes for each of n while f runs.
func (p *process) during(n int, f func() error) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return (after - before) / time.Duration(n), err
}

// floor measures the least that counting the daemon's SAs takes.
func (b *bed) floor(ctx context.Context, s scenario, n int) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := start(ctx, self, "floor", "--socket="+b.socket)
	if err != nil {
		return 0, err
	}
	defer p.end()
	list := func(n int) error {
		for range n {
			if _, err := p.in.Write([]byte("\n")); err != nil {
				return p.failure("does not read")
			}
			line, err := p.await(ctx, func(line string) (string, bool) { return line, true })
			if err != nil {
				return err
			}
			if counted, _, _ := bytes.Cut([]byte(line), []byte(" ")); string(counted) != strconv.Itoa(s.sas) {
				return p.failure("counted wrong")
			}
		}
		return nil
	}
	if err := list(warmUp); err != nil {
		return 0, err
	}
	return p.during(n, func() error { return list(n) })
}
