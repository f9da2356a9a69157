// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

// An interner turns raw values, as the daemon sent them, into label values and gives equal
// ones one pointer, so that records stay small and compare fast, and so that two raw
// values with one label can never become two series. It is for values of which there are few: kinds and suites.
type interner[R, L comparable] struct {
	label func(R) L
	known map[R]*L
	same  map[L]*L
	last  R
	found *L // for last
}

// maxInterned bounds the values that an interner tells apart: all further ones are taken for the empty one. Daemons have some
// dozens.
const maxInterned = 1000

func newInterner[R, L comparable](label func(R) L) *interner[R, L] {
	return &interner[R, L]{label: label, known: make(map[R]*L), same: make(map[L]*L)}
}

func (n *interner[R, L]) get(raw R) *L {
	if n.found != nil && n.last == raw { // neighbours in a listing are mostly alike
		return n.found
	}
	p, ok := n.known[raw]
	if !ok {
		if len(n.known) >= maxInterned {
			var none R
			raw = none
		}
		l := n.label(raw)
		if p, ok = n.same[l]; !ok {
			p = &l
			n.same[l] = p
		}
		n.known[raw] = p
	}
	n.last, n.found = raw, p
	return p
}
