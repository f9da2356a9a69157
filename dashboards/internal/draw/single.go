// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"cmp"
	"html"
	"math"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// A named is a value with the name of its series.
type named struct {
	name  string
	value float64
}

// latest returns the last value of each series.
func (d *drawing) latest() []named {
	var all []named
	for i, answer := range d.answers {
		for _, s := range answer {
			all = append(all, named{name(d.panel.Targets[i], s), s.Last()})
		}
	}
	return all
}

func (d *drawing) steps() []grafana.Step {
	if t := d.panel.FieldConfig.Defaults.Thresholds; t != nil {
		return t.Steps
	}
	return nil
}

func (d *drawing) stat() {
	v := d.latest()[0]
	text, color := format(v.value, d.panel.FieldConfig.Defaults.Unit, d.to), stepColor(d.steps(), v.value)
	if w, ok := word(d.panel.FieldConfig.Defaults.Mappings, v.value); ok {
		text, color = w.Text, hex(w.Color)
	}
	if d.panel.Options["textMode"] == "name" {
		text = v.name
	}
	class := "stat"
	if len(text) > 8 {
		class = "stat long"
	}
	d.printf("<div class=%q style=\"color:%s\">%s</div>", class, color, html.EscapeString(text))
}

// barHeight is that of a bar with the space to the next one.
const barHeight = 22

func (d *drawing) bars() {
	values := d.latest()
	slices.SortStableFunc(values, func(a, b named) int { return cmp.Compare(b.value, a.value) })
	top := 0.0
	if m := d.panel.FieldConfig.Defaults.Max; m != nil {
		top = *m
	}
	for _, v := range values {
		top = max(top, v.value)
	}
	label := d.width * 2 / 5
	space := d.width - label - 90
	d.printf("<svg width=%d height=%d>", d.width, d.height)
	for i, v := range values[:min(len(values), d.height/barHeight)] {
		y := i * barHeight
		length := 0.0
		if top > 0 {
			length = float64(space) * v.value / top
		}
		d.printf("<text x=8 y=%d>%s</text><rect x=%d y=%d width=%d height=14 fill=\"#eceef0\"/>",
			y+14, html.EscapeString(shorten(v.name, label/6)), label, y+3, space)
		d.printf("<rect x=%d y=%d width=%.1f height=14 fill=%q/><text x=%d y=%d>%s</text>", label, y+3, length,
			stepColor(d.steps(), v.value), label+space+8, y+14, format(v.value, d.panel.FieldConfig.Defaults.Unit, d.to))
	}
	d.printf("</svg>")
}

func shorten(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

func (d *drawing) pie() {
	values := d.latest()
	slices.SortStableFunc(values, func(a, b named) int { return cmp.Compare(b.value, a.value) })
	total := 0.0
	for _, v := range values {
		total += v.value
	}
	const turn = 2 * math.Pi
	r := float64(min(d.height, d.width/2))/2 - 12
	around := turn * r * 0.75 // of the circle along the middle of the ring
	d.printf("<svg width=%d height=%d>", d.width, d.height)
	passed := 0.0
	for i, v := range values {
		share := v.value / total
		d.printf("<circle cx=%.0f cy=%.0f r=%.1f fill=none stroke=%q stroke-width=%.1f stroke-dasharray=\"%.2f %.2f\" "+
			"stroke-dashoffset=\"%.2f\"/>", r+12, r+12, r*0.75, seriesColor(i), r/2, around*share, around*(1-share), -around*passed)
		passed += share
		y := 20 + i*18
		d.printf("<rect x=%.0f y=%d width=12 height=4 fill=%q/><text x=%.0f y=%d>%s  %s (%s)</text>", 2*r+32, y-4, seriesColor(i),
			2*r+50, y, html.EscapeString(v.name), trim(v.value), format(share, "percentunit", d.to))
	}
	d.printf("</svg>")
}

// sortedByName orders series, whose order Prometheus does not promise.
func sortedByName(t grafana.Target, answer []live.Series) []live.Series {
	sorted := slices.Clone(answer)
	slices.SortFunc(sorted, func(a, b live.Series) int { return cmp.Compare(name(t, a), name(t, b)) })
	return sorted
}
