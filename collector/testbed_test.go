// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A testbed is a collector that talks to a fake daemon over memory. It belongs into a bubble of testing/synctest.
type testbed struct {
	*Collector

	t   *testing.T
	log *bytes.Buffer // written by rounds only, so it may be read between them
}

// A fakeDaemon is a vicitest.Server or vicitest.Daemon.
type fakeDaemon interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

func newTestbed(t *testing.T, daemon fakeDaemon, changes ...func(*Config)) *testbed {
	t.Helper()
	b := &testbed{t: t, log: new(bytes.Buffer)}
	config := Config{
		Dialer: &vici.Dialer{DialContext: daemon.Dial},
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutTime})),
	}
	for _, change := range changes {
		change(&config)
	}
	c, err := New(config)
	require.NoError(t, err)
	b.Collector = c
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return b
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// only enables just these sources.
func only(names ...string) func(*Config) {
	return func(c *Config) {
		c.Collectors = make(map[string]bool)
		for _, info := range Infos() {
			c.Collectors[info.Name] = slices.Contains(names, info.Name)
		}
	}
}

// everything enables all sources, those included that are off by default.
func everything(c *Config) {
	c.Collectors = make(map[string]bool)
	for _, info := range Infos() {
		c.Collectors[info.Name] = true
	}
}

// gather runs a round of the named sources, or of all.
func (b *testbed) gather(names ...string) []*dto.MetricFamily {
	b.t.Helper()
	return b.gatherWithin(time.Minute, names...)
}

// gatherWithin does so for a scraper that waits no longer than that.
func (b *testbed) gatherWithin(d time.Duration, names ...string) []*dto.MetricFamily {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	families, _, err := b.Gather(ctx, names...)
	require.NoError(b.t, err)
	return families
}

// scrape returns the samples of a round.
func (b *testbed) scrape(names ...string) samples {
	b.t.Helper()
	return newSamples(b.t, b.gather(names...))
}

// logged returns what was logged since it was last called, line by line.
func (b *testbed) logged() []string {
	text := strings.TrimSpace(b.log.String())
	b.log.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// text is the page as the official library writes it.
func text(t testing.TB, families []*dto.MetricFamily) string {
	t.Helper()
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		require.NoError(t, encoder.Encode(f))
	}
	return b.String()
}

// samples are the values of a page by name and labels as they stand there: `strongswan_ike_sas{connection="gw"}`.
type samples map[string]string

func newSamples(t testing.TB, families []*dto.MetricFamily) samples {
	t.Helper()
	s := make(samples)
	for line := range strings.Lines(text(t, families)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		_, twice := s[line[:space]]
		require.False(t, twice, "a duplicate series: %s", line)
		s[line[:space]] = strings.TrimSpace(line[space+1:])
	}
	return s
}

// of returns the samples whose name, without the namespace, is the given one.
func (s samples) of(name string) samples {
	found := make(samples)
	for series, value := range s {
		if bare, _, _ := strings.Cut(series, "{"); bare == namespace+name {
			found[strings.TrimPrefix(series, namespace+name)] = value
		}
	}
	return found
}

// value returns the only value of a metric; "" means that it is absent.
func (s samples) value(name string) string {
	found := s.of(name)
	if len(found) != 1 {
		return strings.Join(slices.Sorted(maps.Keys(found)), " ")
	}
	return slices.Collect(maps.Values(found))[0]
}

// success returns the collectors that failed.
func (s samples) failed() []string {
	var failed []string
	for labels, value := range s.of("scrape_collector_success") {
		if value == "0" {
			failed = append(failed, strings.TrimSuffix(strings.TrimPrefix(labels, `{collector="`), `"}`))
		}
	}
	slices.Sort(failed)
	return failed
}

// pass lets fake time pass.
func pass(d time.Duration) { <-time.After(d) }

// newDaemon returns a daemon that tells its time in UTC.
func newDaemon(t *testing.T, config vicitest.Config) *vicitest.Daemon {
	t.Helper()
	config.Location = time.UTC
	d := vicitest.NewUnstartedDaemon(config)
	t.Cleanup(d.Close)
	return d
}

// instead makes a command do something else.
func instead(command vicitest.Command) vicitest.Fault {
	return func(vicitest.Command) vicitest.Command { return command }
}

// created returns the created timestamps of a counter by labels, as far as there are any.
func created(families []*dto.MetricFamily, name string) map[string]time.Time {
	found := make(map[string]time.Time)
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == namespace+name && m.Counter.CreatedTimestamp != nil {
				var labels []string
				for _, pair := range m.Label {
					labels = append(labels, pair.GetName()+"="+pair.GetValue())
				}
				found[strings.Join(labels, ",")] = m.Counter.CreatedTimestamp.AsTime()
			}
		}
	}
	return found
}
