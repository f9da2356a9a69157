// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"
)

const (
	growthScrapes = 1000
	growthWindow  = 100

	// SAs that come and go leave something for two minutes, for late events. Windows have to be compared that begin later, so scrapes
	// have a pause between them: all together take seven minutes.
	growthPause   = 400 * time.Millisecond
	growthChurn   = 5 // IKE_SAs per second
	growthSettled = 150 * time.Second

	// By how much the heap of the last window may exceed that of the first: collections of garbage come when they come.
	growthTolerance = 1.2
)

// A window is what memory was over some scrapes.
type window struct {
	least float64 // of the heap: what stays after a collection of garbage
	peak  int64   // resident
}

// growth reports whether memory grows over a thousand scrapes of a thousand tunnels that come and go, in windows of a hundred. It is an
// error if the heap does from when as much is forgotten as is new.
func (w *reporter) growth(ctx context.Context, o options) error {
	s := scenarios[0]
	s.counters, s.churn = true, growthChurn
	b, err := newBed(ctx, o.programs, s)
	if err != nil {
		return err
	}
	defer b.close()
	var report bytes.Buffer
	fmt.Fprintf(&report, "%s. %s, of which %d go down and come up again every second; %d scrapes in seven minutes.\n\n"+
		"| scrapes | least heap | peak memory |\n|--:|--:|--:|\n", machine(), s.name, growthChurn, growthScrapes)
	var first, last window
	began := time.Now()
	for end := growthWindow; end <= growthScrapes; end += growthWindow {
		settled := time.Since(began) >= growthSettled
		if last, err = b.window(ctx, s); err != nil {
			return err
		}
		if first.peak == 0 && settled {
			first = last
		}
		fmt.Fprintf(&report, "| %d to %d | %s | %s |\n", end-growthWindow+1, end, megabytes(int64(last.least)), megabytes(last.peak))
	}
	if err := w.write("growth", report.Bytes()); err != nil {
		return err
	}
	return first.grownTo(last)
}

// grownTo returns an error if the heap of a later window is larger.
func (w window) grownTo(later window) error {
	if later.least > growthTolerance*w.least {
		return fmt.Errorf("memory grows: the heap had %s at least, and has %s later",
			megabytes(int64(w.least)), megabytes(int64(later.least)))
	}
	return nil
}

// window makes some scrapes and sees how much memory they take.
func (b *bed) window(ctx context.Context, s scenario) (w window, err error) {
	if err := b.exporter.forgetPeak(); err != nil {
		return w, err
	}
	w.least = math.Inf(1)
	for range growthWindow {
		scraped, err := b.scrape(ctx, s)
		if err != nil {
			return w, err
		}
		w.least = min(w.least, scraped.page.heap)
		if err := pause(ctx, growthPause); err != nil {
			return w, err
		}
	}
	w.peak, err = b.exporter.peak()
	return w, err
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
