// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package grafana builds dashboards in Grafana's classic JSON schema, as far as
// strongswan_exporter's dashboards need it. It renders in Grafana 10.1 and later.
//
// A board is a list of panels in reading order; [New] gives each its place and number. Expressions are written with
// abbreviated selectors, which [Expr] completes.
package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// schemaVersion is that of Grafana 10.1; later versions migrate it when they load it.
const schemaVersion = 38

// A Dashboard is one JSON file.
type Dashboard struct {
	Annotations   annotations `json:"annotations"`
	Description   string      `json:"description"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"`
	ID            *int        `json:"id"`
	Links         []boardLink `json:"links"`
	Panels        []*Panel    `json:"panels"`
	Refresh       string      `json:"refresh"`
	SchemaVersion int         `json:"schemaVersion"`
	Tags          []string    `json:"tags"`
	Templating    templating  `json:"templating"`
	Time          timeRange   `json:"time"`
	Timezone      string      `json:"timezone"`
	Title         string      `json:"title"`
	UID           string      `json:"uid"`
	Version       int         `json:"version"`
}

type (
	annotations struct {
		List []annotation `json:"list"`
	}
	annotation struct {
		Datasource  Datasource `json:"datasource"`
		Enable      bool       `json:"enable"`
		Expr        string     `json:"expr"`
		Hide        bool       `json:"hide"`
		IconColor   string     `json:"iconColor"`
		Name        string     `json:"name"`
		TagKeys     string     `json:"tagKeys"`
		TextFormat  string     `json:"textFormat"`
		TitleFormat string     `json:"titleFormat"`
	}
	boardLink struct {
		AsDropdown  bool     `json:"asDropdown"`
		IncludeVars bool     `json:"includeVars"`
		KeepTime    bool     `json:"keepTime"`
		Tags        []string `json:"tags"`
		Title       string   `json:"title"`
		Type        string   `json:"type"`
	}
	templating struct {
		List []Variable `json:"list"`
	}
	timeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
)

// Datasource refers to the data source that the viewer chose.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func chosenDatasource() Datasource { return Datasource{Type: "prometheus", UID: "${datasource}"} }

// New returns a dashboard with the panels laid out in reading order.
func New(uid, title, description string, variables []Variable, panels ...*Panel) *Dashboard {
	return &Dashboard{
		Annotations:   annotations{List: []annotation{firingAlerts()}},
		Description:   description,
		GraphTooltip:  1, // shared crosshair
		Links:         []boardLink{siblings()},
		Panels:        layOut(panels),
		Refresh:       "1m",
		SchemaVersion: schemaVersion,
		Tags:          []string{"strongswan", "ipsec", "vpn"},
		Templating:    templating{List: variables},
		Time:          timeRange{From: "now-6h", To: "now"},
		Timezone:      "browser",
		Title:         title,
		UID:           uid,
		Version:       1,
	}
}

// siblings links to the dashboards with the same tag.
func siblings() boardLink {
	return boardLink{IncludeVars: true, KeepTime: true, Tags: []string{"strongswan"}, Title: "strongSwan", Type: "dashboards"}
}

func firingAlerts() annotation {
	return annotation{
		Datasource:  chosenDatasource(),
		Enable:      true,
		Expr:        Expr(`ALERTS{A,alertstate="firing"}`),
		IconColor:   "red",
		Name:        "Alerts",
		TagKeys:     "severity,instance,connection,child",
		TitleFormat: "{{alertname}}",
	}
}

// Pictures returns all panels without rows.
func (d *Dashboard) Pictures() []*Panel {
	var all []*Panel
	for _, p := range d.Panels {
		if p.Type != rowType {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// JSON returns the dashboard as Grafana imports it.
func (d *Dashboard) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", d.UID, err)
	}
	return b.Bytes(), nil
}

// columns is the width of Grafana's grid.
const columns = 24

// layOut numbers panels and places them from left to right and from top to bottom. What follows a collapsed row up to
// the next row is moved into it, and takes no place of its own.
func layOut(panels []*Panel) []*Panel {
	var placed []*Panel
	var at cursor
	for i, p := range panels {
		p.ID = i + 1
		if p.Type == rowType {
			at = at.nextRow()
			at.place(p)
			placed = append(placed, p)
			if p.Collapsed {
				at = cursor{y: p.GridPos.Y + 1, row: p}
			}
			continue
		}
		at.place(p)
		if at.row != nil {
			at.row.Panels = append(at.row.Panels, p)
		} else {
			placed = append(placed, p)
		}
	}
	return placed
}

// A cursor is where the next panel goes.
type cursor struct {
	x, y   int
	height int    // of the present line
	row    *Panel // the collapsed one that takes the panels
}

// nextRow returns where a row goes: below everything, or right below a collapsed one.
func (c *cursor) nextRow() cursor {
	if c.row != nil {
		return cursor{y: c.row.GridPos.Y + 1}
	}
	return cursor{y: c.y + c.height}
}

func (c *cursor) place(p *Panel) {
	if c.x+p.GridPos.W > columns {
		c.x, c.y, c.height = 0, c.y+c.height, 0
	}
	p.GridPos.X, p.GridPos.Y = c.x, c.y
	c.x, c.height = c.x+p.GridPos.W, max(c.height, p.GridPos.H)
}
