// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A soakScraper scrapes at random intervals and judges each page.
type soakScraper struct {
	exporter *exporter
	random   *rand.Rand
	cancel   context.CancelFunc
	ended    chan struct{}

	// Valid after ended.
	pages, down, partial, late int
	slowest                    time.Duration
	err                        error
}

const (
	soakScrapeTimeout           = 2 * time.Second
	soakGrace                   = 5 * time.Second // since not only the exporter may be slow
	leastInterval, mostInterval = 100 * time.Millisecond, 500 * time.Millisecond
)

func startSoakScraper(t *testing.T, e *exporter, random *rand.Rand) *soakScraper {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &soakScraper{exporter: e, random: random, cancel: cancel, ended: make(chan struct{})}
	go s.run(ctx)
	t.Cleanup(func() {
		cancel()
		<-s.ended
	})
	return s
}

// stop ends the scraper, which must have found nothing wrong.
func (s *soakScraper) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	<-s.ended
	require.NoError(t, s.err)
	require.Positive(t, s.pages)
	require.LessOrEqual(t, float64(s.late)/float64(s.pages), 0.01, "pages that came late: %v", s)
}

// String tells what the scraper saw.
func (s *soakScraper) String() string {
	return fmt.Sprintf("%d, of which %d without a daemon, %d with a collector that failed and %d late, the slowest in %v",
		s.pages, s.down, s.partial, s.late, s.slowest.Round(time.Millisecond))
}

func (s *soakScraper) run(ctx context.Context) {
	defer close(s.ended)
	var last *page
	for ctx.Err() == nil {
		var next *page
		if next, s.err = s.scrape(ctx); s.err != nil {
			return
		}
		if s.err = compareCounters(last, next); s.err != nil {
			return
		}
		last = next
		select {
		case <-ctx.Done():
		case <-time.After(leastInterval + time.Duration(s.random.Int64N(int64(mostInterval-leastInterval)))):
		}
	}
}

// scrape gets one page in time.
func (s *soakScraper) scrape(ctx context.Context) (*page, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), soakScrapeTimeout+soakGrace)
	defer cancel()
	p, err := s.exporter.tryScrapeFor(ctx, soakScrapeTimeout)
	took := time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("a scrape at %v failed after %v: %w", start.Format(time.TimeOnly), took, err)
	}
	s.slowest = max(s.slowest, took)
	s.pages++
	if took > soakScrapeTimeout {
		s.late++
	}
	switch {
	case p.series["strongswan_up"] != 1:
		s.down++
	case !allSucceed(p):
		s.partial++
	}
	return p, nil
}

// compareCounters returns an error if what the exporter counts itself has gone back, or away, from one page to the
// next. Counters of the daemon begin anew when it does.
func compareCounters(before, after *page) error {
	if before == nil {
		return nil
	}
	for id, value := range before.series {
		metric := metricOf(id)
		if !strings.HasSuffix(metric, "_total") || !countedByExporter(metric) || !complete(after, metric) {
			continue
		}
		if now, there := after.series[id]; !there || now < value {
			return fmt.Errorf("%s went from %v to %v (there: %t)", id, value, now, there)
		}
	}
	return nil
}

func countedByExporter(metric string) bool {
	for _, prefix := range []string{"events_received", "ike_sas", "child", "peer", "alerts", "vici"} {
		if strings.HasPrefix(metric, "strongswan_"+prefix+"_") && metric != "strongswan_child_rekeys_total" {
			return true
		}
	}
	return false
}

// complete reports whether the collector of a metric succeeded: where it fails its metrics are absent.
func complete(p *page, metric string) bool {
	for _, f := range p.series.of("strongswan_scrape_collector_success") {
		if f != 1 {
			return len(p.series.of(metric)) > 0
		}
	}
	return true
}
