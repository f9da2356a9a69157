// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	soakTime = flag.Duration("soak", time.Minute, "how long the exporter is soaked; scripts/soak takes more")
	soakSeed = flag.Uint64("soak.seed", 0, "seed of what happens during a soak; 0 takes one from the clock")
)

// Days of a bad gateway in an hour: SAs that come, go and are rekeyed with a thousand events a second, a daemon that
// restarts, crashes, stalls and sends garbage, two scrapers. At the end every count is right, and the exporter has
// no more goroutines, descriptors and memory than at the beginning.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("to see the same again: -soak=%v -soak.seed=%d", *soakTime, seed)
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

	g := newSoakGateway(t, random(0))
	e := startExporter(t, g.Address(), append(allCollectors(), "--vici.timeout=1s", "--scrape.timeout-offset=200ms")...)
	g.boot(t, e)
	before := restingResources(t, e)

	scrapers := []*soakScraper{startSoakScraper(t, e, random(1)), startSoakScraper(t, e, random(2))}
	c := newChaos(g, e, random(3))
	g.live(t, *soakTime, func() { c.step(t) })
	c.end(t)
	g.settle(t, e)
	for _, s := range scrapers {
		s.stop(t)
	}

	p := requirePresent(t, e)
	requireCounts(t, g.counts(), p)
	g.requireGauges(t, p)
	after := restingResources(t, e)
	t.Logf("%d events, %.0f/s between interruptions; %v", g.raised, g.rate(), c)
	t.Logf("scrapes: %v and %v", scrapers[0], scrapers[1])
	t.Logf("before: %v", before)
	t.Logf("after:  %v", after)
	after.requireNoMoreThan(t, before)
}

// requireCounts compares all series of the metrics that truth has any of.
func requireCounts(t *testing.T, truth series, p *page) {
	t.Helper()
	require.NotEmpty(t, truth)
	found := p.series.of(truth.metrics()...)
	for id, value := range found {
		if value == 0 && truth[id] == 0 {
			delete(found, id) // counters begin before anything happens
		}
	}
	require.Equal(t, truth, found)
}
