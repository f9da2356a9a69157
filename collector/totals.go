// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A total is the traffic of all SAs of one series.
type total struct {
	account
	sum     traffic
	floor   traffic // what was exposed of it by an earlier process
	created time.Time
	entries int           // SAs that add to it
	idle    time.Duration // since when it has none and is not configured
}

// value returns what is to be exposed of the total.
func (t *total) value() (v traffic) {
	for i := range v {
		v[i] = max(t.sum[i], t.floor[i])
	}
	return v
}

// emit adds the total to a page.
func (t *total) emit(out *Page, metrics [4]*Metric) {
	v := t.value()
	for i, m := range metrics {
		out.Counter(m, float64(v[i]), t.created, t.labels)
	}
}

// maxIdle is how long a total without SAs is remembered if its series is not configured any more.
const maxIdle = 24 * time.Hour

// leave takes an SA away from its total, if it has one.
func (t *total) leave(now time.Duration) {
	if t == nil {
		return
	}
	t.entries--
	t.idle = now
}

// totals are the totals of one kind.
type totals struct {
	bySeries map[series]*total
	order    sorting[*total]
}

func newTotals() *totals { return &totals{bySeries: make(map[series]*total)} }

// get returns the total of an account, from 0 on if it is new.
func (ts *totals) get(a account, wall time.Time) *total {
	t, ok := ts.bySeries[a.series]
	if !ok {
		t = &total{account: a, created: wall}
		ts.bySeries[a.series] = t
		ts.order.outdated()
	}
	return t
}

// sorted returns the totals in the order of their labels.
func (ts *totals) sorted() []*total {
	return ts.order.sorted(maps.Values(ts.bySeries), func(t *total) Labels { return t.labels })
}

// evict forgets the totals that have been without an SA for too long and are not to be kept for another reason. It returns their number.
func (ts *totals) evict(now time.Duration, keep func(series) bool) (evicted int) {
	for s, t := range ts.bySeries {
		switch {
		case t.entries > 0 || keep(s):
			t.idle = now
		case now-t.idle > maxIdle:
			delete(ts.bySeries, s)
			ts.order.outdated()
			evicted++
		}
	}
	return evicted
}

// trim forgets totals without an SA, those first that have been so for longest, until there are no more than limit. It
// returns their number.
func (ts *totals) trim(limit int) (evicted int) {
	if len(ts.bySeries) <= limit {
		return 0
	}
	var idle []*total
	for _, t := range ts.bySeries {
		if t.entries == 0 {
			idle = append(idle, t)
		}
	}
	slices.SortFunc(idle, func(a, b *total) int { return cmp.Compare(a.idle, b.idle) })
	idle = idle[:min(len(idle), len(ts.bySeries)-limit)]
	for _, t := range idle {
		delete(ts.bySeries, t.series)
	}
	ts.order.outdated()
	return len(idle)
}
