// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

// newHandler returns the handler for all that the exporter serves: of its daemon, and of others under names.
func newHandler(c *collector.Collector, config *config, log *slog.Logger, others ...target) (http.Handler, error) {
	delivery, err := newDelivery(config, log)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+config.telemetryPath, delivery.of(newMetricsHandler(c, config, log)))
	mux.Handle("GET /probe", delivery.of(newProbeHandler(others, config, log)))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "strongswan_exporter is healthy.")
	})
	landing, err := newLanding(append(targets{{address: config.address, collector: c}}, others...), config, log)
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /{$}", delivery.of(landing))
	return mux, nil
}

// newCompression returns what compresses pages for clients that ask for it. It is not promhttp's own, which always takes the
// standard library's default level: of a large page that costs more than all else together, and 3.5 times as much as
// this one, whose output is a seventh longer.
func newCompression() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(true))
}

// A metricsHandler serves scrapes. Encoding and its negotiation are promhttp's.
type metricsHandler struct {
	collector *collector.Collector
	own       prometheus.Gatherer // Go runtime, process, build, promhttp
	registry  *prometheus.Registry
	config    *config
	log       *slog.Logger
}

func newMetricsHandler(c *collector.Collector, config *config, log *slog.Logger) http.Handler {
	own := prometheus.NewRegistry()
	own.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector(program),
	)
	return &metricsHandler{collector: c, own: own, registry: own, config: config, log: log}
}

// ServeHTTP answers one scrape by the deadline that its scraper names. The parameter
// collect[], which may be repeated, limits it to some collectors.
func (h *metricsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout(r))
	defer cancel()
	families, done, err := h.collector.Gather(ctx, r.URL.Query()["collect[]"]...)
	defer done()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case r.Context().Err() != nil:
		return // who asked has gone
	}
	gatherer := prometheus.NewMultiTRegistry(prometheus.ToTransactionalGatherer(h.own), page(families))
	promhttp.HandlerForTransactional(gatherer, promhttp.HandlerOpts{
		ErrorLog:           slog.NewLogLogger(h.log.Handler(), slog.LevelError),
		ErrorHandling:      promhttp.ContinueOnError,
		Registry:           h.registry,
		DisableCompression: true, // see newCompression
		EnableOpenMetrics:  true,

		EnableOpenMetricsTextCreatedSamples: h.config.created,
	}).ServeHTTP(w, r)
}

// longestScrape bounds what a scraper may ask for.
const longestScrape = 5 * time.Minute

// timeoutOf returns how long who asks waits: as long as Prometheus says, or as configured where nobody says.
func (c *config) timeoutOf(r *http.Request) time.Duration {
	seconds, err := strconv.ParseFloat(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestScrape.Seconds()) * float64(time.Second))
	}
	return min(c.scrapeTimeout, longestScrape)
}

// timeout returns how long a scrape may take: as long as who asks waits, less an offset for the way back.
func (h *metricsHandler) timeout(r *http.Request) time.Duration {
	timeout := h.config.timeoutOf(r)
	if timeout > 2*h.config.timeoutOffset {
		return timeout - h.config.timeoutOffset
	}
	return timeout / 2 // a scraper in a hurry still gets what is finished
}

// A page is a gatherer of families that were gathered already.
type page []*dto.MetricFamily

// Gather returns the families.
func (p page) Gather() ([]*dto.MetricFamily, func(), error) { return p, func() {}, nil }
