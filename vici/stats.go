// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"fmt"
	"time"
)

// Stats are the daemon's statistics and load.
type Stats struct {
	Uptime    Uptime        `vici:"uptime"`
	Workers   Workers       `vici:"workers"`
	Queues    Priorities    `vici:"queues"`    // jobs that wait for a worker thread
	Scheduled Opt[uint64]   `vici:"scheduled"` // jobs that wait for their time
	IKESAs    IKESACounts   `vici:"ikesas"`
	Plugins   []string      `vici:"plugins"`  // loaded plugins; the first is the daemon itself
	Mallinfo  Opt[Mallinfo] `vici:"mallinfo"` // only with a C library that offers it
	Mem       Opt[Mem]      `vici:"mem"`      // only on Windows or with the leak detector
}

// Uptime says since when the daemon runs.
type Uptime struct {
	// Running is the time since the start, rounded to one unit that grows with it, such as "13 seconds" or "2 hours".
	Running string `vici:"running"`

	// Since is the start in the daemon's local time, without its zone; see [Uptime.SinceIn].
	Since string `vici:"since"`
}

// sinceLayout is the form of "since" in every locale.
const sinceLayout = "Jan _2 15:04:05 2006"

// SinceIn returns the daemon's start, taken as a time of the given zone. The daemon computes it anew for each answer:
// it may differ by a second between two of them, and moves when the wall clock is set.
func (u Uptime) SinceIn(zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(sinceLayout, u.Since, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("uptime.since %q is not of the form %q: %w", u.Since, sinceLayout, err)
	}
	return t, nil
}

// Workers tell what the daemon's worker threads do.
type Workers struct {
	Total  Opt[uint64] `vici:"total"`
	Idle   Opt[uint64] `vici:"idle"`
	Active Priorities  `vici:"active"` // threads at work, by the priority of their job
}

// Priorities are counts by the priority of jobs.
type Priorities struct {
	Critical Opt[uint64] `vici:"critical"`
	High     Opt[uint64] `vici:"high"`
	Medium   Opt[uint64] `vici:"medium"`
	Low      Opt[uint64] `vici:"low"`
}

// IKESACounts count IKE_SAs.
type IKESACounts struct {
	Total    Opt[uint64] `vici:"total"`     // all, those being rekeyed or deleted included
	HalfOpen Opt[uint64] `vici:"half-open"` // those in state CONNECTING, in both roles
}

// Mallinfo describes the daemon's heap, in bytes. Before 5.9.6 values wrap at 4 GiB.
type Mallinfo struct {
	Sbrk Opt[uint64] `vici:"sbrk"`
	Mmap Opt[uint64] `vici:"mmap"`
	Used Opt[uint64] `vici:"used"`
	Free Opt[uint64] `vici:"free"`
}

// Mem describes the daemon's heap where it counts allocations itself.
type Mem struct {
	Total  Opt[uint64] `vici:"total"`  // bytes
	Allocs Opt[uint64] `vici:"allocs"` // blocks
	Heaps  []Heap      `vici:"*"`      // only on Windows
}

// A Heap is one of the heaps of a daemon on Windows.
type Heap struct {
	Name   string      `vici:",name"`
	Total  Opt[uint64] `vici:"total"`  // bytes
	Allocs Opt[uint64] `vici:"allocs"` // blocks
}

// Stats asks for the daemon's statistics (command stats, since 5.2.0). The daemon walks its heap for that: 0.2 ms on
// a small one, 9 ms with 4,000 IKE_SAs.
func (s *Session) Stats(ctx context.Context) (Stats, error) {
	var v Stats
	err := s.callInto(ctx, "stats", nil, &v)
	return v, err
}
