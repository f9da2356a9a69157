// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command panels asks a Prometheus all queries of all dashboards and fails if one returns nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

func main() {
	url := flag.String("prometheus", "http://127.0.0.1:9090", "where Prometheus is")
	length := flag.Duration("range", 6*time.Hour, "time range of the dashboards")
	scrapes := flag.Duration("scrape-interval", time.Minute, "the scrape interval")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	now := time.Now()
	empty, err := check(ctx, os.Stdout, &live.Viewer{
		Prometheus: &live.Prometheus{URL: *url}, From: now.Add(-*length), To: now, ScrapeInterval: *scrapes, Points: 500,
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "panels:", err)
		os.Exit(1)
	}
	if empty > 0 {
		os.Exit(1)
	}
}

// check looks at all dashboards and returns how many queries returned nothing.
func check(ctx context.Context, out io.Writer, v *live.Viewer) (empty int, err error) {
	asked := 0
	for _, d := range boards.All() {
		// All gateways at once, also where a viewer begins with one.
		if err := v.Open(ctx, d, map[string]string{"instance": ".+"}); err != nil {
			return 0, err
		}
		for _, p := range d.Pictures() {
			answers, err := v.Ask(ctx, p)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", d.UID, err)
			}
			asked += len(answers)
			empty += judge(out, d, p, answers)
		}
	}
	fmt.Fprintf(out, "%d queries, of which %d returned nothing\n", asked, empty)
	return empty, nil
}

// judge names the queries of a panel that returned nothing, and returns how many there are.
func judge(out io.Writer, d *grafana.Dashboard, p *grafana.Panel, answers [][]live.Series) (empty int) {
	for i, answer := range answers {
		if len(answer) == 0 {
			fmt.Fprintf(out, "EMPTY  %s / %s / %s\n       %s\n", d.UID, p.Title, p.Targets[i].RefID, p.Targets[i].Expr)
			empty++
		}
	}
	return empty
}
