// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command panels asks a Prometheus all queries of all dashboards and fails if one returns nothing, or something of jobs
// that have nothing to do with the exporter.
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
	<-time.After(settled)
	wrong, err := check(ctx, os.Stdout, &live.Viewer{
		Prometheus: &live.Prometheus{URL: *url}, From: now.Add(-*length), To: now, ScrapeInterval: *scrapes, Points: 500,
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "panels:", err)
		os.Exit(1)
	}
	if wrong > 0 {
		os.Exit(1)
	}
}

// settled is how old a moment must be for the answers about it not to change any more: Prometheus may not have stored yet what it has
// just scraped or evaluated.
const settled = 2 * time.Second

// check looks at all dashboards and returns how many queries returned nothing, or what they should not.
func check(ctx context.Context, out io.Writer, v *live.Viewer) (wrong int, err error) {
	own, err := v.Own(ctx)
	if err != nil {
		return 0, err
	}
	asked := 0
	for _, d := range boards.All() {
		// All gateways at once, also where a viewer begins with one.
		all, err := ask(ctx, v, d, map[string]string{"instance": ".+"})
		if err != nil {
			return 0, err
		}
		ours, err := ask(ctx, v, d, map[string]string{"instance": ".+", "job": own})
		if err != nil {
			return 0, err
		}
		for i, p := range d.Pictures() {
			asked += len(all[i])
			wrong += judge(out, d, p, all[i], ours[i])
		}
	}
	fmt.Fprintf(out, "%d queries, of which %d returned nothing, or something of other jobs\n", asked, wrong)
	return wrong, nil
}

// ask returns the answers to all queries of a dashboard, by panel.
func ask(ctx context.Context, v *live.Viewer, d *grafana.Dashboard, choices map[string]string) ([][][]live.Series, error) {
	if err := v.Open(ctx, d, choices); err != nil {
		return nil, err
	}
	var answers [][][]live.Series
	for _, p := range d.Pictures() {
		a, err := v.Ask(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.UID, err)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// judge names the queries of a panel that returned nothing, and those to which other jobs make a difference. It returns how many
// there are.
func judge(out io.Writer, d *grafana.Dashboard, p *grafana.Panel, all, ours [][]live.Series) (wrong int) {
	for i := range all {
		var fault string
		switch {
		case len(all[i]) == 0:
			fault = "EMPTY  "
		case !live.Same(all[i], ours[i]):
			fault = "FOREIGN"
		default:
			continue
		}
		fmt.Fprintf(out, "%s %s / %s / %s\n        %s\n", fault, d.UID, p.Title, p.Targets[i].RefID, p.Targets[i].Expr)
		wrong++
	}
	return wrong
}
