// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sessionLengths is a histogram of how long sessions lasted, in classic buckets
// from a minute to a month and in native ones.
type sessionLengths struct {
	histogram prometheus.Histogram
	written   *dto.Histogram // nil after a change
}

// nativeGrowth is by how much a native bucket exceeds the one before: lengths are told to a tenth.
const nativeGrowth = 1.1

// maxNativeBuckets bounds the memory per connection; beyond it the resolution is halved.
const maxNativeBuckets = 100

func newSessionLengths() *sessionLengths {
	const minute, hour, day = 60, 3600, 86400
	return &sessionLengths{histogram: prometheus.NewHistogram(prometheus.HistogramOpts{
		Buckets:                         []float64{minute, 5 * minute, 15 * minute, hour, 4 * hour, 8 * hour, day, 3 * day, 7 * day, 30 * day},
		NativeHistogramBucketFactor:     nativeGrowth,
		NativeHistogramMaxBucketNumber:  maxNativeBuckets,
		NativeHistogramMinResetDuration: time.Hour,
	})}
}

func (s *sessionLengths) observe(d time.Duration) {
	s.histogram.Observe(d.Seconds())
	s.written = nil
}

// write returns the histogram as it is now.
func (s *sessionLengths) write() *dto.Histogram {
	if s.written == nil {
		var m dto.Metric
		_ = s.histogram.Write(&m) // it fails only on labels and exemplars, of which there are none
		s.written = m.GetHistogram()
	}
	return s.written
}
