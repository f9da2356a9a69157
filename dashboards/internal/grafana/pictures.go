// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

// lastValue reduces a series to what it is now.
func lastValue() map[string]any {
	return map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
}

// Stat shows one value, or one for each series.
func Stat(title, description string, q Query) *Panel {
	p := newPanel("stat", title, description, 3, 4).Thresholds(Steps("text"))
	p.query(q.Expr, q.Legend, "time_series", true)
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
		"reduceOptions": lastValue(), "textMode": "auto",
	}
	return p
}

// ShowName makes a stat show the name of its series instead of the value.
func (p *Panel) ShowName() *Panel {
	p.Options["textMode"] = "name"
	return p
}

// BarGauge compares the present values of series.
func BarGauge(title, description string, queries ...Query) *Panel {
	p := newPanel("bargauge", title, description, 8, 8).Thresholds(Steps("blue"))
	for _, q := range queries {
		p.query(q.Expr, q.Legend, "time_series", true)
	}
	p.Options = map[string]any{
		"displayMode": "basic", "maxVizHeight": 24, "minVizHeight": 12, "minVizWidth": 8, "namePlacement": "auto",
		"orientation": "horizontal", "reduceOptions": lastValue(), "showUnfilled": true, "sizing": "auto", "valueMode": "color",
	}
	return p
}

// Pie shows the shares of series.
func Pie(title, description string, q Query) *Panel {
	p := newPanel("piechart", title, description, 6, 8)
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.query(q.Expr, q.Legend, "time_series", true)
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "table", "placement": "right", "showLegend": true, "values": []string{"value", "percent"}},
		"pieType": "donut", "reduceOptions": lastValue(),
		"tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	return p
}

// TimeSeries shows how values change.
func TimeSeries(title, description string, queries ...Query) *Panel {
	p := newPanel("timeseries", title, description, 12, 8)
	for _, q := range queries {
		p.query(q.Expr, q.Legend, "time_series", false)
	}
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.FieldConfig.Defaults.Custom = map[string]any{
		"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "never", "spanNulls": false,
		"stacking": map[string]any{"group": "A", "mode": "none"},
	}
	p.Options = map[string]any{
		"legend":  map[string]any{"calcs": []string{}, "displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	return p
}

// Stacked puts the series on top of each other.
func (p *Panel) Stacked() *Panel {
	p.FieldConfig.Defaults.Custom["stacking"] = map[string]any{"group": "A", "mode": "normal"}
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 40
	return p
}

// Bars draws numbers of events in an interval.
func (p *Panel) Bars() *Panel {
	p.Stacked()
	p.FieldConfig.Defaults.Custom["drawStyle"] = "bars"
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 80
	return p
}

// Below draws the series whose names match a regular expression below zero.
func (p *Panel) Below(regex string) *Panel {
	p.override("byRegexp", regex, property{"custom.transform", "negative-Y"})
	return p
}

// StateTimeline shows when which state lasted.
func StateTimeline(title, description string, q Query, words []Mapping) *Panel {
	p := newPanel("state-timeline", title, description, columns, 10).Mapping(words)
	p.query(q.Expr, q.Legend, "time_series", false)
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false}
	p.Options = map[string]any{
		"alignValue": "left", "mergeValues": true, "rowHeight": 0.9, "showValue": "never",
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	return p
}

// Heatmap shows how a histogram's buckets fill; the query gives a series for each bucket.
func Heatmap(title, description, expr string) *Panel {
	p := newPanel("heatmap", title, description, 12, 8)
	p.query(expr, "{{le}}", "heatmap", false)
	p.Options = map[string]any{
		"calculate": false, "cellGap": 1,
		"color":        map[string]any{"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "dark-blue"},
		"filterValues": map[string]any{"le": 1e-9},
		"legend":       map[string]any{"show": true},
		"rowsFrame":    map[string]any{"layout": "auto"},
		"tooltip":      map[string]any{"show": true, "yHistogram": false},
		"yAxis":        map[string]any{"axisPlacement": "left", "reverse": false, "unit": "s"},
	}
	return p
}
