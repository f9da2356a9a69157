// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// counterFamilies are the metrics that the counters of the daemon, or of one connection, go to.
type counterFamilies struct{ messages, ikeRekeys, childRekeys, invalid, invalidSPI *Metric }

// Each set has a counter for each kind of message, and some more.
const (
	kindsOfMessages  = 16
	labelsOfMessages = 3 // besides the connection's
	rolesOfRekeys    = 2

	ikeRekeysInitiated = kindsOfMessages + iota - 3
	ikeRekeysAnswered
	childRekeysDone
	invalidMessages
	invalidSPIMessages
	countersInSet
)

// A counterSet holds the counters of the daemon, or of one connection, messages first. Those that are absent are 0.
type counterSet struct {
	values  [countersInSet]uint64
	present uint32 // a bit for each
}

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

// add adds an answer's counters.
func (s *counterSet) add(c *vici.Counters) {
	for i, v := range [countersInSet]vici.Opt[uint64]{
		c.CreateChildInReq, c.CreateChildInResp, c.IKEAuthInReq, c.IKEAuthInResp,
		c.IKEInitInReq, c.IKEInitInResp, c.InfoInReq, c.InfoInResp,
		c.CreateChildOutReq, c.CreateChildOutResp, c.IKEAuthOutReq, c.IKEAuthOutResp,
		c.IKEInitOutReq, c.IKEInitOutResp, c.InfoOutReq, c.InfoOutResp,
		ikeRekeysInitiated: c.IKERekeyInit, ikeRekeysAnswered: c.IKERekeyResp, childRekeysDone: c.ChildRekey,
		invalidMessages: c.Invalid, invalidSPIMessages: c.InvalidSPI,
	} {
		if n, ok := v.Get(); ok {
			s.values[i] += n
			s.present |= 1 << i
		}
	}
}

// above reports whether any counter is higher than another set's.
func (s *counterSet) above(other *counterSet) bool {
	for i := range s.values {
		if s.values[i] > other.values[i] {
			return true
		}
	}
	return false
}

// counterTotals keep the counters from round to round, to notice when they are reset: by an
// operator or by a restart of the daemon.
type counterTotals struct {
	families counterFamilies
	series   map[string]*counterState // by the label of the connection
	order    sorting[*counterState]
	pairs    pairCache
	round    uint32
	asked    time.Time // when the last answer was asked for; zero before the first
}

// A counterState is the series of one connection label, or of the daemon.
type counterState struct {
	base    Labels
	pairs   Labels // of all counters that have more labels than the base, in one piece
	values  counterSet
	next    counterSet // what this round's answer has so far
	round   uint32     // in which there was an answer
	taken   bool       // there was a whole answer
	created time.Time  // zero if they count since the daemon's start and that is not known
}

func newCounterTotals(families counterFamilies) *counterTotals {
	return &counterTotals{families: families, series: make(map[string]*counterState), pairs: make(pairCache)}
}

// begin begins to take an answer. One that is not ended changes nothing.
func (t *counterTotals) begin() { t.round++ }

// add adds the counters of a connection to the answer; two connections may have one label.
func (t *counterTotals) add(key string, labels Labels, c *vici.Counters) {
	s := t.series[key]
	if s == nil {
		s = &counterState{base: labels, pairs: t.pairsOf(labels)}
		t.series[key] = s
		t.order.outdated()
	}
	if s.round != t.round {
		s.round, s.next = t.round, counterSet{}
	}
	s.next.add(c)
}

// end takes over an answer that was asked for at a moment, of a daemon that started at another, which is the zero
// Time where it is not known. Counters began to count when the daemon started, unless they were
// seen to be missing or higher since: then not before they were asked for last.
func (t *counterTotals) end(asked, start time.Time) {
	reset := t.asked
	if start.After(reset) {
		reset = start
	}
	for key, s := range t.series {
		switch {
		case s.round != t.round:
			delete(t.series, key)
			t.order.outdated()
			continue
		case !s.taken, s.values.above(&s.next):
			s.created = reset
		case s.created.IsZero():
			s.created = start
		}
		s.values, s.taken = s.next, true
	}
	t.asked = asked
}

// pairsOf makes the label pairs of all counters that have more labels than the base, one after the other.
func (t *counterTotals) pairsOf(base Labels) Labels {
	all := make(Labels, 0, kindsOfMessages*(len(base)+labelsOfMessages)+rolesOfRekeys*(len(base)+1))
	for i := range messageKinds {
		k := &messageKinds[i]
		all = append(all, base.with(
			t.pairs.pair("exchange", k.exchange), t.pairs.pair("direction", k.direction), t.pairs.pair("type", k.kind))...)
	}
	all = append(all, base.with(t.pairs.pair("role", "initiator"))...)
	return append(all, base.with(t.pairs.pair("role", "responder"))...)
}

// labels returns the labels of a counter.
func (s *counterState) labels(i int) Labels {
	ofMessage, ofRekey := len(s.base)+labelsOfMessages, len(s.base)+1
	begin, size := i*ofMessage, ofMessage
	switch {
	case i >= kindsOfMessages+rolesOfRekeys:
		return s.base
	case i >= kindsOfMessages:
		begin, size = kindsOfMessages*ofMessage+(i-kindsOfMessages)*ofRekey, ofRekey
	}
	return s.pairs[begin : begin+size : begin+size]
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
	for _, s := range t.order.sorted(maps.Values(t.series), func(s *counterState) Labels { return s.base }) {
		for i, n := range s.values.values {
			if s.values.present&(1<<i) != 0 {
				out.Counter(t.families.family(i), float64(n), s.created, s.labels(i))
			}
		}
	}
}
