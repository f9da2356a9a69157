// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fleetOptions say what fleet is to be run.
type fleetOptions struct {
	gateways int
	tunnels  int // of each
	interval time.Duration
	duration time.Duration
}

// longestEvaluation is how long the evaluation of a group of rules may take.
const longestEvaluation = time.Second

// A fleet is many gateways of which one Prometheus is told. One exporter serves all of them, each as a target of its own.
type fleet struct {
	daemons    *process
	exporter   *process
	prometheus *prometheus
}

// fleet runs a fleet for a while and reports what it costs Prometheus. A scrape that fails is an error, and so are rules that fail
// or take too long.
func (w *reporter) fleet(ctx context.Context, o options) (err error) {
	directory, err := os.MkdirTemp("", "strongswan_exporter-fleet")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	f := new(fleet)
	defer f.close()
	if err := f.start(ctx, o, directory); err != nil {
		return err
	}
	select {
	case <-time.After(o.fleet.duration):
	case <-f.prometheus.done:
		return f.prometheus.failure("has ended")
	case <-f.exporter.done:
		return f.exporter.failure("has ended")
	case <-f.daemons.done:
		return f.daemons.failure("has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
	r, err := f.read(ctx, o.fleet)
	if err != nil {
		return err
	}
	return errors.Join(w.write("fleet", r.report()), r.check())
}

// start starts everything, and returns when each gateway was scraped.
func (f *fleet) start(ctx context.Context, o options, directory string) (err error) {
	socket, gateways := filepath.Join(directory, "charon"), o.fleet.gateways
	f.daemons, err = start(ctx, o.vicisim, "--socket="+socket, "--copies="+strconv.Itoa(gateways), "--sas="+strconv.Itoa(o.fleet.tunnels),
		"--rekey-interval=10m", "--churn=0.01", "--events=0.01")
	if err != nil {
		return err
	}
	all := "-" + strconv.Itoa(gateways)
	if _, err := f.daemons.await(ctx, func(line string) (string, bool) { return line, strings.HasSuffix(line, all) }); err != nil {
		return err
	}
	args := []string{"--vici.address=unix://" + socket + "-1", "--web.listen-address=127.0.0.1:0", "--log.level=info"}
	targets := make([]string, gateways)
	for n := range gateways {
		targets[n] = "gw-" + strconv.Itoa(n+1)
		args = append(args, fmt.Sprintf("--vici.target=%s=unix://%s-%d", targets[n], socket, n+1))
	}
	if f.exporter, err = start(ctx, o.exporter, args...); err != nil {
		return err
	}
	address, err := f.exporter.await(ctx, listeningAt)
	if err != nil {
		return err
	}
	f.prometheus, err = startPrometheus(ctx, directory, o.fleet.interval, scrapeConfigs(address, targets))
	if err != nil {
		return err
	}
	return f.prometheus.until(ctx, func() bool {
		up, err := f.prometheus.query(ctx, `count(up{job="strongswan"})`)
		return err == nil && int(up) == gateways
	})
}

// scrapeConfigs lets Prometheus scrape each gateway as a target, from the one exporter.
func scrapeConfigs(address string, targets []string) string {
	return fmt.Sprintf(`- job_name: strongswan
  metrics_path: /probe
  static_configs: [{targets: [%s]}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__address__], target_label: instance}
  - {target_label: __address__, replacement: %q}
- job_name: exporter
  params: {"collect[]": [daemon]}
  static_configs: [{targets: [%q]}]
`, strings.Join(targets, ", "), address, address)
}

func (f *fleet) close() {
	if f.prometheus != nil {
		f.prometheus.end()
	}
	for _, p := range []*process{f.exporter, f.daemons} {
		if p != nil {
			p.end()
		}
	}
}

// A fleetResult is what Prometheus tells of itself and of the fleet, over the time of the measurement.
type fleetResult struct {
	fleetOptions

	values map[string]float64 // by the keys of figures
	memory int64              // peak of Prometheus
}

// What is asked for. RANGE is the time of the measurement.
var figures = [...]struct{ key, expression string }{
	{"scrapes", `sum(count_over_time(up{job="strongswan"}[RANGE]))`},
	{"failed", `sum(count_over_time(up{job="strongswan"}[RANGE]) - sum_over_time(up{job="strongswan"}[RANGE]))`},
	{"down", `count(min_over_time(strongswan_up{job="strongswan"}[RANGE]) == 0) or vector(0)`},
	{"collectors failed", `count(min_over_time(strongswan_scrape_collector_success{job="strongswan"}[RANGE]) == 0) or vector(0)`},
	{"longest scrape", `max(max_over_time(scrape_duration_seconds{job="strongswan"}[RANGE]))`},
	{"series of a gateway", `max(scrape_samples_scraped{job="strongswan"})`},
	{"longest evaluation", `max(max_over_time(prometheus_rule_group_last_duration_seconds[RANGE]))`},
	{"mean evaluation", `max(avg_over_time(prometheus_rule_group_last_duration_seconds[RANGE]))`},
	{"evaluations", `sum(increase(prometheus_rule_group_iterations_total[RANGE]))`},
	{"missed", `sum(increase(prometheus_rule_group_iterations_missed_total[RANGE]))`},
	{"rules failed", `sum(increase(prometheus_rule_evaluation_failures_total[RANGE]))`},
	{"series", `max(max_over_time(prometheus_tsdb_head_series[RANGE]))`},
	{"samples", `sum(rate(prometheus_tsdb_head_samples_appended_total[RANGE]))`},
	{"recorded", `count({__name__=~"instance(_[a-z]+)?:.+", job="strongswan"})`},
	{"recorded tunnels", `count({__name__=~"tunnel:.+", job="strongswan"})`},
	{"CPU", `sum(rate(process_cpu_seconds_total{job="prometheus"}[RANGE]))`},
	{"CPU of exporter", `sum(rate(process_cpu_seconds_total{job="exporter"}[RANGE]))`},
}

func (f *fleet) read(ctx context.Context, o fleetOptions) (r fleetResult, err error) {
	r = fleetResult{fleetOptions: o, values: make(map[string]float64)}
	seconds := strconv.Itoa(int(o.duration.Seconds())) + "s"
	for _, figure := range &figures {
		r.values[figure.key], err = f.prometheus.query(ctx, strings.ReplaceAll(figure.expression, "RANGE", seconds))
		if err != nil {
			return r, err
		}
	}
	r.memory, err = f.prometheus.peak()
	return r, err
}

// check returns an error if the fleet is not served as it should be.
func (r *fleetResult) check() error {
	expected := float64(r.gateways) * (r.duration.Seconds()/r.interval.Seconds() - 2)
	switch {
	case r.values["failed"] > 0 || r.values["scrapes"] < expected:
		return fmt.Errorf("%v scrapes were made and %v of them failed; %v were expected at least",
			r.values["scrapes"], r.values["failed"], expected)
	case r.values["down"] > 0 || r.values["collectors failed"] > 0:
		return fmt.Errorf("%v gateways and %v collectors were down", r.values["down"], r.values["collectors failed"])
	case r.values["rules failed"] > 0 || r.values["missed"] > 0 || r.values["evaluations"] == 0:
		return fmt.Errorf("of %v evaluations of groups of rules %v were missed, and %v rules failed",
			r.values["evaluations"], r.values["missed"], r.values["rules failed"])
	case r.values["longest evaluation"] >= longestEvaluation.Seconds():
		return fmt.Errorf("an evaluation of rules took %.2f s", r.values["longest evaluation"])
	}
	return nil
}

func (r *fleetResult) report() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s. %d gateways of %d tunnels, scraped every %s and rules evaluated as often, for %s.\n\n",
		machine(), r.gateways, r.tunnels, r.interval, r.duration)
	whole := func(key string) string { return grouped(int(r.values[key])) }
	each := func(key string) string { return fmt.Sprintf("%.1f", r.values[key]/float64(r.gateways)) }
	seconds := func(key string) string { return fmt.Sprintf("%.2f s", r.values[key]) }
	percent := func(key string) string { return fmt.Sprintf("%.0f %% of a core", 100*r.values[key]) }
	for _, row := range [][2]string{
		{"of the fleet", "measured"},
		{"---", "--:"},
		{"scrapes, and failed ones", whole("scrapes") + ", " + whole("failed")},
		{"longest scrape", seconds("longest scrape")},
		{"series of a gateway", whole("series of a gateway")},
		{"as many for each tunnel", fmt.Sprintf("%.0f", r.values["series of a gateway"]/float64(r.tunnels))},
		{"recorded series of a gateway, without those of tunnels", each("recorded")},
		{"recorded series of a gateway's tunnels", each("recorded tunnels")},
		{"series in Prometheus", whole("series")},
		{"samples a second", whole("samples")},
		{"evaluations of groups of rules, missed ones", whole("evaluations") + ", " + whole("missed")},
		{"rules that failed", whole("rules failed")},
		{"evaluation of the slowest group, at most and in the mean", seconds("longest evaluation") + ", " + seconds("mean evaluation")},
		{"Prometheus' memory, at most", megabytes(r.memory)},
		{"Prometheus' CPU", percent("CPU")},
		{"the exporters' CPU, all together", percent("CPU of exporter")},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	return b.Bytes()
}
