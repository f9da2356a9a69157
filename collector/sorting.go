// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"iter"
	"slices"
)

// A sorting holds values in the order in which their samples are exposed, from round to round: sorting ten thousand of
// them costs as much as encoding them.
type sorting[V any] struct {
	values []V
	done   bool
}

// outdated is to be called when a value came or went.
func (s *sorting[V]) outdated() { s.done = false }

// sorted returns all values in the order of their labels.
func (s *sorting[V]) sorted(all iter.Seq[V], labels func(V) Labels) []V {
	if !s.done {
		clear(s.values)
		s.values = slices.AppendSeq(s.values[:0], all)
		slices.SortFunc(s.values, func(a, b V) int { return compareLabels(labels(a), labels(b)) })
		s.done = true
	}
	return s.values
}
