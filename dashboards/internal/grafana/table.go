// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

import "fmt"

// A Column is one of a table. It shows a label that the queries keep, or the value of a query of its own.
type Column struct {
	Header string
	Label  string // either this
	Expr   string // or this, abbreviated as in [Expr]

	Unit     string
	Words    []Mapping
	Steps    []Step
	Link     string // where a click leads
	LinkText string
}

// Label is a column of a label.
func Label(label, header string) Column { return Column{Header: header, Label: label} }

// Value is a column of a query, which may have labels that other columns show.
func Value(header, unit, expr string) Column { return Column{Header: header, Unit: unit, Expr: expr} }

// Only is a query without a column, for the labels that it brings.
func Only(expr string) Column { return Column{Expr: expr} }

// As shows values as words.
func (c Column) As(words []Mapping) Column {
	c.Words = words
	return c
}

// Coloured colours values.
func (c Column) Coloured(steps []Step) Column {
	c.Steps = steps
	return c
}

// LinkTo makes the cells of a column links.
func (c Column) LinkTo(text, url string) Column {
	c.LinkText, c.Link = text, url
	return c
}

// Table joins the queries of its columns by the labels that they share. All labels that no column shows are hidden, so
// the queries must keep none of which rows have several.
func Table(title, description string, columns ...Column) *Panel {
	p := newPanel("table", title, description, 24, 8).NoValue("–")
	p.FieldConfig.Defaults.Custom = map[string]any{
		"align": "auto", "cellOptions": map[string]any{"type": "auto"}, "filterable": true, "inspect": false,
	}
	p.Options = map[string]any{
		"cellHeight": "sm", "showHeader": true,
		"footer": map[string]any{"countRows": false, "fields": "", "reducer": []string{"sum"}, "show": false},
	}
	queries := 0
	for _, c := range columns {
		if c.Expr != "" {
			p.query(c.Expr, "", "table", true)
			queries++
		}
	}
	p.organize(columns, queries)
	for _, c := range columns {
		p.describe(c)
	}
	return p
}

// organize joins, orders, names and hides fields.
func (p *Panel) organize(columns []Column, queries int) {
	order, names := map[string]int{}, map[string]string{}
	hidden := map[string]bool{"Time": true, "job": true, "__name__": true}
	asked := 0
	for i, c := range columns {
		field := c.Label
		if c.Expr != "" {
			field = valueField(asked, queries)
			asked++
		}
		if c.Header == "" {
			hidden[field] = true
			continue
		}
		order[field], names[field] = i, c.Header
	}
	if queries > 1 {
		p.Transformations = append(p.Transformations, transformation{ID: "merge", Options: map[string]any{}})
	}
	p.Transformations = append(p.Transformations, transformation{ID: "organize", Options: map[string]any{
		"excludeByName": hidden, "indexByName": order, "renameByName": names,
	}})
}

// valueField is what Grafana calls the value of a query.
func valueField(n, queries int) string {
	if queries == 1 {
		return "Value"
	}
	return fmt.Sprintf("Value #%c", 'A'+n)
}

// describe adds how the values of a column are shown.
func (p *Panel) describe(c Column) {
	var properties []property
	if c.Unit != "" {
		properties = append(properties, property{"unit", c.Unit})
	}
	if c.Unit == "short" {
		properties = append(properties, property{"decimals", 0}) // numbers of things, also where increase() extrapolates
	}
	if c.Words != nil {
		properties = append(properties, property{"mappings", c.Words})
	}
	if c.Steps != nil {
		properties = append(properties, property{"thresholds", Thresholds{Mode: "absolute", Steps: c.Steps}})
	}
	if c.Words != nil || c.Steps != nil {
		properties = append(properties, property{"custom.cellOptions", map[string]any{"type": "color-text"}})
	}
	if c.Link != "" {
		properties = append(properties, property{"links", []map[string]any{{"title": c.LinkText, "url": c.Link}}})
	}
	if properties != nil {
		p.override("byName", c.Header, properties...)
	}
}

// SortBy orders the rows by a column.
func (p *Panel) SortBy(header string, descending bool) *Panel {
	p.Options["sortBy"] = []map[string]any{{"displayName": header, "desc": descending}}
	return p
}
