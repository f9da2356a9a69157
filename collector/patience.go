// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// maxPatience bounds how long a command that the daemon did not answer is left alone.
const maxPatience = 2 * time.Minute

// A patience says when a command may be asked again: at once after an
// answer, and after each lack of one twice as long as before.
type patience struct {
	wait  time.Duration
	until time.Time
}

// remaining returns how long the command is still to be left alone.
func (p *patience) remaining(now time.Time) time.Duration { return max(0, p.until.Sub(now)) }

// lost notes that the command was not answered within timeout.
func (p *patience) lost(now time.Time, timeout time.Duration) {
	p.wait = min(max(timeout, 2*p.wait), maxPatience)
	p.until = now.Add(p.wait)
}

func (p *patience) reset() { *p = patience{} }

func (g *gateway) patienceFor(command string) *patience {
	p, ok := g.patience[command]
	if !ok {
		p = new(patience)
		g.patience[command] = p
	}
	return p
}
