// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// DecodeListSA lets tests of package vici_test decode a list-sa event without a session.
func (sa *IKESA) DecodeListSA(body []byte, trace *Trace) error {
	d := newSADecoder(body, new(words), trace)
	return sa.read(&d)
}

// KeptEarly is how many early events a subscription keeps memory for.
func (e *Events) KeptEarly() int { return cap(e.early) }
