// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

// A recorder scrapes an exporter at an interval, as Prometheus does, only more often.
type recorder struct {
	cancel context.CancelFunc
	done   chan struct{}

	// Valid after done.
	pages []*page
	err   error
}

// record scrapes until the recorder is stopped, which the end of the test does too.
func record(t *testing.T, e *exporter, interval time.Duration) *recorder {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{cancel: cancel, done: make(chan struct{})}
	go r.run(ctx, e, interval)
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

func (r *recorder) run(ctx context.Context, e *exporter, interval time.Duration) {
	defer close(r.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		// A scrape that has begun ends: were it given up, it would say nothing of the exporter.
		p, err := e.tryScrape(context.WithoutCancel(ctx))
		if err != nil {
			r.err = err
			return
		}
		r.pages = append(r.pages, p)
		if ctx.Err() != nil { // the last page is from after the end
			return
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// stop ends the recording and returns its pages.
func (r *recorder) stop(t *testing.T) []*page {
	t.Helper()
	r.cancel()
	<-r.done
	require.NoError(t, r.err)
	return r.pages
}

// requireSameSeries insists that all pages have the same series, apart from those that choose does not choose.
func requireSameSeries(t *testing.T, pages []*page, choose func(id string) bool) {
	t.Helper()
	chosen := func(p *page) map[string]bool {
		ids := make(map[string]bool)
		for id := range p.series {
			if choose(id) {
				ids[id] = true
			}
		}
		return ids
	}
	first := chosen(pages[0])
	require.NotEmpty(t, first)
	for i, p := range pages {
		require.Equal(t, first, chosen(p), "page %d of %d", i, len(pages))
	}
}

// requireNoDecrease insists that counters only grow from page to page.
func requireNoDecrease(t *testing.T, pages []*page) {
	t.Helper()
	for i := 1; i < len(pages); i++ {
		for id, before := range pages[i-1].series {
			if pages[i-1].families[metricOf(id)].GetType() == dto.MetricType_COUNTER {
				require.GreaterOrEqual(t, pages[i].series[id], before, "%s on page %d of %d", id, i, len(pages))
			}
		}
	}
}

// requireAlways insists that a series has that value on all pages.
func requireAlways(t *testing.T, pages []*page, want float64, metric string, labels ...string) {
	t.Helper()
	for i, p := range pages {
		require.InDelta(t, want, p.value(t, metric, labels...), 0, "%s on page %d of %d", seriesName(metric, labels...), i, len(pages))
	}
}
