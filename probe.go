// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// newProbeHandler serves the metrics of the daemon that the parameter target names, in the manner of exporters that
// watch several. Only configured daemons can be named; the exporter's own metrics are not among them.
func newProbeHandler(others []target, config *config, log *slog.Logger) http.Handler {
	handlers := make(map[string]http.Handler, len(others))
	for _, t := range others {
		handlers[t.name] = &metricsHandler{
			collector: t.collector,
			own:       prometheus.Gatherers{},
			registry:  prometheus.NewRegistry(),
			config:    config,
			log:       log.With("target", t.name),
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, found := handlers[r.URL.Query().Get("target")]
		if !found {
			http.Error(w, "The parameter target must name a daemon of --vici.target.", http.StatusNotFound)
			return
		}
		handler.ServeHTTP(w, r)
	})
}
