// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command upload imports the dashboards into a Grafana by its API, as its import page does, reads them back, lets Grafana run each query,
// and opens each dashboard in a browser. It fails if Grafana refuses a dashboard or a query, if a panel has no data, or if one shows
// an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
)

func main() {
	url := flag.String("grafana", "", "where Grafana is; user and password may stand in the URL")
	token := flag.String("token", os.Getenv("GRAFANA_TOKEN"), "token of a service account ($GRAFANA_TOKEN)")
	source := flag.String("datasource", "", "uid of the Prometheus data source; empty is the first one")
	program := flag.String("browser", "", "Chromium or Chrome; empty is none")
	allowEmpty := flag.Bool("allow-empty", false, "name panels without data, and do not fail")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := start(ctx, &check{
		client: &client{url: *url, token: *token}, source: *source, allowEmpty: *allowEmpty, out: os.Stdout,
	}, *program)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upload:", err)
		os.Exit(1)
	}
}

// start gives a browser to the check, with a directory of its own.
func start(ctx context.Context, c *check, program string) error {
	if program == "" {
		return c.run(ctx)
	}
	dir, err := os.MkdirTemp("", "strongswan_exporter-browser-")
	if err != nil {
		return err
	}
	c.open = chromium(program, dir)
	return errors.Join(c.run(ctx), os.RemoveAll(dir))
}

// A check is what is asked of a Grafana.
type check struct {
	client     *client
	source     string // uid; empty is the first Prometheus
	open       browser
	allowEmpty bool
	out        io.Writer
}

// run goes on to the other dashboards after one is found wrong.
func (c *check) run(ctx context.Context) error {
	if c.source == "" {
		var err error
		if c.source, err = c.client.prometheus(ctx); err != nil {
			return err
		}
	}
	var errs []error
	for _, d := range boards.All() {
		if err := c.client.importDashboard(ctx, d); err != nil {
			errs = append(errs, err)
			continue
		}
		empty, err := c.client.runQueries(ctx, d, c.source)
		for _, where := range empty {
			fmt.Fprintf(c.out, "%s: no data: %s\n", d.UID, where)
		}
		if len(empty) > 0 && !c.allowEmpty {
			err = errors.Join(err, fmt.Errorf("%s: %d panels have no data", d.UID, len(empty)))
		}
		if c.open != nil {
			err = errors.Join(err, c.client.look(ctx, c.open, d.UID))
		}
		if err == nil {
			fmt.Fprintf(c.out, "%s: imported, all queries run\n", d.UID)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
