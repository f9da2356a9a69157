// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

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

// scrape makes a scrape, which has to be complete. Where SAs come and go all the time, nobody can say how many there should be.
func (b *bed) scrape(ctx context.Context, s scenario) (scraped, error) {
	result, err := b.scraper.scrape(ctx)
	switch {
	case err != nil:
	case s.churn > 0:
		err = result.page.whole()
	default:
		err = result.page.complete(s.sas, s.peers)
	}
	if err != nil {
		return result, fmt.Errorf("%s: %w", s.name, err)
	}
	return result, nil
}

// A measurement is a bed with both processes that are compared.
type measurement struct {
	*bed

	scenario scenario
	floor    *process
}

// measure measures a scenario over some scrapes. Scrapes and listings for the floor take turns, so that whatever else the machine
// has to do meets both.
func measure(ctx context.Context, o options, s scenario) (result, error) {
	b, err := newBed(ctx, o.programs, s)
	if err != nil {
		return result{}, err
	}
	defer b.close()
	m := measurement{bed: b, scenario: s}
	if m.floor, err = b.newFloor(ctx); err != nil {
		return result{}, err
	}
	defer m.floor.end()
	if _, err := m.run(ctx, warmUp); err != nil {
		return result{}, err
	}
	early, err := b.exporter.peak()
	if err := errors.Join(err, b.exporter.forgetPeak()); err != nil {
		return result{}, err
	}
	r, err := m.run(ctx, o.scrapes)
	if err != nil {
		return r, err
	}
	r.peak, err = b.exporter.peak()
	r.highest = max(early, r.peak)
	return r, err
}

// run makes some scrapes, and as many listings.
func (m *measurement) run(ctx context.Context, n int) (r result, err error) {
	r.scenario = m.scenario
	exporter, floor := m.exporter.stopwatch(), m.floor.stopwatch()
	for range n {
		if r.last, err = m.scrape(ctx, m.scenario); err != nil {
			return r, err
		}
		r.took += r.last.took / time.Duration(n)
		if err := m.list(ctx); err != nil {
			return r, err
		}
	}
	var errs [2]error
	r.cpu, errs[0] = exporter(n)
	r.floor, errs[1] = floor(n)
	return r, errors.Join(errs[:]...)
}

// newFloor starts the process that does the least that counting the daemon's SAs takes.
func (b *bed) newFloor(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, self, "floor", "--socket="+b.socket)
}

// list lets that process list all SAs once.
func (m *measurement) list(ctx context.Context) error {
	if _, err := m.floor.in.Write([]byte("\n")); err != nil {
		return m.floor.failure("does not read")
	}
	line, err := m.floor.await(ctx, func(line string) (string, bool) { return line, true })
	if err != nil {
		return err
	}
	if counted, _, _ := strings.Cut(line, " "); counted != strconv.Itoa(m.scenario.sas) {
		return m.floor.failure("counted wrong")
	}
	return nil
}
