// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"
)

// The sizes from which the number of series for each tunnel follows. With 14 connections or fewer each has its alerts from zero on.
const (
	fewTunnels  = 200
	manyTunnels = 400
)

// series reports how many series each collector has for each tunnel.
func (w *reporter) series(ctx context.Context, o options) error {
	few, err := countSeries(ctx, o.programs, fewTunnels)
	if err != nil {
		return err
	}
	many, err := countSeries(ctx, o.programs, manyTunnels)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "| collector | series of a tunnel |\n|---|--:|")
	total := 0
	for _, name := range few.collectors {
		each := (many.of[name] - few.of[name]) / (manyTunnels - fewTunnels)
		if each > 0 {
			fmt.Fprintf(&b, "| `%s` | %d |\n", name, each)
		}
		total += each
	}
	fmt.Fprintf(&b, "| all | %d |\n\nBesides, a gateway has %d series of its own, of which %d are the exporter process's.\n",
		total, few.all-total*fewTunnels, few.process)
	return w.write("series", b.Bytes())
}

// A seriesCount is how many series an exporter has.
type seriesCount struct {
	collectors []string
	of         map[string]int // by collector
	all        int
	process    int
}

// countSeries counts the series of a gateway with so many tunnels, with the default collectors and peers.
func countSeries(ctx context.Context, p programs, tunnels int) (n seriesCount, err error) {
	s := scenario{name: "series", sas: tunnels, connections: tunnels, peers: true, counters: true}
	b, err := newBed(ctx, p, s)
	if err != nil {
		return n, err
	}
	defer b.close()
	for range warmUp {
		if _, err := b.scraper.scrape(ctx); err != nil {
			return n, err
		}
	}
	whole, err := b.scrape(ctx, s)
	if err != nil {
		return n, err
	}
	n = seriesCount{collectors: collectors(b.scraper.text.Bytes()), of: make(map[string]int), all: whole.page.series}
	for line := range bytes.Lines(b.scraper.text.Bytes()) {
		if line[0] != '#' && !bytes.HasPrefix(line, []byte("strongswan_")) {
			n.process++
		}
	}
	metrics := b.scraper.url
	for _, name := range n.collectors {
		b.scraper.url = metrics + "?" + url.Values{"collect[]": {name}}.Encode()
		one, err := b.scraper.scrape(ctx)
		if err != nil {
			return n, err
		}
		n.of[name] = one.page.series
	}
	return n, nil
}

// collectors returns the names of the collectors in a page.
func collectors(text []byte) (names []string) {
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, `strongswan_scrape_collector_success{collector="`); found {
			name, _, _ := strings.Cut(rest, `"`)
			names = append(names, name)
		}
	}
	return names
}
