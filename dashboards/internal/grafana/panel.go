// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

import "slices"

// A Panel is one picture, table or row heading. Its methods change it and return it.
type Panel struct {
	Collapsed       bool             `json:"collapsed,omitempty"`
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Description     string           `json:"description,omitempty"`
	FieldConfig     *fieldConfig     `json:"fieldConfig,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	ID              int              `json:"id"`
	Options         map[string]any   `json:"options,omitempty"`
	Panels          []*Panel         `json:"panels,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	Title           string           `json:"title"`
	Transformations []transformation `json:"transformations,omitempty"`
	Type            string           `json:"type"`
}

// GridPos is where a panel stands, in cells of a grid 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// A Target is a query.
type Target struct {
	Datasource   Datasource `json:"datasource"`
	EditorMode   string     `json:"editorMode"`
	Expr         string     `json:"expr"`
	Format       string     `json:"format"`
	Instant      bool       `json:"instant"`
	LegendFormat string     `json:"legendFormat,omitempty"`
	Range        bool       `json:"range"`
	RefID        string     `json:"refId"`
}

type transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}

type (
	fieldConfig struct {
		Defaults  fieldDefaults `json:"defaults"`
		Overrides []override    `json:"overrides"`
	}
	fieldDefaults struct {
		Color      map[string]any `json:"color,omitempty"`
		Custom     map[string]any `json:"custom,omitempty"`
		Decimals   *int           `json:"decimals,omitempty"`
		Mappings   []Mapping      `json:"mappings,omitempty"`
		Max        *float64       `json:"max,omitempty"`
		Min        *float64       `json:"min,omitempty"`
		NoValue    string         `json:"noValue,omitempty"`
		Thresholds *Thresholds    `json:"thresholds,omitempty"`
		Unit       string         `json:"unit"`
	}
	override struct {
		Matcher    matcher    `json:"matcher"`
		Properties []property `json:"properties"`
	}
	matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	}
	property struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	}
)

// Thresholds colour values.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// A Step begins a colour at a value; nil is the lowest.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Steps begins with a colour and changes it at each value.
func Steps(color string, changes ...Step) []Step {
	return append([]Step{{Color: color}}, changes...)
}

// At begins a colour at a value.
func At(value float64, color string) Step { return Step{Color: color, Value: &value} }

// A Mapping shows values as words.
type Mapping struct {
	Options map[string]Word `json:"options"`
	Type    string          `json:"type"`
}

// A Word is what a value is shown as.
type Word struct {
	Color string `json:"color"`
	Index int    `json:"index"`
	Text  string `json:"text"`
}

// Words maps values to words.
func Words(words map[string]Word) []Mapping { return []Mapping{{Options: words, Type: "value"}} }

// A Query is an expression, abbreviated as in [Expr], and the name of its series.
type Query struct{ Expr, Legend string }

const rowType = "row"

// Row heads the panels that follow.
func Row(title string) *Panel {
	return &Panel{Type: rowType, Title: title, GridPos: GridPos{W: columns, H: 1}}
}

// CollapsedRow hides the panels up to the next row, and their queries, until it is opened.
func CollapsedRow(title string) *Panel {
	p := Row(title)
	p.Collapsed = true
	return p
}

func newPanel(kind, title, description string, width, height int) *Panel {
	ds := chosenDatasource()
	return &Panel{
		Type: kind, Title: title, Description: description, Datasource: &ds,
		GridPos: GridPos{W: width, H: height},
		FieldConfig: &fieldConfig{
			Defaults:  fieldDefaults{Unit: "short", Color: map[string]any{"mode": "thresholds"}},
			Overrides: []override{},
		},
	}
}

// query adds a query. Instant ones ask for the end of the range only.
func (p *Panel) query(expr, legend, format string, instant bool) {
	p.Targets = append(p.Targets, Target{
		Datasource:   chosenDatasource(),
		EditorMode:   "code",
		Expr:         Expr(expr),
		Format:       format,
		Instant:      instant,
		LegendFormat: legend,
		Range:        !instant,
		RefID:        string(rune('A' + len(p.Targets))),
	})
}

// Size sets width and height in cells.
func (p *Panel) Size(w, h int) *Panel {
	p.GridPos.W, p.GridPos.H = w, h
	return p
}

// Unit sets the unit of all values.
func (p *Panel) Unit(unit string) *Panel {
	p.FieldConfig.Defaults.Unit = unit
	return p
}

// Thresholds sets the colours of values.
func (p *Panel) Thresholds(steps []Step) *Panel {
	p.FieldConfig.Defaults.Thresholds = &Thresholds{Mode: "absolute", Steps: steps}
	return p
}

// Mapping shows values as words.
func (p *Panel) Mapping(mappings []Mapping) *Panel {
	p.FieldConfig.Defaults.Mappings = mappings
	return p
}

// NoValue is shown where there is no data.
func (p *Panel) NoValue(text string) *Panel {
	p.FieldConfig.Defaults.NoValue = text
	return p
}

// Range bounds the scale.
func (p *Panel) Range(low, high float64) *Panel {
	p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = &low, &high
	return p
}

func (p *Panel) override(matcherID, field string, properties ...property) {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides,
		override{Matcher: matcher{ID: matcherID, Options: field}, Properties: slices.Clone(properties)})
}
