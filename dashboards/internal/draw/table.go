// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"cmp"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// A field is a cell: text of a label, or a number.
type field struct {
	text   string
	number float64
	isText bool
}

func (f field) compare(other field) int {
	return cmp.Or(cmp.Compare(f.number, other.number), cmp.Compare(f.text, other.text))
}

// A row has cells by the names that Grafana gives to fields.
type row map[string]field

// rows joins the answers by the labels that all of them have, as Grafana's transformation "merge" does.
func (d *drawing) rows() []row {
	shared := d.sharedLabels()
	byKey := map[string]row{}
	var rows []row
	for i, answer := range d.answers {
		value := "Value"
		if len(d.answers) > 1 {
			value += " #" + d.panel.Targets[i].RefID
		}
		for _, s := range answer {
			var key strings.Builder
			for _, label := range shared {
				key.WriteString(s.Labels[label] + "\x00")
			}
			r, ok := byKey[key.String()]
			if !ok {
				r = row{}
				byKey[key.String()] = r
				rows = append(rows, r)
			}
			for label, text := range s.Labels {
				r[label] = field{text: text, isText: true}
			}
			r[value] = field{number: s.Last()}
		}
	}
	return rows
}

func (d *drawing) sharedLabels() []string {
	count, answers := map[string]int{}, 0
	for _, answer := range d.answers {
		if len(answer) == 0 {
			continue
		}
		answers++
		for label := range allLabels(answer) {
			count[label]++
		}
	}
	var shared []string
	for label, n := range count {
		if n == answers && label != "__name__" {
			shared = append(shared, label)
		}
	}
	slices.Sort(shared)
	return shared
}

func allLabels(answer []live.Series) map[string]bool {
	labels := map[string]bool{}
	for _, s := range answer {
		for label := range s.Labels {
			labels[label] = true
		}
	}
	return labels
}

// A heading is a column of the table.
type heading struct{ field, text string }

// headings returns the columns in order.
func (d *drawing) headings() []heading {
	organize := d.panel.Transformations[len(d.panel.Transformations)-1].Options
	names, order := organize["renameByName"].(map[string]string), organize["indexByName"].(map[string]int)
	var all []heading
	for f, text := range names {
		all = append(all, heading{f, text})
	}
	slices.SortFunc(all, func(a, b heading) int { return cmp.Compare(order[a.field], order[b.field]) })
	return all
}

func (d *drawing) table() {
	headings, rows := d.headings(), d.rows()
	d.sort(headings, rows)
	d.printf("<table><tr>")
	for _, h := range headings {
		d.printf("<th>%s</th>", html.EscapeString(h.text))
	}
	d.printf("</tr>")
	for _, r := range rows[:min(len(rows), d.height/21)] {
		d.printf("<tr>")
		for _, h := range headings {
			text, color := d.cell(r, h)
			d.printf("<td style=\"color:%s\">%s</td>", color, html.EscapeString(text))
		}
		d.printf("</tr>")
	}
	d.printf("</table>")
}

func (d *drawing) sort(headings []heading, rows []row) {
	by := heading{field: headings[0].field}
	descending := false
	if sorts, ok := d.panel.Options["sortBy"].([]map[string]any); ok {
		i := slices.IndexFunc(headings, func(h heading) bool { return h.text == sorts[0]["displayName"] })
		by, descending = headings[i], sorts[0]["desc"].(bool)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		order := a[by.field].compare(b[by.field])
		if descending {
			order = -order
		}
		return cmp.Or(order, a[headings[0].field].compare(b[headings[0].field]))
	})
}

// cell returns the text and the colour of a cell.
func (d *drawing) cell(r row, h heading) (text, color string) {
	f, ok := r[h.field]
	if !ok {
		return "", hex("text")
	}
	unit, words, steps := d.column(h.text)
	if f.isText {
		for _, m := range words {
			if w, found := m.Options[f.text]; found {
				return w.Text, hex(w.Color)
			}
		}
		return f.text, hex("text")
	}
	if w, ok := word(words, f.number); ok {
		return w.Text, hex(w.Color)
	}
	if unit == "short" {
		f.number = math.Round(f.number)
	}
	return format(f.number, unit, d.to), stepColor(steps, f.number)
}

// column returns what the dashboard says of a column.
func (d *drawing) column(header string) (unit string, words []grafana.Mapping, steps []grafana.Step) {
	unit = d.panel.FieldConfig.Defaults.Unit
	for _, o := range d.panel.FieldConfig.Overrides {
		if o.Matcher.ID != "byName" || o.Matcher.Options != header {
			continue
		}
		for _, p := range o.Properties {
			switch v := p.Value.(type) {
			case string:
				unit = v
			case []grafana.Mapping:
				words = v
			case grafana.Thresholds:
				steps = v.Steps
			}
		}
	}
	return unit, words, steps
}
