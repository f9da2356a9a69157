// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"iter"
)

// A ListAuthoritiesRequest selects certification authorities. The zero value selects all.
type ListAuthoritiesRequest struct {
	Name string `vici:"name"` // the authority of that name
}

// An Authority is what the daemon knows about a certification authority: an event list-authority (since 5.3.3).
type Authority struct {
	Name        string   `vici:",name"`
	CACert      string   `vici:"cacert"`        // subject of its certificate
	CRLURIs     []string `vici:"crl_uris"`      // where its revocation lists are
	OCSPURIs    []string `vici:"ocsp_uris"`     // where it is asked about revocation
	CertURIBase string   `vici:"cert_uri_base"` // where certificates are downloaded by their hash
}

// ListAuthorities streams the certification authorities that were loaded over VICI (command list-authorities, since
// 5.3.3). What it yields may be kept; the loop is as [Session.Stream] describes it.
func (s *Session) ListAuthorities(ctx context.Context, request ListAuthoritiesRequest) iter.Seq2[*Authority, error] {
	return streamSections[Authority](ctx, s, "list-authorities", "list-authority", request)
}

// AuthorityNames returns the names of the certification authorities that were loaded over VICI (command
// get-authorities, since 5.3.3).
func (s *Session) AuthorityNames(ctx context.Context) ([]string, error) {
	var answer struct {
		Names []string `vici:"authorities"`
	}
	err := s.callInto(ctx, "get-authorities", nil, &answer)
	return answer.Names, err
}
