// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// A caller waits for the parts of some sources.
type caller struct {
	missing []string
	parts   []*part // what it has

	round    int       // what this one finds, or a later one, is new enough: one that was under way with all when the caller came
	came     time.Time // the caller
	since    time.Time // what was found after that is new enough, too
	deadline time.Time
	hurries  bool // it has a deadline
}

// takes reports whether a part is what the caller waits for. One that is missing only since somebody else was in a hurry is
// not, if the caller has more time: then another round can find it.
func (c *caller) takes(p *part) bool {
	if p.round < c.round && !c.recent(p) {
		return false
	}
	left := c.left()
	return !errors.Is(p.err, errHurried) || left-left/10 <= p.time // to be as patient counts as such
}

// recent reports whether what an earlier round found was recent when the caller came. That counts from the end of a round that had
// ended by then, so that the daemon rests after a long one.
func (c *caller) recent(p *part) bool {
	return p.found.After(c.since) || p.ended.After(c.since) && !p.ended.After(c.came)
}

// left returns how long the caller still waits.
func (c *caller) left() time.Duration {
	if !c.hurries {
		return math.MaxInt64
	}
	return time.Until(c.deadline)
}

// A part is what a round has from one source.
type part struct {
	name     string
	source   *enabledSource
	page     *Page
	families []*dto.MetricFamily // of the page
	took     time.Duration
	err      error

	// Valid once it is published.
	round int
	found time.Time
	ended time.Time     // the round
	time  time.Duration // that the round had
	users int           // who may read the page: callers, and whoever comes while this is the latest part of its source
}
