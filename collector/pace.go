// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// These bound the time that looks take of the daemon to a twentieth, and to a fifth for the moment when it matters: with
// each it goes through its table of SAs, so on a daemon with many they are the rarer the longer they take.
const (
	daemonShare = 20
	urgentShare = 5
)

// Looks are needed in spells: none for minutes, then as many as possible for the tenth of a second that a
// rekeying takes. So what was not used for a while can be used up faster, to a bound.
const (
	burstTime   = 4 * time.Second // the rate's worth that is saved at most
	burstSpeed  = 4               // times the rate
	urgentSpeed = 10              // likewise
)

// leastEffort is what a look takes of any daemon.
const leastEffort = time.Millisecond

// A pace says how fast looks may follow each other.
type pace struct {
	rate   float64 // per second, on average
	saved  float64 // looks that were not made
	at     time.Time
	effort time.Duration // what a look takes of the daemon
}

func newPace(rate float64) pace {
	return pace{rate: rate, saved: rate * burstTime.Seconds()}
}

// rest takes note of a look that ended now and took some time of the daemon, and returns for how long to rest.
func (p *pace) rest(now time.Time, took time.Duration, urgent bool) time.Duration {
	if !p.at.IsZero() {
		p.saved = min(p.saved+p.rate*now.Sub(p.at).Seconds(), p.rate*burstTime.Seconds())
	}
	p.at = now
	p.saved--
	p.effort = min(took, max(2*p.effort, leastEffort)) // so that a single look that met with an obstacle counts little
	speed, share := float64(burstSpeed), daemonShare
	if urgent {
		speed, share = urgentSpeed, urgentShare
	}
	seconds := 1 / (speed * p.rate)
	if p.saved < 1 {
		seconds = max(seconds, (1-p.saved)/p.rate)
	}
	return max(time.Duration(seconds*float64(time.Second)), p.effort*time.Duration(share))
}
