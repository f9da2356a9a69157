// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

// errNoAnswer is the result of --once where there is no daemon.
var errNoAnswer = errors.New("the daemon did not answer")

// printOnce prints one scrape in the form that the textfile collector reads. The exporter's own process is left out:
// that of who reads the file has series of the same names.
func printOnce(ctx context.Context, c *collector.Collector, config *config, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, config.scrapeTimeout)
	defer cancel()
	families, _, err := c.Gather(ctx)
	if err != nil {
		return err
	}
	encoder := expfmt.NewEncoder(out, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return fmt.Errorf("cannot print the metrics: %w", err)
		}
	}
	if !isUp(families) {
		return errNoAnswer
	}
	return nil
}

// isUp reports whether the daemon answered.
func isUp(families []*dto.MetricFamily) bool {
	for _, f := range families {
		if f.GetName() == "strongswan_up" {
			return f.GetMetric()[0].GetGauge().GetValue() == 1
		}
	}
	return false
}
