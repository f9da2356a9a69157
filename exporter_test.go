// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// An exporter is all of the program except for the process and its listener.
type exporter struct {
	t       *testing.T
	handler http.Handler
	logs    *syncBuffer
	stop    func()
}

// syncBuffer takes log lines of several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newExporter runs the exporter until the test ends. Dial, if not nil, replaces the way to the daemon.
func newExporter(t *testing.T, dial dialFunc, flags ...string) *exporter {
	t.Helper()
	e := &exporter{t: t, logs: new(syncBuffer)}
	config, err := parseFlags(flags, io.Discard)
	require.NoError(t, err)
	require.NoError(t, config.validate())
	log := promslog.New(&promslog.Config{Writer: e.logs, Level: config.log.Level})
	cc := config.collector(log)
	cc.Dialer.DialContext = dial
	c, err := collector.New(cc)
	require.NoError(t, err)
	e.handler, err = newHandler(c, config, log)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = c.Run(ctx)
	}()
	e.stop = sync.OnceFunc(func() {
		cancel()
		<-ran
		require.NoError(t, c.Close())
	})
	t.Cleanup(e.stop)
	return e
}

// get asks for a path as a scraper that waits for some seconds.
func (e *exporter) get(path string, timeout float64) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequestWithContext(e.t.Context(), http.MethodGet, path, http.NoBody)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(timeout))
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	return w
}

// scrape returns the page, which must be a valid one.
func (e *exporter) scrape() samples { return e.scrapeWithin(10) }

func (e *exporter) scrapeWithin(timeout float64) samples {
	e.t.Helper()
	w := e.get("/metrics", timeout)
	require.Equal(e.t, http.StatusOK, w.Code, w.Body.String())
	return parsePage(e.t, w.Body.String())
}

// samples are values by series in the form name{label="value",…}, labels sorted by name.
type samples map[string]float64

func parsePage(t *testing.T, page string) samples {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	require.NoError(t, err)
	all := make(samples)
	for name, f := range families {
		if !strings.HasPrefix(name, "strongswan_") {
			continue
		}
		for _, m := range f.GetMetric() {
			key := name + labelText(m.GetLabel())
			_, twice := all[key]
			require.False(t, twice, "%s occurs twice", key)
			all[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func labelText(pairs []*dto.LabelPair) string {
	if len(pairs) == 0 {
		return ""
	}
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = fmt.Sprintf("%s=%q", p.GetName(), p.GetValue())
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// named returns the samples of one metric.
func (s samples) named(name string) samples {
	some := make(samples)
	for key, v := range s {
		if key == name || strings.HasPrefix(key, name+"{") {
			some[key] = v
		}
	}
	return some
}

func (s samples) sum(name string) (sum float64) {
	for _, v := range s.named(name) {
		sum += v
	}
	return sum
}

// success returns whether a collector succeeded.
func (s samples) success(t *testing.T, collector string) bool {
	t.Helper()
	v, ok := s[`strongswan_scrape_collector_success{collector="`+collector+`"}`]
	require.True(t, ok, "no success of %s", collector)
	return v == 1
}

// newGateway returns a daemon without a socket that has one tunnel up.
func newGateway(t *testing.T, config vicitest.Config) *vicitest.Daemon {
	t.Helper()
	d := vicitest.NewUnstartedDaemon(config)
	t.Cleanup(d.Close)
	populate(t, d)
	return d
}

func populate(t *testing.T, d *vicitest.Daemon) {
	t.Helper()
	d.Load(vicitest.Connection{
		Name: "gw", Version: 2, RemoteAddrs: []string{"192.0.2.2"},
		Children: []vicitest.Child{{Name: "net", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"}}},
	})
	require.NoError(t, d.LoadPool("pool", "10.3.0.0/28"))
	_, err := d.Establish("gw", vicitest.Peer{ID: "sun.example.org"})
	require.NoError(t, err)
}

const (
	connectionUp = `strongswan_connection_up{connection="gw"}`
	childUp      = `strongswan_child_up{child="net",connection="gw"}`
	poolSize     = `strongswan_pool_addresses{pool="pool"}`
)
