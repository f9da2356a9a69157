// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command upload imports the dashboards into a Grafana by its API, reads them back, and lets Grafana run each query. It fails
// if Grafana refuses a dashboard or a query; queries without data are named.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
)

func main() {
	url := flag.String("grafana", "", "where Grafana is; user and password may stand in the URL")
	token := flag.String("token", os.Getenv("GRAFANA_TOKEN"), "token of a service account ($GRAFANA_TOKEN)")
	source := flag.String("datasource", "", "uid of the Prometheus data source; empty is the first one")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, &client{url: *url, token: *token}, *source)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c *client, source string) error {
	if source == "" {
		var err error
		if source, err = c.prometheus(ctx); err != nil {
			return err
		}
	}
	for _, d := range boards.All() {
		if err := c.importDashboard(ctx, d); err != nil {
			return err
		}
		empty, err := c.runQueries(ctx, d, source)
		if err != nil {
			return err
		}
		fmt.Printf("%s: imported, all queries run\n", d.UID) //nolint:forbidigo // a main package's output
		for _, where := range empty {
			fmt.Printf("  no data: %s\n", where) //nolint:forbidigo // a main package's output
		}
	}
	return nil
}
