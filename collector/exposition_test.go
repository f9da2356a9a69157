// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package collector

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

// What is exposed here: families of gauges with six labels, of which most have the same value in many series, as ours have.
const (
	expositionFamilies = 20
	expositionSeries   = 10_000 // of each family
)

var expositionLabels = [...]string{"child", "connection", "encryption", "integrity", "mode", "protocol"}

// expositionValues are the labels' values of a series.
func expositionValues(i int) []string {
	return []string{"net", "branch-" + strconv.Itoa(1_000_000+i), "AES_GCM_16_256", "HMAC_SHA2_256_128", "TUNNEL", "ESP"}
}

func expositionName(family int) string { return namespace + "exposition_" + string(rune('a'+family)) }

// A way is a way to hand so many families of so many series to promhttp. It returns what makes them anew for each scrape.
type way struct {
	name string
	make func(families, series int) prometheus.TransactionalGatherer
}

// The ways that were compared.
var ways = [...]way{
	{"registry, constant metrics", func(families, series int) prometheus.TransactionalGatherer {
		return registered(families, series, constantMetrics)
	}},
	{"registry, metrics that share label pairs", func(families, series int) prometheus.TransactionalGatherer {
		return registered(families, series, sharingMetrics(series))
	}},
	{"families, each sample by itself", plainFamilies},
	{"families in slabs that share label pairs", newPages},
	{"the same in memory that is used again", pages},
	{"families that are kept, values set in place", keptFamilies},
}

// A collect sends the samples of one family.
type collect func(desc *prometheus.Desc, series int, out chan<- prometheus.Metric)

// registered exposes through a registry.
func registered(families, series int, c collect) prometheus.TransactionalGatherer {
	registry := prometheus.NewRegistry()
	for f := range families {
		desc := prometheus.NewDesc(expositionName(f), "Exposed.", expositionLabels[:], nil)
		registry.MustRegister(familyCollector{desc, func(out chan<- prometheus.Metric) { c(desc, series, out) }})
	}
	return prometheus.ToTransactionalGatherer(registry)
}

type familyCollector struct {
	desc    *prometheus.Desc
	collect func(chan<- prometheus.Metric)
}

func (c familyCollector) Describe(out chan<- *prometheus.Desc) { out <- c.desc }
func (c familyCollector) Collect(out chan<- prometheus.Metric) { c.collect(out) }

// constantMetrics is what most exporters do.
func constantMetrics(desc *prometheus.Desc, series int, out chan<- prometheus.Metric) {
	for i := range series {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(i), expositionValues(i)...)
	}
}

// sharingMetrics keeps label pairs from scrape to scrape and makes metrics of a type of its own.
func sharingMetrics(series int) collect {
	labels := sharedLabels(series)
	return func(desc *prometheus.Desc, series int, out chan<- prometheus.Metric) {
		for i := range series {
			out <- &sharingMetric{desc, labels[i], float64(i)}
		}
	}
}

type sharingMetric struct {
	desc   *prometheus.Desc
	labels Labels
	value  float64
}

func (m *sharingMetric) Desc() *prometheus.Desc { return m.desc }

func (m *sharingMetric) Write(out *dto.Metric) error {
	out.Label, out.Gauge = m.labels, &dto.Gauge{Value: &m.value}
	return nil
}

// sharedLabels returns the labels of series, which are the same in all families.
func sharedLabels(series int) []Labels {
	cache, all := make(pairCache), make([]Labels, series)
	for i := range all {
		for n, value := range expositionValues(i) {
			all[i] = append(all[i], cache.pair(expositionLabels[n], value))
		}
	}
	return all
}

// plainFamilies makes families of the library's types around the registry, as the library's documentation would have it.
func plainFamilies(families, series int) prometheus.TransactionalGatherer {
	return gatherer(func() []*dto.MetricFamily {
		var all []*dto.MetricFamily
		for f := range families {
			family := &dto.MetricFamily{
				Name: new(expositionName(f)), Help: new("Exposed."), Type: dto.MetricType_GAUGE.Enum(),
			}
			for i := range series {
				m := &dto.Metric{Gauge: &dto.Gauge{Value: new(float64(i))}}
				for n, value := range expositionValues(i) {
					m.Label = append(m.Label, &dto.LabelPair{Name: new(expositionLabels[n]), Value: new(value)})
				}
				family.Metric = append(family.Metric, m)
			}
			all = append(all, family)
		}
		return all
	})
}

// newPages makes a Page for each scrape, of labels that are kept, as sources do.
func newPages(families, series int) prometheus.TransactionalGatherer {
	return paged(families, series, NewPage)
}

// pages does so in the memory of the page before, as rounds do.
func pages(families, series int) prometheus.TransactionalGatherer {
	p := NewPage()
	return paged(families, series, func() *Page {
		p.reset()
		return p
	})
}

