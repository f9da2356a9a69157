// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
)

// A Viewer looks at a dashboard.
type Viewer struct {
	Prometheus *Prometheus
	From, To   time.Time

	// ScrapeInterval is what the data source is configured with.
	ScrapeInterval time.Duration

	// Points is how many a picture has room for.
	Points int

	chosen map[string]string // variable → what expressions have in its place
}

// Open chooses values for a dashboard's variables: those given, else all of them, or the first one where there is no "All".
func (v *Viewer) Open(ctx context.Context, d *grafana.Dashboard, choices map[string]string) error {
	v.chosen = make(map[string]string)
	for _, variable := range d.Templating.List {
		if variable.Type != "query" {
			continue
		}
		value, ok := choices[variable.Name]
		if !ok {
			var err error
			if value, err = v.all(ctx, variable); err != nil {
				return fmt.Errorf("variable %s of %s: %w", variable.Name, d.UID, err)
			}
		}
		v.chosen[variable.Name] = value
	}
	return nil
}

// Own returns what the variable job has where only the exporter's jobs are chosen.
func (v *Viewer) Own(ctx context.Context) (string, error) {
	jobs, err := v.Prometheus.LabelValues(ctx, "job", "strongswan_up", v.From, v.To)
	return alternatives(jobs), err
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// all returns what Grafana puts in place of a variable without a choice.
func (v *Viewer) all(ctx context.Context, variable grafana.Variable) (string, error) {
	parts := labelValues.FindStringSubmatch(variable.Definition)
	if parts == nil {
		return "", fmt.Errorf("%q is no query for label values", variable.Definition)
	}
	values, err := v.Prometheus.LabelValues(ctx, parts[2], v.fill(parts[1]), v.From, v.To)
	if err != nil {
		return "", err
	}
	if len(values) == 0 {
		return "", errors.New("there are no values")
	}
	slices.Sort(values)
	switch {
	case !variable.IncludeAll:
		return regexp.QuoteMeta(values[0]), nil
	case variable.AllValue != "":
		return variable.AllValue, nil
	}
	return alternatives(values), nil
}

// alternatives is what Grafana makes of several values.
func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

// step is the distance of points: as many as there is room for, but not closer than scrapes.
func (v *Viewer) step() time.Duration {
	step := v.To.Sub(v.From) / time.Duration(v.Points)
	return max(step.Truncate(time.Second), v.ScrapeInterval)
}

// fill puts values in place of variables, as Grafana does.
func (v *Viewer) fill(expr string) string {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
	pairs := []string{
		"$__rate_interval", seconds(max(v.step()+v.ScrapeInterval, 4*v.ScrapeInterval)),
		"$__interval", seconds(v.step()),
		"$__range", seconds(v.To.Sub(v.From)),
	}
	for name, value := range v.chosen {
		// Grafana escapes regular expressions for the string in which they stand.
		pairs = append(pairs, "$"+name, strings.ReplaceAll(value, "\\", "\\\\"))
	}
	return strings.NewReplacer(pairs...).Replace(expr)
}

// Ask returns the answers to a panel's queries.
func (v *Viewer) Ask(ctx context.Context, p *grafana.Panel) ([][]Series, error) {
	answers := make([][]Series, len(p.Targets))
	for i, t := range p.Targets {
		var err error
		if t.Instant {
			answers[i], err = v.Prometheus.Instant(ctx, v.fill(t.Expr), v.To)
		} else {
			answers[i], err = v.Prometheus.Range(ctx, v.fill(t.Expr), v.From, v.To, v.step())
		}
		if err != nil {
			return nil, fmt.Errorf("query %s of %q: %w", t.RefID, p.Title, err)
		}
	}
	return answers, nil
}
