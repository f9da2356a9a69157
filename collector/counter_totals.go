// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// counterFamilies are the metrics that the counters of the daemon, or of one connection, go to.
type counterFamilies struct{ messages, ikeRekeys, childRekeys, invalid, invalidSPI *Metric }

// Each set has a counter for each kind of message, and some more.
const (
	kindsOfMessages = 16

	ikeRekeysInitiated = kindsOfMessages + iota - 1
	ikeRekeysAnswered
	childRekeysDone
	invalidMessages
	invalidSPIMessages
	countersInSet
)

// A counterSet holds the counters of the daemon, or of one connection, messages first.
type counterSet [countersInSet]vici.Opt[uint64]

// messageKinds are the labels of the messages in the order of a counterSet, which is that of samples.
var messageKinds = [...]struct{ direction, exchange, kind string }{
	{"in", "CREATE_CHILD_SA", "request"},
	{"in", "CREATE_CHILD_SA", "response"},
	{"in", "IKE_AUTH", "request"},
	{"in", "IKE_AUTH", "response"},
	{"in", "IKE_SA_INIT", "request"},
	{"in", "IKE_SA_INIT", "response"},
	{"in", "INFORMATIONAL", "request"},
	{"in", "INFORMATIONAL", "response"},
	{"out", "CREATE_CHILD_SA", "request"},
	{"out", "CREATE_CHILD_SA", "response"},
	{"out", "IKE_AUTH", "request"},
	{"out", "IKE_AUTH", "response"},
	{"out", "IKE_SA_INIT", "request"},
	{"out", "IKE_SA_INIT", "response"},
	{"out", "INFORMATIONAL", "request"},
	{"out", "INFORMATIONAL", "response"},
}

func newCounterSet(c *vici.Counters) counterSet {
	return counterSet{
		c.CreateChildInReq, c.CreateChildInResp, c.IKEAuthInReq, c.IKEAuthInResp,
		c.IKEInitInReq, c.IKEInitInResp, c.InfoInReq, c.InfoInResp,
		c.CreateChildOutReq, c.CreateChildOutResp, c.IKEAuthOutReq, c.IKEAuthOutResp,
		c.IKEInitOutReq, c.IKEInitOutResp, c.InfoOutReq, c.InfoOutResp,
		ikeRekeysInitiated: c.IKERekeyInit, ikeRekeysAnswered: c.IKERekeyResp, childRekeysDone: c.ChildRekey,
		invalidMessages: c.Invalid, invalidSPIMessages: c.InvalidSPI,
	}
}

// counterSums are the counters of one answer by the label of the connection.
type counterSums map[string]*counterSum

type counterSum struct {
	labels Labels
	values counterSet
}

// add adds the counters of a connection; two connections may have one label.
func (s counterSums) add(key string, labels Labels, c *vici.Counters) {
	sum, twice := s[key]
	if !twice {
		s[key] = &counterSum{labels: labels, values: newCounterSet(c)}
		return
	}
	for i, v := range newCounterSet(c) {
		if n, ok := v.Get(); ok {
			sum.values[i] = vici.Some(sum.values[i].Or(0) + n)
		}
	}
}

// counterTotals keep the counters from round to round, to notice when they are reset: by an
// operator or by a restart of the daemon.
type counterTotals struct {
	families counterFamilies
	series   map[string]*counterState
	pairs    pairCache
	asked    time.Time // when the last answer was asked for; zero before the first
}

type counterState struct {
	labels  [countersInSet]Labels
	values  counterSet
	created time.Time // zero if they count since the daemon's start and that is not known
}

func newCounterTotals(families counterFamilies) *counterTotals {
	return &counterTotals{families: families, series: make(map[string]*counterState), pairs: make(pairCache)}
}

// take takes over an answer that was asked for at a moment, of a daemon that started at another, which is the zero
// Time where it is not known. Counters began to count when the daemon started, unless they were
// seen to be missing or higher since: then not before they were asked for last.
func (t *counterTotals) take(sums counterSums, asked, start time.Time) {
	reset := t.asked
	if start.After(reset) {
		reset = start
	}
	for key, sum := range sums {
		s, known := t.series[key]
		switch {
		case !known:
			s = &counterState{labels: t.labels(sum.labels), created: reset}
			t.series[key] = s
		case s.values.above(&sum.values):
			s.created = reset
		case s.created.IsZero():
			s.created = start
		}
		s.values = sum.values
	}
	maps.DeleteFunc(t.series, func(key string, _ *counterState) bool { return sums[key] == nil })
	t.asked = asked
}

// above reports whether any counter is higher than another set's.
func (s *counterSet) above(other *counterSet) bool {
	for i := range s {
		if s[i].Or(0) > other[i].Or(0) {
			return true
		}
	}
	return false
}

// labels makes the label sets of all counters of one series.
func (t *counterTotals) labels(base Labels) (all [countersInSet]Labels) {
	for i := range messageKinds {
		k := &messageKinds[i]
		all[i] = base.with(
			t.pairs.pair("exchange", k.exchange), t.pairs.pair("direction", k.direction), t.pairs.pair("type", k.kind))
	}
	all[ikeRekeysInitiated] = base.with(t.pairs.pair("role", "initiator"))
	all[ikeRekeysAnswered] = base.with(t.pairs.pair("role", "responder"))
	all[childRekeysDone], all[invalidMessages], all[invalidSPIMessages] = base, base, base
	return all
}

// family returns the metric of a counter.
func (f *counterFamilies) family(i int) *Metric {
	switch i {
	case ikeRekeysInitiated, ikeRekeysAnswered:
		return f.ikeRekeys
	case childRekeysDone:
		return f.childRekeys
	case invalidMessages:
		return f.invalid
	case invalidSPIMessages:
		return f.invalidSPI
	}
	return f.messages
}

func (t *counterTotals) emit(out *Page) {
	for _, key := range slices.Sorted(maps.Keys(t.series)) { // sorting samples would cost more
		s := t.series[key]
		for i, v := range s.values {
			if n, ok := v.Get(); ok {
				out.Counter(t.families.family(i), float64(n), s.created, s.labels[i])
			}
		}
	}
}
