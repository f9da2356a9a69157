// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// maxPatience bounds how long a command that the daemon did not answer is left alone.
const maxPatience = 2 * time.Minute

// A patience says when a command may be asked again: at once after an answer, and after each lack of one twice as long as
// before. A daemon that hangs has few requests waiting, however often it is scraped.
//
// A scraper in a hurry gives a command less time than it may take. That it was in vain says nothing to those that wait longer.
type patience struct {
	given time.Duration // the most time that the command had, in vain; 0 after an answer
	wait  time.Duration
	until time.Time
}

// remaining returns how long the command is still to be left alone by a query that has some time, of the most that any has.
func (p *patience) remaining(now time.Time, timeout, most time.Duration) time.Duration {
	if p.offersMore(timeout, most) {
		return 0
	}
	return max(0, p.until.Sub(now))
}

// offersMore reports whether a command never had about as much time. That it must be more by some bounds how many queries may
// follow each other.
func (p *patience) offersMore(timeout, most time.Duration) bool {
	return p.given < most && timeout >= min(p.given*5/4, most)
}

// lost notes that the command was not answered within timeout.
func (p *patience) lost(now time.Time, timeout, most time.Duration) {
	if p.offersMore(timeout, most) {
		p.wait = 0
	}
	p.given = max(p.given, timeout)
	p.wait = min(max(most, 2*p.wait), maxPatience)
	p.until = now.Add(p.wait)
}

// answered notes that the command was answered after some time. It may still be in vain to wait less long.
func (p *patience) answered(after time.Duration) {
	if after <= p.given {
		*p = patience{}
	}
}

func (g *gateway) patienceFor(command string) *patience {
	p, ok := g.patience[command]
	if !ok {
		p = new(patience)
		g.patience[command] = p
	}
	return p
}
