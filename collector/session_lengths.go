// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// sessionBuckets are the upper bounds of the classic buckets, in seconds.
func sessionBuckets() []float64 {
	return []float64{minute, 5 * minute, 15 * minute, hour, 4 * hour, 8 * hour, day, 3 * day, 7 * day, 30 * day}
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// Native buckets. Schema 3 tells lengths to a tenth. Where there would be too many, each two become one.
const (
	nativeSchema     = 3
	maxNativeBuckets = 100
	zeroThreshold    = 1.0 / 1024         // seconds; what is below is as good as nothing
	mostNativeIndex  = 40 << nativeSchema // 2^40 s are longer than any duration, and 2^-40 s shorter than the threshold
)

// sessionLengths is a histogram of how long sessions lasted, classic and native. It is our own since it has to survive the
// process, and the official library's cannot be restored; it never goes back to zero either. The zero value has no sessions.
type sessionLengths struct {
	saved   savedLengths
	written *dto.Histogram // nil after a change
	copied  *savedLengths  // likewise
}

// savedLengths is what a histogram holds.
type savedLengths struct {
	Count   uint64           `json:"count"`
	Sum     float64          `json:"sum"`     // seconds
	Classic []uint64         `json:"classic"` // of each bucket alone; without the last, which has no upper bound
	Schema  int32            `json:"schema"`
	Zero    uint64           `json:"zero"`
	Native  map[int32]uint64 `json:"native"` // by index
}

// observe takes a session that has ended.
func (s *sessionLengths) observe(d time.Duration) {
	h, seconds, bounds := &s.saved, d.Seconds(), sessionBuckets()
	s.written, s.copied = nil, nil
	if h.Classic == nil {
		h.Classic, h.Schema = make([]uint64, len(bounds)), nativeSchema
	}
	if h.Native == nil {
		h.Native = make(map[int32]uint64)
	}
	h.Count++
	h.Sum += seconds
	if i := sort.SearchFloat64s(bounds, seconds); i < len(bounds) {
		h.Classic[i]++
	}
	if seconds <= zeroThreshold {
		h.Zero++
		return
	}
	h.Native[nativeIndex(seconds, h.Schema)]++
	for len(h.Native) > maxNativeBuckets {
		h.halve()
	}
}

// nativeIndex returns the index of a native bucket: the one with the least upper bound 2^(index·2^-schema) that is no less.
func nativeIndex(seconds float64, schema int32) int32 {
	fraction, exponent := math.Frexp(seconds) // exact, unlike a logarithm
	perDoubling := 1 << max(schema, 0)
	i := sort.Search(perDoubling, func(i int) bool { return math.Exp2(float64(i)/float64(perDoubling)-1) >= fraction })
	index := int32(i + (exponent-1)*perDoubling)
	for ; schema < 0; schema++ {
		index = (index + 1) >> 1
	}
	return index
}

// halve halves the resolution of the native buckets.
func (h *savedLengths) halve() {
	wider := make(map[int32]uint64)
	for i, n := range h.Native {
		wider[(i+1)>>1] += n
	}
	h.Native = wider
	h.Schema--
}

// copy returns what the histogram holds, which later sessions do not change; nil if that is nothing. It is the same as long as no
// session has ended.
func (s *sessionLengths) copy() *savedLengths {
	if s.copied == nil && s.saved.Count > 0 {
		s.copied = s.saved.clone()
	}
	return s.copied
}

func (h *savedLengths) clone() *savedLengths {
	c := *h
	c.Classic, c.Native = slices.Clone(h.Classic), maps.Clone(h.Native)
	return &c
}

// possible reports whether a histogram can have come about.
func (h *savedLengths) possible() bool {
	if len(h.Classic) != len(sessionBuckets()) || h.Schema < -4 || h.Schema > nativeSchema || len(h.Native) > maxNativeBuckets ||
		!(h.Sum >= 0) || math.IsInf(h.Sum, 0) {
		return false
	}
	classic, native := uint64(0), h.Zero
	for _, n := range h.Classic {
		classic += n
		if n > h.Count || classic > h.Count {
			return false
		}
	}
	for i, n := range h.Native {
		native += n
		if i < -mostNativeIndex || i > mostNativeIndex || n == 0 || n > h.Count || native > h.Count {
			return false
		}
	}
	return native == h.Count
}

// write returns the histogram as it is now, with the moment since when it counts.
func (s *sessionLengths) write(created time.Time) *dto.Histogram {
	if s.written == nil {
		s.written = s.saved.write()
		s.written.CreatedTimestamp = timestamppb.New(created)
	}
	return s.written
}

// emptyHistograms are histograms without sessions, by the Unix nanosecond since when they count. Most connections of a large gateway share
// one of them.
type emptyHistograms map[int64]*dto.Histogram

// maxEmptyHistograms bounds the memory for moments that no connection has any more.
const maxEmptyHistograms = 1000

// of returns the histogram of sessions, of which there may be none yet.
func (e emptyHistograms) of(s *sessionLengths, created time.Time) *dto.Histogram {
	if s.saved.Count > 0 {
		return s.write(created)
	}
	h, known := e[created.UnixNano()]
	if !known {
		if len(e) >= maxEmptyHistograms {
			clear(e)
		}
		h = new(sessionLengths).write(created)
		e[created.UnixNano()] = h
	}
	return h
}

func (h *savedLengths) write() *dto.Histogram {
	count, sum, schema, zero := h.Count, h.Sum, h.Schema, h.Zero
	if h.Classic == nil {
		schema = nativeSchema
	}
	threshold := zeroThreshold
	out := &dto.Histogram{SampleCount: &count, SampleSum: &sum, Schema: &schema, ZeroThreshold: &threshold, ZeroCount: &zero}
	cumulative, bounds := uint64(0), sessionBuckets()
	for i := range bounds {
		if h.Classic != nil {
			cumulative += h.Classic[i]
		}
		upTo := cumulative
		out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: &bounds[i], CumulativeCount: &upTo})
	}
	h.writeNative(out)
	return out
}

// writeNative adds the native buckets: spans of those that follow each other, each bucket as the difference to the one before.
func (h *savedLengths) writeNative(out *dto.Histogram) {
	var next int32
	var before int64
	for _, i := range slices.Sorted(maps.Keys(h.Native)) {
		if len(out.PositiveSpan) == 0 || i != next {
			offset, length := i-next, uint32(0)
			out.PositiveSpan = append(out.PositiveSpan, &dto.BucketSpan{Offset: &offset, Length: &length})
		}
		*out.PositiveSpan[len(out.PositiveSpan)-1].Length++
		n := int64(h.Native[i])
		out.PositiveDelta = append(out.PositiveDelta, n-before)
		before, next = n, i+1
	}
}
