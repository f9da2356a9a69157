// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// raise makes a state that was saved some time ago continue no lower than what was exposed since: a counter that falls
// looks as if it had begun anew, and all of it would be counted once more. What was exposed of a total may
// hold traffic of SAs that the older marks count again, so it is no new beginning but only a floor.
func (s *state) raise(exposed *state) {
	s.Totals = raiseTotals(s.Totals, exposed.Totals)
	s.Peers = raiseTotals(s.Peers, exposed.Peers)
	s.Connections = merge(s.Connections, exposed.Connections,
		func(c savedConnection) string { return c.Connection },
		renewed(func(c savedConnection) time.Time { return c.Created }, func(have *savedConnection, shown savedConnection) {
			raiseCounts(have.Counts[:], shown.Counts[:])
			if shown.Lengths != nil && (have.Lengths == nil || have.Lengths.Count < shown.Lengths.Count) {
				have.Lengths = shown.Lengths
			}
		}))
	s.Children = merge(s.Children, exposed.Children,
		func(c savedChild) series { return series{c.Connection, c.Child} },
		renewed(func(c savedChild) time.Time { return c.Created }, func(have *savedChild, shown savedChild) {
			raiseCounts(have.Counts[:], shown.Counts[:])
		}))
	if !s.Began.Equal(exposed.Began) {
		return
	}
	s.Alerts = merge(s.Alerts, exposed.Alerts,
		func(a savedAlert) alertSeries { return alertSeries{a.Alert, a.Connection} },
		func(have *savedAlert, shown savedAlert) { have.Count = max(have.Count, shown.Count) })
	s.raiseReceived(exposed)
	s.Evicted = max(s.Evicted, exposed.Evicted)
}

func (s *state) raiseReceived(exposed *state) {
	if s.Received == nil {
		s.Received = make(map[string]uint64)
	}
	for name, n := range exposed.Received {
		s.Received[name] = max(s.Received[name], n)
	}
}

func raiseTotals(saved, exposed []savedTotal) []savedTotal {
	floors := make([]savedTotal, len(exposed))
	for i, t := range exposed {
		t.floor, t.Sum = t.Sum, traffic{}
		floors[i] = t
	}
	return merge(saved, floors,
		func(t savedTotal) series { return series{t.Connection, t.Member} },
		renewed(func(t savedTotal) time.Time { return t.Created }, func(have *savedTotal, shown savedTotal) { have.floor = shown.floor }))
}

// renewed returns what raises saved items that may have been forgotten, and begun anew, since they were saved: then they are what was
// exposed since they began. One that was saved later than what was exposed stays as it is.
func renewed[S any](created func(S) time.Time, raise func(have *S, shown S)) func(have *S, shown S) {
	return func(have *S, shown S) {
		switch created(*have).Compare(created(shown)) {
		case 0:
			raise(have, shown)
		case -1:
			*have = shown
		}
	}
}

func raiseCounts(have, shown []uint64) {
	for i, n := range shown {
		have[i] = max(have[i], n)
	}
}

// merge calls raise for what was exposed of each saved item, and adds to the saved ones what is not among them.
func merge[K comparable, S any](saved, exposed []S, key func(S) K, raise func(have *S, shown S)) []S {
	index := make(map[K]int)
	for i, s := range saved {
		index[key(s)] = i
	}
	for _, e := range exposed {
		if i, known := index[key(e)]; known {
			raise(&saved[i], e)
		} else {
			saved = append(saved, e)
		}
	}
	return saved
}
