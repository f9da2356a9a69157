// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"cmp"
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// A curve is a series of a picture.
type curve struct {
	name   string
	color  string
	points []live.Point
	base   []float64 // below each point, where series are stacked
}

// A plot maps moments and values to pixels.
type plot struct {
	left, top, right, bottom float64
	from, to                 time.Time
	low, high                float64
}

func (p *plot) x(t time.Time) float64 {
	return p.left + (p.right-p.left)*float64(t.Sub(p.from))/float64(p.to.Sub(p.from))
}

func (p *plot) y(v float64) float64 { return p.bottom - (p.bottom-p.top)*(v-p.low)/(p.high-p.low) }

// legendHeight is below a picture.
const legendHeight = 18

func (d *drawing) newPlot() plot {
	return plot{left: 62, top: 6, right: float64(d.width) - 12, bottom: float64(d.height) - 22 - legendHeight, from: d.from, to: d.to}
}

func (d *drawing) timeSeries() {
	custom := d.panel.FieldConfig.Defaults.Custom
	stacked := custom["stacking"].(map[string]any)["mode"] == "normal"
	curves := d.curves()
	if stacked {
		stack(curves)
	}
	p := d.newPlot()
	p.low, p.high = bounds(curves)
	if low, high := d.panel.FieldConfig.Defaults.Min, d.panel.FieldConfig.Defaults.Max; low != nil && high != nil {
		p.low, p.high = *low, *high
	}
	d.printf("<svg width=%d height=%d>", d.width, d.height-legendHeight)
	d.axes(&p)
	for i := range curves {
		c := &curves[len(curves)-1-i]
		if custom["drawStyle"] == "bars" {
			d.columns(&p, c)
		} else {
			d.line(&p, c, custom["fillOpacity"].(int))
		}
	}
	d.printf("</svg>")
	d.legend(curves)
}

// curves returns all series of a panel, those below zero that are to be drawn there.
func (d *drawing) curves() []curve {
	below := regexp.MustCompile("^$")
	for _, o := range d.panel.FieldConfig.Overrides {
		if o.Matcher.ID == "byRegexp" {
			below = regexp.MustCompile(strings.Trim(o.Matcher.Options, "/"))
		}
	}
	var all []curve
	for i, answer := range d.answers {
		for _, s := range sortedByName(d.panel.Targets[i], answer) {
			c := curve{name: name(d.panel.Targets[i], s), color: seriesColor(len(all)), points: slices.Clone(s.Points)}
			for j := range c.points {
				if math.IsNaN(c.points[j].Value) {
					c.points[j].Value = 0
				}
				if below.MatchString(c.name) {
					c.points[j].Value = -c.points[j].Value
				}
			}
			c.base = make([]float64, len(c.points))
			all = append(all, c)
		}
	}
	return all
}

// stack puts each curve on those before it.
func stack(curves []curve) {
	sums := map[int64]float64{}
	for i := range curves {
		for j, p := range curves[i].points {
			at := p.Time.Unix()
			curves[i].base[j] = sums[at]
			sums[at] += p.Value
			curves[i].points[j].Value = sums[at]
		}
	}
}

func bounds(curves []curve) (low, high float64) {
	for _, c := range curves {
		for _, p := range c.points {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	if low == high {
		high = low + 1
	}
	return low * 1.05, high * 1.05
}

// axes draws the grid with values and times.
func (d *drawing) axes(p *plot) {
	step := tick((p.high - p.low) / 4)
	for v := math.Ceil(p.low/step) * step; v <= p.high; v += step {
		d.printf("<line x1=%.1f x2=%.1f y1=%.1f y2=%.1f stroke=\"#eceef0\"/><text x=%.1f y=%.1f text-anchor=end>%s</text>",
			p.left, p.right, p.y(v), p.y(v), p.left-6, p.y(v)+3, format(math.Round(v*1e6)/1e6, d.panel.FieldConfig.Defaults.Unit, d.to))
	}
	d.times(p)
}

// times draws the hours below a picture.
func (d *drawing) times(p *plot) {
	step := p.to.Sub(p.from) / 6
	for at := p.from.Truncate(step).Add(step); at.Before(p.to); at = at.Add(step) {
		d.printf("<text x=%.1f y=%.1f text-anchor=middle>%s</text>", p.x(at), p.bottom+14, at.UTC().Format("15:04"))
	}
}

// tick rounds a distance to 1, 2 or 5 times a power of ten.
func tick(distance float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(distance)))
	for _, factor := range [...]float64{1, 2, 5} {
		if factor*power >= distance {
			return factor * power
		}
	}
	return 10 * power
}

// line draws a curve, with gaps where there are no points.
func (d *drawing) line(p *plot, c *curve, opacity int) {
	usual := time.Duration(math.MaxInt64)
	for i := 1; i < len(c.points); i++ {
		usual = min(usual, c.points[i].Time.Sub(c.points[i-1].Time))
	}
	for begin := 0; begin < len(c.points); {
		end := begin + 1
		for end < len(c.points) && c.points[end].Time.Sub(c.points[end-1].Time) <= usual*3/2 {
			end++
		}
		d.stretch(p, c, begin, end, opacity)
		begin = end
	}
}

