// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of certification authorities.
var authorityInfo = gauge("authority_info",
	"A certification authority that was loaded over VICI, with the subject of its certificate; always 1. Several URIs are joined by commas.",
	"authority", "ca", "crl_uris", "ocsp_uris")

// authoritiesSource gives the certification authorities that were loaded over VICI.
type authoritiesSource struct{}

func (authoritiesSource) Metrics() []*Metric { return []*Metric{authorityInfo} }

func (authoritiesSource) Collect(ctx context.Context, r *round, out *Page) error {
	type info struct{ authority, ca, crlURIs, ocspURIs string }
	var infos map[info]bool
	err := r.query(ctx, "list-authorities", func(ctx context.Context, s *vici.Session) error {
		infos = make(map[info]bool)
		for a, err := range s.ListAuthorities(ctx, vici.ListAuthoritiesRequest{}) {
			if err != nil {
				return err
			}
			infos[info{labelText(a.Name), labelText(a.CACert), labelText(joined(a.CRLURIs)), labelText(joined(a.OCSPURIs))}] = true
		}
		return nil
	})
	for i := range infos {
		out.Gauge(authorityInfo, 1, newLabels("authority", i.authority, "ca", i.ca, "crl_uris", i.crlURIs, "ocsp_uris", i.ocspURIs))
	}
	return err
}