func paged(families, series int, next func() *Page) prometheus.TransactionalGatherer {
	labels := sharedLabels(series)
	metrics := make([]*Metric, families)
	for f := range metrics {
		metrics[f] = gauge(expositionName(f)[len(namespace):], "Exposed.", expositionLabels[:]...)
	}
	return gatherer(func() []*dto.MetricFamily {
		p := next()
		for _, m := range metrics {
			for i := range series {
				p.Gauge(m, float64(i), labels[i])
			}
		}
		return p.Families()
	})
}

// keptFamilies makes the families once and sets values in them. It is the least that can be done before encoding, since it leaves
// out everything that series which come and go need, and one scrape at a time is all that it can serve.
func keptFamilies(families, series int) prometheus.TransactionalGatherer {
	all, _, _ := pages(families, series).Gather()
	return gatherer(func() []*dto.MetricFamily {
		for _, f := range all {
			for i, m := range f.Metric {
				*m.Gauge.Value = float64(i)
			}
		}
		return all
	})
}

type gatherer func() []*dto.MetricFamily

func (g gatherer) Gather() ([]*dto.MetricFamily, func(), error) { return g(), func() {}, nil }

// A compression is a way to compress pages: what the client asks for, and what does it.
type compression struct {
	name     string
	encoding string
	promhttp bool
	wrap     func(http.Handler) http.HandlerFunc
}

// compressions returns what can be had.
func compressions(tb testing.TB) []compression {
	tb.Helper()
	none := func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }
	fastest, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(true))
	require.NoError(tb, err)
	return []compression{
		{"none", "identity", false, none},
		{"gzip of promhttp", "gzip", true, none},
		{"gzip at the fastest level", "gzip", false, fastest},
		{"zstd", "zstd", false, fastest},
	}
}

func (c *compression) expose(ctx context.Context, g prometheus.TransactionalGatherer, w http.ResponseWriter) {
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	request.Header.Set("Accept-Encoding", c.encoding)
	c.wrap(promhttp.HandlerForTransactional(g, promhttp.HandlerOpts{
		EnableOpenMetrics: true, DisableCompression: !c.promhttp,
	})).ServeHTTP(w, request)
}

// All ways expose the same.
func TestWaysOfExpositionAreEqual(t *testing.T) {
	var first string
	for _, w := range ways {
		response := httptest.NewRecorder()
		compressions(t)[0].expose(t.Context(), w.make(3, 50), response)
		require.Equal(t, http.StatusOK, response.Code)
		if first == "" {
			first = response.Body.String()
			require.Contains(t, first, `integrity="HMAC_SHA2_256_128"`)
		}
		require.Equal(t, first, response.Body.String(), w.name)
	}
}

// BenchmarkExposition compares the ways to expose 200,000 series, by the CPU time for each, that of the garbage collector included.
func BenchmarkExposition(b *testing.B) {
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			g := w.make(expositionFamilies, expositionSeries)
			compressions(b)[0].measure(b, g)
		})
	}
}

// BenchmarkCompression compares what compresses such a page, by the CPU time that it adds to BenchmarkExposition's.
func BenchmarkCompression(b *testing.B) {
	families, _, _ := pages(expositionFamilies, expositionSeries).Gather()
	for _, c := range compressions(b) {
		b.Run(c.name, func(b *testing.B) {
			c.measure(b, gatherer(func() []*dto.MetricFamily { return families }))
		})
	}
}

// measure exposes 200,000 series again and again.
func (c *compression) measure(b *testing.B, g prometheus.TransactionalGatherer) {
	b.Helper()
	const series = expositionFamilies * expositionSeries
	out := &discard{header: make(http.Header)}
	c.expose(b.Context(), g, &discard{header: make(http.Header)}) // so that what is kept from scrape to scrape is there
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		clear(out.header)
		c.expose(b.Context(), g, out)
	}
	spent := cpuTime(b) - before
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/series, "cpu-ns/series")
	b.ReportMetric(float64(out.size)/float64(b.N)/series, "page-B/series")
}

// cpuTime returns the CPU time of this process.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	size   int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}

func (d *discard) Write(b []byte) (int, error) {
	d.size += len(b)
	return len(b), nil
}

// BenchmarkScrape is a whole scrape as Prometheus asks for it, with the default collectors: all but sockets and the daemon. It is what
// to look at with -cpuprofile.
func BenchmarkScrape(b *testing.B) {
	for _, size := range []load{{1_000, 1_000}, {20_000, 50}} {
		b.Run(fmt.Sprintf("%d SAs in %d connections", size.sas, size.connections), func(b *testing.B) {
			gather := replayed(b, size, asConfigured)
			compressed := compressions(b)[2]
			b.ReportAllocs()
			for b.Loop() {
				compressed.expose(b.Context(), gatherer(gather), &discard{header: make(http.Header)})
			}
		})
	}
}
