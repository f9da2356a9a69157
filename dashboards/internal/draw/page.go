// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package draw draws dashboards as web pages without Grafana, for pictures in documentation: the panels, queries, units, colours
// and places are those of the dashboards; the look is only like Grafana's.
package draw

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// Measures of Grafana's grid, in pixels.
const (
	cellWidth  = 58
	cellHeight = 38
	gap        = 8
	header     = 44 // the page's heading
	titleBar   = 28 // of a panel
)

// A Page is a dashboard with the answers to its queries, by the panels' numbers.
type Page struct {
	Dashboard *grafana.Dashboard
	Answers   map[int][][]live.Series
	From, To  time.Time
}

// Size returns how large the page is, in pixels.
func (p *Page) Size() (width, height int) {
	for _, panel := range p.Dashboard.Panels {
		height = max(height, panel.GridPos.Y+panel.GridPos.H)
	}
	return 24*cellWidth + gap, header + height*cellHeight + gap
}

const style = `body{margin:0;background:#f4f5f5;color:#24292e;font:12px "DejaVu Sans",sans-serif;position:relative}
h1{font-size:17px;margin:0;padding:12px 10px;font-weight:600}h1 small{font-weight:400;color:#6e7681;font-size:12px}
.p,.r{position:absolute;box-sizing:border-box;overflow:hidden}.p{background:#fff;border:1px solid #dfe1e5;border-radius:3px}
.r{font-weight:600;font-size:14px;padding-top:8px}.t{font-weight:600;padding:6px 8px 0;height:22px;white-space:nowrap}
.stat{font-size:26px;text-align:center;padding-top:26px;white-space:nowrap}.long{font-size:17px;padding-top:32px}
table{border-collapse:collapse;width:100%;font-size:11px}th{text-align:left;color:#3871dc;font-weight:600}
td,th{border-bottom:1px solid #eceef0;padding:3px 7px;white-space:nowrap;max-width:250px;overflow:hidden;text-overflow:ellipsis}
.none{color:#6e7681;text-align:center;padding-top:30px}svg{display:block}text{font:10px "DejaVu Sans",sans-serif;fill:#555}
.l{padding:0 8px;white-space:nowrap;overflow:hidden;font-size:10.5px;height:16px}
.l i{display:inline-block;width:12px;height:4px;margin:2px 4px 2px 0}
.l span{margin-right:12px}`

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	b := new(builder)
	b.printf("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title><style>%s</style><body>",
		html.EscapeString(p.Dashboard.Title), style)
	b.printf("<h1>%s <small>%s to %s</small></h1>", html.EscapeString(p.Dashboard.Title),
		p.From.UTC().Format("2006-01-02 15:04"), p.To.UTC().Format("15:04 UTC"))
	for _, panel := range p.Dashboard.Panels {
		p.panel(b, panel)
	}
	b.printf("</body></html>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func (p *Page) panel(b *builder, panel *grafana.Panel) {
	at := panel.GridPos
	place := fmt.Sprintf("left:%dpx;top:%dpx;width:%dpx;height:%dpx",
		gap+at.X*cellWidth, header+at.Y*cellHeight, at.W*cellWidth-gap, at.H*cellHeight-gap)
	if panel.Type == "row" {
		sign := "▾"
		if panel.Collapsed {
			sign = "▸"
		}
		b.printf("<div class=r style=%q>%s %s</div>", place, sign, html.EscapeString(panel.Title))
		return
	}
	b.printf("<div class=p style=%q><div class=t>%s</div>", place, html.EscapeString(panel.Title))
	d := drawing{
		builder: b, panel: panel, answers: p.Answers[panel.ID], from: p.From, to: p.To,
		width: at.W*cellWidth - gap - 2, height: at.H*cellHeight - gap - titleBar - 2,
	}
	d.draw()
	b.printf("</div>")
}

// A drawing is a panel on the way to the page.
type drawing struct {
	*builder
	panel         *grafana.Panel
	answers       [][]live.Series
	from, to      time.Time
	width, height int // what is left below the title
}

func (d *drawing) draw() {
	total := 0
	for _, a := range d.answers {
		total += len(a)
	}
	if total == 0 {
		d.printf("<div class=none>%s</div>", html.EscapeString(cmp.Or(d.panel.FieldConfig.Defaults.NoValue, "No data")))
		return
	}
	switch d.panel.Type {
	case "stat":
		d.stat()
	case "bargauge":
		d.bars()
	case "piechart":
		d.pie()
	case "timeseries":
		d.timeSeries()
	case "state-timeline":
		d.stateTimeline()
	case "heatmap":
		d.heatmap()
	case "table":
		d.table()
	default:
		d.printf("<div class=none>a %s cannot be drawn</div>", html.EscapeString(d.panel.Type))
	}
}
