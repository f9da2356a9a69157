// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/live"
)

// A builder collects HTML.
type builder struct{ bytes.Buffer }

func (b *builder) printf(format string, args ...any) { fmt.Fprintf(b, format, args...) }

// format writes a value with its unit, as short as Grafana does.
func format(v float64, unit string, now time.Time) string {
	switch unit {
	case "percentunit":
		return trim(v*100) + "%"
	case "dateTimeFromNow":
		return fromNow(time.UnixMilli(int64(v)).Sub(now))
	case "s":
		return span(time.Duration(v * float64(time.Second)))
	case "bytes":
		return scaled(v, 1024, "B", "KiB", "MiB", "GiB", "TiB")
	case "bps":
		return scaled(v, 1000, "b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s")
	case "pps":
		return scaled(v, 1000, "p/s", "kp/s", "Mp/s")
	case "reqps", "eps", "ops":
		return scaled(v, 1000, "/s", "k/s", "M/s")
	}
	return strings.TrimSpace(scaled(v, 1000, "", "K", "Mil", "Bil"))
}

func scaled(v, base float64, units ...string) string {
	i := 0
	for math.Abs(v) >= base && i < len(units)-1 {
		v /= base
		i++
	}
	return trim(v) + " " + units[i]
}

// trim writes three digits.
func trim(v float64) string {
	digits := 2
	switch abs := math.Abs(v); {
	case v == 0:
		return "0" // not -0
	case v == math.Trunc(v) || abs >= 100:
		digits = 0
	case abs >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// span writes a duration in its largest unit.
func span(d time.Duration) string {
	for _, u := range [...]struct {
		name string
		unit time.Duration
	}{{"year", 365 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d.Abs() < u.unit {
			continue
		}
		n := float64(d) / float64(u.unit)
		if n >= 10 {
			n = math.Round(n)
		}
		text := strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + " " + u.name
		if text == "1 "+u.name {
			return text
		}
		return text + "s"
	}
	return trim(d.Seconds()) + " s"
}

func fromNow(d time.Duration) string {
	if d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

// word returns what a value is mapped to.
func word(mappings []grafana.Mapping, v float64) (grafana.Word, bool) {
	for _, m := range mappings {
		if w, ok := m.Options[strconv.FormatFloat(v, 'f', -1, 64)]; ok {
			return w, true
		}
	}
	return grafana.Word{}, false
}

// stepColor returns the colour of the step that a value has reached.
func stepColor(steps []grafana.Step, v float64) string {
	color := "text"
	for _, s := range steps {
		if s.Value == nil || v >= *s.Value {
			color = s.Color
		}
	}
	return hex(color)
}

// hex returns what Grafana means by a colour's name.
func hex(name string) string {
	switch name {
	case "green":
		return "#299c46"
	case "red":
		return "#d44a3a"
	case "orange":
		return "#eb7b18"
	case "blue":
		return "#5794f2"
	}
	return "#24292e"
}

// seriesColor is the n-th of a palette.
func seriesColor(n int) string {
	palette := [...]string{
		"#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300", "#447ebc", "#c15c17",
	}
	return palette[n%len(palette)]
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// name returns what a series is called.
func name(t grafana.Target, s live.Series) string {
	if t.LegendFormat == "" {
		return t.RefID
	}
	text := legendLabel.ReplaceAllStringFunc(t.LegendFormat, func(label string) string {
		return s.Labels[legendLabel.FindStringSubmatch(label)[1]]
	})
	return strings.TrimSpace(text)
}
