// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of what was loaded.
var loadedObjects = gauge("loaded_objects",
	"Number of objects that were loaded over VICI, by kind: 0 after a restart that nobody followed with a load. "+
		"Shared secrets without an id do not count.",
	"kind")

// inventorySource counts what was loaded over VICI.
type inventorySource struct{}

func (inventorySource) Metrics() []*Metric { return []*Metric{loadedObjects} }

func (inventorySource) Collect(ctx context.Context, r *round, out *Page) error {
	for _, q := range [...]struct {
		kind, command string
		names         func(*vici.Session, context.Context) ([]string, error)
	}{
		{"connection", "get-conns", (*vici.Session).ConnNames},
		{"authority", "get-authorities", (*vici.Session).AuthorityNames},
		{"private_key", "get-keys", (*vici.Session).KeyIDs},
		{"shared_secret", "get-shared", (*vici.Session).SharedIDs},
	} {
		var names []string
		err := r.query(ctx, q.command, func(ctx context.Context, s *vici.Session) (err error) {
			names, err = q.names(s, ctx)
			return err
		})
		if err := emitLoaded(out, q.kind, len(names), err); err != nil {
			return err
		}
	}
	err := r.askPools(ctx)
	return emitLoaded(out, "pool", len(r.pools), err)
}

// emitLoaded adds a number unless the daemon is too old to tell it.
func emitLoaded(out *Page, kind string, n int, err error) error {
	if errors.Is(err, vici.ErrUnknownCommand) {
		return nil
	}
	if err == nil {
		out.Gauge(loadedObjects, float64(n), newLabels("kind", kind))
	}
	return err
}
