// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// Bounds of what a recent remembers: all SAs that can be rekeyed within the few seconds in which the daemon may
// report one rekeying twice.
const (
	maxRecent  = 1 << 16
	recentTime = time.Minute
)

// A recent remembers the last SAs to which something happened, and when. It keeps those of the last recentTime, to
// twice that, and of more than maxRecent between a half and all of that.
type recent[K comparable] struct {
	young, old map[K]time.Time
	since      time.Time // when young began
}

// add notes a key, unless it is known, and reports whether it is new.
func (r *recent[K]) add(key K, now time.Time) bool {
	if _, known := r.get(key); known {
		return false
	}
	if r.young == nil || len(r.young) >= maxRecent/2 || now.Sub(r.since) >= recentTime {
		r.young, r.old, r.since = make(map[K]time.Time), r.young, now
	}
	r.young[key] = now
	return true
}

// get returns when a key was noted.
func (r *recent[K]) get(key K) (at time.Time, known bool) {
	if at, known = r.young[key]; known {
		return at, true
	}
	at, known = r.old[key]
	return at, known
}

// collisionTime is longer than two ends that rekey an SA at the same time take to find out whose new one stays.
const collisionTime = 2 * time.Second

// rekeyings tells a rekeying from a further report of the same one. When both ends begin at the same
// time, a daemon may report that the old SA was replaced twice (seen before 6.0), or that it was replaced by the one
// that is redundant, and that one by the one that stays.
type rekeyings[K comparable] struct {
	replaced  recent[K]
	redundant recent[K] // may be: made while both ends had begun
}

// counts reports whether the replacement of an SA by another one is the first report of a rekeying. A collision is one that
// both ends have begun; without one, an SA that is replaced soon after it was made was really rekeyed.
func (r *rekeyings[K]) counts(from, to K, collision bool, now time.Time) bool {
	first := r.replaced.add(from, now)
	made, known := r.redundant.get(from)
	if collision {
		r.redundant.add(to, now)
	}
	return first && (!known || now.Sub(made) >= collisionTime)
}
