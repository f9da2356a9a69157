// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// tolerance is by how much a moment that is computed from an age may move from
// sweep to sweep without being a new one: the age is cut to a second, and so is the time.
const tolerance = 2

// past returns the moment that lies age before now, in Unix seconds, or the known one if
// that is the same within tolerance; 0 if there is no age.
func past(known, now int64, age vici.Opt[time.Duration]) int64 {
	d, ok := age.Get()
	if !ok {
		return 0
	}
	return steady(known, now-int64(d/time.Second))
}

// future does the same for a moment that is ahead by a remaining time, which is negative where it is overdue.
func future(known, now int64, remaining vici.Opt[time.Duration]) int64 {
	d, ok := remaining.Get()
	if !ok {
		return 0
	}
	return steady(known, now+int64(d/time.Second))
}

// passed returns a moment, or 0 if it lies ahead and cannot: the clock was set back since it was known.
func passed(moment, now int64) int64 {
	if moment > now+tolerance {
		return 0
	}
	return moment
}

func steady(known, moment int64) int64 {
	if d := moment - known; -tolerance <= d && d <= tolerance {
		return known
	}
	return moment
}
