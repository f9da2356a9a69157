// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command draw draws all dashboards as web pages, from what a Prometheus answers now.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/draw"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

func main() {
	url := flag.String("prometheus", "http://127.0.0.1:9090", "where Prometheus is")
	dir := flag.String("out", ".", "where the pages go")
	gateways := flag.String("gateways", ".+", "regular expression of the instances on the dashboards of several")
	gateway := flag.String("gateway", "", "the instance on the dashboard of one")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	now := time.Now()
	err := run(ctx, *dir, *gateways, *gateway, &live.Viewer{
		Prometheus: &live.Prometheus{URL: *url}, From: now.Add(-6 * time.Hour), To: now, ScrapeInterval: time.Minute, Points: 240,
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, gateways, gateway string, v *live.Viewer) error {
	for _, d := range boards.All() {
		choices := map[string]string{"instance": gateways}
		if d.UID == "strongswan-gateway" {
			choices["instance"] = gateway
		}
		if err := drawOne(ctx, filepath.Join(dir, d.UID), d, choices, v); err != nil {
			return fmt.Errorf("%s: %w", d.UID, err)
		}
	}
	return nil
}

// drawOne writes a page, and beside it how large it is, for whoever photographs it.
func drawOne(ctx context.Context, path string, d *grafana.Dashboard, choices map[string]string, v *live.Viewer) error {
	if err := v.Open(ctx, d, choices); err != nil {
		return err
	}
	page := draw.Page{Dashboard: d, Answers: make(map[int][][]live.Series), From: v.From, To: v.To}
	for _, p := range d.Pictures() {
		answers, err := v.Ask(ctx, p)
		if err != nil {
			return err
		}
		page.Answers[p.ID] = answers
	}
	file, err := os.Create(path + ".html")
	if err != nil {
		return err
	}
	err = errors.Join(page.Write(file), file.Close())
	if err != nil {
		return err
	}
	width, height := page.Size()
	return os.WriteFile(path+".size", fmt.Appendf(nil, "%d,%d\n", width, height), 0o600)
}
