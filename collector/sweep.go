// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// sweep lists all IKE_SAs once per round, whoever asks first, and learns from
// the number that the daemon counts right afterwards whether any were left out.
func (r *round) sweep(ctx context.Context) error {
	return r.once(&r.sweepDone, func() error {
		r.locked(func() { r.names.beyond = false })
		// Without the configuration a CHILD_SA is counted as it was before.
		_ = r.configure(ctx)
		if err := r.identify(ctx); err != nil {
			return err
		}
		if err := r.listSAs(ctx); err != nil {
			return err
		}
		if r.namesBeyond() {
			return errTooManyNames
		}
		r.statsDone = step{} // what was counted before may be outdated
		if err := r.askStats(ctx); err != nil {
			return err
		}
		version := ""
		if r.askVersion(ctx) == nil {
			version = r.version.Version
		}
		foreign := false
		r.locked(func() {
			r.unlisted = r.table.end(r.stats.IKESAs.Total.Or(0), r.now())
			foreign = r.unlisted == 0 && r.tracker.settle(r.now())
			r.table.aggregate(r.now().Unix())
			r.looks.schedule.plan(r.table, version, r.stats.IKESAs.Total.Or(0))
		})
		if foreign {
			r.log.Warn("The state file is of another daemon than the one at this address; totals and counters begin anew")
		}
		return nil
	})
}

// namesBeyond reports whether there were more names than there is room for. Those without SAs and configuration make room
// for the next time.
func (r *round) namesBeyond() (beyond bool) {
	r.locked(func() {
		if beyond = r.names.beyond; beyond {
			r.names.prune()
		}
	})
	return beyond
}

// sweeps reports whether a source asks for a sweep.
func sweeps(s Source) bool {
	switch s.(type) {
	case sasSource, connectionsSource, peersSource:
		return true
	}
	return false
}

func (r *round) listSAs(ctx context.Context) error {
	return r.query(ctx, "list-sas", func(ctx context.Context, s *vici.Session) error {
		r.locked(r.table.begin)
		for sa, err := range s.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
			if err != nil {
				return err
			}
			r.locked(func() { r.table.observe(sa, r.now()) })
		}
		return nil
	})
}
