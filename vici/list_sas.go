// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"iter"
)

// A ListSAsRequest selects IKE_SAs. The zero value selects all and waits for each.
type ListSAsRequest struct {
	// NoBlock leaves out IKE_SAs that another thread of the daemon is using just now. Without it the daemon waits for
	// each of them, for as long as it takes, and keeps a worker thread for that even after the client has gone. A
	// monitoring program should set it.
	NoBlock bool `vici:"noblock"`

	IKE     string      `vici:"ike"`      // IKE_SAs of that name
	IKEID   Opt[uint32] `vici:"ike-id"`   // the IKE_SA with that unique id
	Child   string      `vici:"child"`    // CHILD_SAs of that name, since 5.9.6; ignored by older daemons
	ChildID Opt[uint32] `vici:"child-id"` // the CHILD_SA with that unique id, since 5.9.6; ignored by older daemons
}

// ListSAs streams the daemon's IKE_SAs with their CHILD_SAs (command list-sas, since 5.2.0), as [Session.Stream]
// does. The yielded IKESA is reused: it is valid until the next step of the loop; [IKESA.Clone] keeps it, and strings in it may
// be kept as they are. Values that cannot be read are left out and told to [Trace.Rejected].
//
// The daemon takes about 25 µs per IKE_SA, and as long as a listing runs, no packet can look up its IKE_SA (with
// default settings of charon.ikesa_table_segments).
func (s *Session) ListSAs(ctx context.Context, request ListSAsRequest) iter.Seq2[*IKESA, error] {
	return func(yield func(*IKESA, error) bool) {
		asked, err := s.request("stream", "list-sas", request)
		if err != nil {
			yield(nil, err)
			return
		}
		var (
			sa    IKESA
			d     saDecoder
			words words
		)
		decode := func(body []byte) (*IKESA, error) {
			d = newSADecoder(body, &words, s.trace)
			return &sa, sa.read(&d)
		}
		decoded(s, "list-sas", s.StreamRaw(ctx, "list-sas", "list-sa", asked), decode)(yield)
	}
}