func (d *drawing) stretch(p *plot, c *curve, begin, end, opacity int) {
	var above, below strings.Builder
	for i := begin; i < end; i++ {
		pixel(&above, p.x(c.points[i].Time), p.y(c.points[i].Value))
	}
	for i := end - 1; i >= begin; i-- {
		pixel(&below, p.x(c.points[i].Time), p.y(c.base[i]))
	}
	d.printf("<polygon points=\"%s%s\" fill=%q fill-opacity=%.2f />", above.String(), below.String(), c.color, float64(opacity)/100)
	d.printf("<polyline points=%q fill=none stroke=%q stroke-width=1.2 />", above.String(), c.color)
}

func pixel(b *strings.Builder, x, y float64) {
	b.WriteString(strconv.FormatFloat(x, 'f', 1, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64) + " ")
}

func (d *drawing) columns(p *plot, c *curve) {
	width := max(1, (p.right-p.left)/float64(max(len(c.points), 100))-1)
	for i, point := range c.points {
		top, bottom := p.y(point.Value), p.y(c.base[i])
		if bottom > top {
			d.printf("<rect x=%.1f y=%.1f width=%.1f height=%.1f fill=%q />", p.x(point.Time)-width/2, top, width, bottom-top, c.color)
		}
	}
}

func (d *drawing) legend(curves []curve) {
	d.printf("<div class=l>")
	for _, c := range curves {
		d.printf("<span><i style=\"background:%s\"></i>%s</span>", c.color, html.EscapeString(c.name))
	}
	d.printf("</div>")
}

// stateTimeline draws a line for each series, coloured by its words.
func (d *drawing) stateTimeline() {
	series := sortedByName(d.panel.Targets[0], d.answers[0])
	p := d.newPlot()
	p.left = min(260, float64(d.width)/3)
	rows := min(len(series), max(1, int((p.bottom-p.top)/12)))
	height := min(26, (p.bottom-p.top)/float64(rows))
	d.printf("<svg width=%d height=%d>", d.width, d.height-legendHeight)
	for i, s := range series[:rows] {
		y := p.top + float64(i)*height
		d.printf("<text x=%.1f y=%.1f text-anchor=end>%s</text>", p.left-6, y+height/2+3, html.EscapeString(name(d.panel.Targets[0], s)))
		for j := 0; j < len(s.Points); {
			point, until := s.Points[j], min(p.right, p.x(d.to))
			for j++; j < len(s.Points); j++ {
				if s.Points[j].Value != point.Value {
					until = p.x(s.Points[j].Time)
					break
				}
			}
			w, _ := word(d.panel.FieldConfig.Defaults.Mappings, point.Value)
			d.printf("<rect x=%.1f y=%.1f width=%.1f height=%.1f fill=%q />",
				p.x(point.Time), y+1, max(0, until-p.x(point.Time))+0.2, height*0.9-1, hex(w.Color))
		}
	}
	d.times(&p)
	d.printf("</svg>")
	d.words()
}

// words explains the colours of states.
func (d *drawing) words() {
	var words []curve
	for _, m := range d.panel.FieldConfig.Defaults.Mappings {
		for _, w := range m.Options {
			words = append(words, curve{name: w.Text, color: hex(w.Color)})
		}
	}
	slices.SortFunc(words, func(a, b curve) int { return cmp.Compare(a.name, b.name) })
	d.legend(words)
}

// heatmap draws how many observations fell into each bucket.
func (d *drawing) heatmap() {
	buckets := slices.Clone(d.answers[0])
	bound := func(s live.Series) float64 {
		v, err := strconv.ParseFloat(s.Labels["le"], 64)
		if err != nil {
			return math.Inf(1)
		}
		return v
	}
	slices.SortFunc(buckets, func(a, b live.Series) int { return cmp.Compare(bound(a), bound(b)) })
	p := d.newPlot()
	p.left = 90
	height := (p.bottom - p.top) / float64(len(buckets))
	below, most := map[int64]float64{}, 0.0
	cells := make([][]float64, len(buckets))
	for i, s := range buckets {
		for _, point := range s.Points {
			if math.IsNaN(point.Value) {
				point.Value = 0
			}
			n := point.Value - below[point.Time.Unix()]
			below[point.Time.Unix()] = point.Value
			cells[i], most = append(cells[i], n), max(most, n)
		}
	}
	d.printf("<svg width=%d height=%d>", d.width, d.height-legendHeight)
	for i, s := range buckets {
		y := p.bottom - float64(i+1)*height
		label := "more"
		if !math.IsInf(bound(s), 1) {
			label = "≤ " + format(bound(s), "s", d.to)
		}
		d.printf("<text x=%.1f y=%.1f text-anchor=end>%s</text>", p.left-6, y+height/2+3, label)
		for j, n := range cells[i] {
			if n > 1e-9 {
				d.printf("<rect x=%.1f y=%.1f width=%.1f height=%.1f fill=\"#1f60c4\" fill-opacity=%.2f />", p.x(s.Points[j].Time), y,
					(p.right-p.left)/float64(len(cells[i]))+0.5, height-1, 0.15+0.85*math.Sqrt(n/most))
			}
		}
	}
	d.times(&p)
	d.printf("</svg>")
}
