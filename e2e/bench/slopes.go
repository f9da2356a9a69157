// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// The sizes at which the growth of CPU is measured.
var (
	sizesOfSAs         = [...]int{10_000, 20_000, 50_000, 100_000}
	sizesOfConnections = [...]int{1_000, 2_000, 5_000, 10_000}
)

// A point is one measurement of a slope.
type point struct {
	size int
	cpu  time.Duration
}

// slopes reports how the CPU time of a scrape grows: with SAs where series stay the same, and with series.
func (w *reporter) slopes(ctx context.Context, o options) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s. Mean of %d scrapes after %d to warm up.\n\n", machine(), o.scrapes, warmUp)
	fmt.Fprintln(&b, "| daemon | CPU per scrape | floor | for each further one |")
	fmt.Fprintln(&b, "|---|--:|--:|--:|")
	var before point
	for _, n := range sizesOfSAs {
		s := scenario{name: grouped(n) + " IKE_SAs in 50 connections", sas: n, connections: 50, counters: true}
		r, err := measure(ctx, o, s)
		if err != nil {
			return err
		}
		now := point{n, r.cpu}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.name, milliseconds(r.cpu), milliseconds(r.floor), before.to(now, "IKE_SA"))
		before = now
	}
	before = point{}
	for _, n := range sizesOfConnections {
		s := scenario{name: grouped(n) + " connections with one IKE_SA each", sas: n, connections: n, counters: true}
		r, err := measure(ctx, o, s)
		if err != nil {
			return err
		}
		now := point{r.last.page.series, r.cpu}
		fmt.Fprintf(&b, "| %s: %s series | %s | %s | %s |\n", s.name, grouped(now.size), milliseconds(r.cpu), milliseconds(r.floor),
			before.to(now, "series"))
		before = now
	}
	return w.write("slopes", b.Bytes())
}

// to is the slope between two points; nothing at the first.
func (p point) to(next point, unit string) string {
	if p.size == 0 {
		return ""
	}
	slope := float64(next.cpu-p.cpu) / float64(next.size-p.size) / float64(time.Microsecond)
	return fmt.Sprintf("%.2f µs per %s", slope, unit)
}
