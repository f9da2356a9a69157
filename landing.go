// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/version"
)

//go:embed landing.html
var landingHTML string

// maxRows bounds how many children the landing page shows.
const maxRows = 1000

// A landing page is for people who look before they configure. It shows nothing that the metrics do not.
type landing struct {
	targets targets
	config  *config
	page    *template.Template
	log     *slog.Logger
	now     func() time.Time
}

func newLanding(all targets, config *config, log *slog.Logger) (http.Handler, error) {
	l := &landing{targets: all, config: config, log: log, now: time.Now}
	var err error
	l.page, err = template.New("landing").Funcs(template.FuncMap{"bytes": formatBytes, "ago": l.ago}).Parse(landingHTML)
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	return l, nil
}

// landingData is what the page's template is rendered with.
type landingData struct {
	Version       string
	TelemetryPath string
	Targets       targets
	Name, Address string // of the target that is shown
	Gateway       gatewayView
}

// Metrics is where the metrics of the shown daemon are.
func (d landingData) Metrics() string {
	if d.Name == "" {
		return d.TelemetryPath
	}
	return "/probe?" + url.Values{"target": {d.Name}}.Encode()
}

// ServeHTTP renders the page, of the target that is named in the address or of the one without a name.
func (l *landing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, found := l.targets.find(r.URL.Query().Get("target"))
	if !found {
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), l.config.scrapeTimeout-l.config.timeoutOffset)
	defer cancel()
	view, err := l.view(ctx, t)
	var page bytes.Buffer
	if err == nil {
		err = l.page.Execute(&page, landingData{
			Version:       version.Version,
			TelemetryPath: l.config.telemetryPath,
			Targets:       l.targets,
			Name:          t.name,
			Address:       t.address,
			Gateway:       view,
		})
	}
	if err != nil {
		l.log.Error("Cannot render the landing page", "err", err)
		http.Error(w, "cannot render the page", http.StatusInternalServerError)
		return
	}
	// Names are the peers' to choose. The template quotes them; should it ever fail to, nothing would run.
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(w) // a reader who has gone needs no page
}

// view collects what the page shows, with the collectors of these that are enabled.
func (l *landing) view(ctx context.Context, t target) (gatewayView, error) {
	only := slices.DeleteFunc([]string{"sas", "connections", "policies", "daemon"}, func(name string) bool {
		return !slices.Contains(t.collector.Names(), name)
	})
	families, done, err := t.collector.Gather(ctx, only...)
	defer done()
	if err != nil {
		return gatewayView{}, err
	}
	return newGatewayView(families, maxRows), nil
}

// ago says how long ago a moment was, in two units at most.
func (l *landing) ago(timestamp float64) string {
	if timestamp == 0 {
		return ""
	}
	d := max(0, l.now().Sub(time.Unix(int64(timestamp), 0)))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// formatBytes writes a number of bytes in the unit in which it has at most four digits before the point.
func formatBytes(n float64) string {
	const k = 1024
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for ; n >= k && i < len(units)-1; i++ {
		n /= k
	}
	if i == 0 || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
