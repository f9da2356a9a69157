// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// A queue holds looks that come a fixed time after what caused them. So they are in the order of their times.
type queue struct {
	looks   []look
	delay   time.Duration
	tooLate time.Duration // by how much a look may be late and still see the SA
	room    int
}

// A look is due at a moment.
type look struct {
	target
	at time.Time
}

// newQueue returns a queue that holds no more looks than can be made until the last of them is of no use any more.
func newQueue(delay, tooLate time.Duration, perSecond float64) queue {
	return queue{delay: delay, tooLate: tooLate, room: 1 + int(perSecond*burstSpeed*(delay+tooLate).Seconds())}
}

// add puts a look at the end and reports whether there was room.
func (q *queue) add(t target, now time.Time) bool {
	if len(q.looks) >= q.room {
		return false
	}
	q.looks = append(q.looks, look{t, now.Add(q.delay)})
	return true
}

// take removes the first look.
func (q *queue) take() target {
	t := q.looks[0].target
	q.looks = q.looks[1:]
	return t
}

// dropLate removes looks whose time has passed, and returns their number.
func (q *queue) dropLate(now time.Time) (dropped uint64) {
	for len(q.looks) > 0 && now.Sub(q.looks[0].at) > q.tooLate {
		q.looks = q.looks[1:]
		dropped++
	}
	return dropped
}
