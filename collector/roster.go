// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"iter"
	"maps"
	"slices"
)

// A roster is the records of a sweep's IKE_SAs in the order in which they were listed. A daemon mostly lists the
// same ones in the same order as the last time, so the one that comes next is known without a search for it, and lies
// next to the one before in memory. Where that is wrong it costs the search.
type roster struct {
	last    []*ikeRecord // of the sweep before
	current []*ikeRecord
	next    int // in last
}

// begin starts a sweep.
func (r *roster) begin() {
	r.last, r.current, r.next = r.current, r.last, 0
	clear(r.current)
	r.current = r.current[:0]
}

// expected returns the record of that IKE_SA if it is the one that comes next, or nil.
func (r *roster) expected(key ikeKey) *ikeRecord {
	if r.next >= len(r.last) || r.last[r.next].key != key || r.last[r.next].gone {
		return nil
	}
	r.next++
	return r.last[r.next-1]
}

// found goes on behind a record that was found in another way.
func (r *roster) found(record *ikeRecord) {
	if i := int(record.place); i < len(r.last) && r.last[i] == record {
		r.next = i + 1
	}
}

// add appends a record, unless the daemon listed it twice.
func (r *roster) add(record *ikeRecord) {
	if i := int(record.place); i < len(r.current) && r.current[i] == record {
		return
	}
	record.place = int32(len(r.current)) // no daemon has more unique ids
	r.current = append(r.current, record)
}

// records returns all that are known after a sweep, in the order of the roster unless some came while the daemon listed.
func (r *roster) records(known map[ikeKey]*ikeRecord) iter.Seq[*ikeRecord] {
	r.current = slices.DeleteFunc(r.current, func(record *ikeRecord) bool { return record.gone })
	for i, record := range r.current {
		record.place = int32(i)
	}
	if len(r.current) != len(known) {
		return maps.Values(known)
	}
	return slices.Values(r.current)
}
