// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"container/heap"
	"time"
)

// A dueSA is a CHILD_SA whose rekeying comes in a span of time.
type dueSA struct {
	target
	begin, end time.Time
	last       time.Time // look
	rekeying   time.Time // when a look found it so first

	in    *dueHeap
	place int // there
}

// begins takes note that the rekeying is under way.
func (d *dueSA) begins(now time.Time) {
	if d.rekeying.IsZero() {
		d.rekeying, d.end = now, now.Add(rekeyingAtMost)
	}
}

func (d *dueSA) urgent(now time.Time) bool {
	return !d.rekeying.IsZero() && now.Sub(d.rekeying) < urgentAtMost
}

// dueSAs are the CHILD_SAs whose rekeying comes next, by unique id. However many there are, taking one in or out and finding the one to
// look at take hardly any time, since events wait for that.
type dueSAs struct {
	known   map[uint32]*dueSA
	coming  *dueHeap // by when the span begins
	present *dueHeap // those that may be rekeyed at any moment, by their last look
}

func newDueSAs() dueSAs {
	return dueSAs{
		known:   make(map[uint32]*dueSA),
		coming:  &dueHeap{order: func(a, b *dueSA) int { return a.begin.Compare(b.begin) }},
		present: &dueHeap{order: func(a, b *dueSA) int { return cmp.Or(a.last.Compare(b.last), a.begin.Compare(b.begin)) }},
	}
}

// put takes one in, instead of what is known of it.
func (s *dueSAs) put(d *dueSA) {
	s.remove(d.child)
	s.known[d.child] = d
	s.coming.add(d)
}

// remove takes one out, if it is there.
func (s *dueSAs) remove(id uint32) {
	if d := s.known[id]; d != nil {
		delete(s.known, id)
		d.in.remove(d)
	}
}

// clear takes all out.
func (s *dueSAs) clear() { *s = newDueSAs() }

// next returns the one of those that may be rekeyed at a moment that was not looked at for longest, or nil. It forgets those that were
// not rekeyed in their time.
func (s *dueSAs) next(now time.Time) *dueSA {
	for d := s.coming.first(); d != nil && !now.Before(d.begin); d = s.coming.first() {
		s.coming.remove(d)
		s.present.add(d)
	}
	for d := s.present.first(); d != nil; d = s.present.first() {
		if !now.After(d.end) {
			return d
		}
		s.remove(d.child)
	}
	return nil
}

// looked takes note of a look.
func (s *dueSAs) looked(d *dueSA, now time.Time) {
	d.last = now
	heap.Fix(d.in, d.place)
}

// A dueHeap knows which of some comes first.
type dueHeap struct {
	all   []*dueSA
	order func(a, b *dueSA) int
}

func (h *dueHeap) add(d *dueSA) { heap.Push(h, d) }

func (h *dueHeap) remove(d *dueSA) { heap.Remove(h, d.place) }

// first returns the first one, or nil.
func (h *dueHeap) first() *dueSA {
	if len(h.all) == 0 {
		return nil
	}
	return h.all[0]
}

// Len is for [heap.Interface], as are Less, Swap, Push and Pop.
func (h *dueHeap) Len() int { return len(h.all) }

// Less compares two by their places.
func (h *dueHeap) Less(i, j int) bool { return h.order(h.all[i], h.all[j]) < 0 }

// Swap exchanges two.
func (h *dueHeap) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.all[i].place, h.all[j].place = i, j
}

// Push adds one at the end.
func (h *dueHeap) Push(x any) {
	d := x.(*dueSA)
	d.in, d.place = h, len(h.all)
	h.all = append(h.all, d)
}

// Pop removes the one at the end.
func (h *dueHeap) Pop() any {
	last := len(h.all) - 1
	d := h.all[last]
	h.all[last] = nil
	h.all = h.all[:last]
	return d
}

var _ heap.Interface = (*dueHeap)(nil)
