// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

// maxRecent bounds how many SAs a recent remembers: all that can be rekeyed within
// the few seconds in which the daemon may report one rekeying twice.
const maxRecent = 1 << 16

// A recent remembers the SAs that were rekeyed lately, so that a rekeying that is reported twice counts once. It
// keeps between a half and all of the last maxRecent.
type recent[K comparable] struct {
	young, old map[K]struct{}
}

// first notes a key and reports whether it is new.
func (r *recent[K]) first(key K) bool {
	if _, known := r.young[key]; known {
		return false
	}
	_, known := r.old[key]
	if r.young == nil || len(r.young) >= maxRecent/2 {
		r.young, r.old = make(map[K]struct{}), r.young
	}
	r.young[key] = struct{}{}
	return !known
}
