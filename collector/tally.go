// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "slices"

// A tally counts by key. It is a list, since keys are few. It remembers the labels of its samples from round to round.
type tally[K comparable] []count[K]

type count[K comparable] struct {
	key    K
	n      int
	labels Labels // nil until they are needed
}

func (t *tally[K]) add(key K) { t.addN(key, 1) }

func (t *tally[K]) addN(key K, n int) {
	for i := range *t {
		if (*t)[i].key == key {
			(*t)[i].n += n
			return
		}
	}
	*t = append(*t, count[K]{key: key, n: n})
}

// reset begins to count anew, and forgets what was not there the last time.
func (t *tally[K]) reset() {
	*t = slices.DeleteFunc(*t, func(c count[K]) bool { return c.n == 0 })
	for i := range *t {
		(*t)[i].n = 0
	}
}

// emit adds the numbers to a page, in the order of their labels.
func (t *tally[K]) emit(out *Page, m *Metric, labels func(K) Labels) {
	news := false
	for i := range *t {
		if c := &(*t)[i]; c.labels == nil {
			c.labels, news = labels(c.key), true
		}
	}
	if news {
		slices.SortFunc(*t, func(a, b count[K]) int { return compareLabels(a.labels, b.labels) })
	}
	for _, c := range *t {
		if c.n > 0 {
			out.Gauge(m, float64(c.n), c.labels)
		}
	}
}
