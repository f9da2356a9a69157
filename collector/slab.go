// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

// A slab hands out pointers to values that are allocated many at a time, and all of them again after it was rewound.
type slab[T any] struct {
	chunks [][]T
	chunk  int // the one in use
	used   int // values of it
}

// Chunks grow from the first size to the last, so that small slabs stay small.
const (
	minSlab = 16
	maxSlab = 2048
)

// next returns a value that is zero or, after a rewinding, what it was before.
func (s *slab[T]) next() *T {
	if s.chunk < len(s.chunks) && s.used == len(s.chunks[s.chunk]) {
		s.chunk, s.used = s.chunk+1, 0
	}
	if s.chunk == len(s.chunks) {
		size := minSlab
		if s.chunk > 0 {
			size = min(2*len(s.chunks[s.chunk-1]), maxSlab)
		}
		s.chunks = append(s.chunks, make([]T, size))
	}
	s.used++
	return &s.chunks[s.chunk][s.used-1]
}

// rewind makes all values free again.
func (s *slab[T]) rewind() { s.chunk, s.used = 0, 0 }
