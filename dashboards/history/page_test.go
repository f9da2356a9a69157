// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

// A page writes samples as OpenMetrics, with all moments shifted from one clock to another: those of the
// samples, and the values that are moments.
type page struct {
	w     io.Writer
	shift time.Duration
	err   error
	line  []byte
}

func (p *page) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// add writes what a gateway said at a moment, and that it could be asked.
func (p *page) add(instance string, at time.Time, families []*dto.MetricFamily) {
	at = at.Add(p.shift)
	p.sample("up", instance, nil, "", 1, at)
	for _, f := range families {
		for _, m := range f.Metric {
			switch {
			case m.Gauge != nil:
				p.sample(f.GetName(), instance, m.Label, "", p.value(f.GetName(), m.Gauge.GetValue()), at)
			case m.Counter != nil:
				p.sample(f.GetName(), instance, m.Label, "", m.Counter.GetValue(), at)
			case m.Histogram != nil:
				p.histogram(f.GetName(), instance, m, at)
			}
		}
	}
}

func (p *page) histogram(name, instance string, m *dto.Metric, at time.Time) {
	h := m.Histogram
	for _, b := range h.Bucket {
		p.sample(name+"_bucket", instance, m.Label, strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64), float64(b.GetCumulativeCount()), at)
	}
	p.sample(name+"_bucket", instance, m.Label, "+Inf", float64(h.GetSampleCount()), at)
	p.sample(name+"_sum", instance, m.Label, "", h.GetSampleSum(), at)
	p.sample(name+"_count", instance, m.Label, "", float64(h.GetSampleCount()), at)
}

// value shifts values that are moments.
func (p *page) value(name string, v float64) float64 {
	if strings.HasSuffix(name, "_timestamp_seconds") || strings.HasSuffix(name, "_start_time_seconds") {
		return v + p.shift.Truncate(time.Second).Seconds()
	}
	return v
}

func (p *page) sample(name, instance string, labels []*dto.LabelPair, le string, v float64, at time.Time) {
	b := p.line[:0]
	b = append(append(b, name...), `{job="strongswan",instance="`...)
	b = append(append(b, instance...), '"')
	for _, l := range labels {
		b = append(append(b, ','), l.GetName()...)
		b = append(append(append(b, '=', '"'), escape(l.GetValue())...), '"')
	}
	if le != "" {
		b = append(append(append(b, `,le="`...), le...), '"')
	}
	b = append(strconv.AppendFloat(append(b, "} "...), v, 'g', -1, 64), ' ')
	b = append(strconv.AppendFloat(b, float64(at.UnixMilli())/1000, 'f', 3, 64), '\n')
	p.line = b
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

func escape(value string) string {
	return strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\"", "\\\"").Replace(value)
}

func TestPageShiftsMomentsAndEscapes(t *testing.T) {
	var b strings.Builder
	p := page{w: &b, shift: 100 * time.Second}
	name, value, moment, plain := "peer", "a\"\\\n", 5.0, 7.0
	label := []*dto.LabelPair{{Name: &name, Value: &value}}
	since, number := "x_timestamp_seconds", "x"
	p.add("gw", time.Unix(1, 0), []*dto.MetricFamily{
		{Name: &since, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &moment}}}},
		{Name: &number, Metric: []*dto.Metric{{Label: label, Counter: &dto.Counter{Value: &plain}}}},
	})
	require.NoError(t, p.err)
	require.Equal(t, `up{job="strongswan",instance="gw"} 1 101.000
x_timestamp_seconds{job="strongswan",instance="gw"} 105 101.000
x{job="strongswan",instance="gw",peer="a\"\\\n"} 7 101.000
`, b.String())
}
