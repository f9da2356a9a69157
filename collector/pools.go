// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of virtual IP pools.
var (
	poolAddresses = gauge("pool_addresses",
		"Number of addresses in the pool; the daemon cuts very large ranges short.", "pool")
	poolLeases = gauge("pool_leases",
		"Number of the pool's addresses that peers have (online), or had and get again as long as no other peer needs them (offline).",
		"pool", "state")
	poolInfo = gauge("pool_info",
		"The first address of the pool; always 1. Before strongSwan 6.0.0 it is the network's address.", "pool", "base")
)

// poolsSource gives size and use of the pools that were loaded over VICI.
type poolsSource struct{}

func (poolsSource) Metrics() []*Metric { return []*Metric{poolAddresses, poolLeases, poolInfo} }

func (poolsSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.askPools(ctx); err != nil {
		return err
	}
	type lease struct{ pool, state string }
	type info struct{ pool, base string }
	sizes := make(map[string]uint64)
	leases := make(map[lease]uint64)
	infos := make(map[info]bool)
	for i := range r.pools {
		p := &r.pools[i]
		name := labelValue(p.Name)
		addOpt(sizes, name, p.Size)
		addOpt(leases, lease{name, vici.LeaseOnline}, p.Online)
		addOpt(leases, lease{name, vici.LeaseOffline}, p.Offline)
		if p.Base.IsValid() {
			infos[info{name, p.Base.String()}] = true
		}
	}
	for name, n := range sizes {
		out.Gauge(poolAddresses, float64(n), newLabels("pool", name))
	}
	for l, n := range leases {
		out.Gauge(poolLeases, float64(n), newLabels("pool", l.pool, "state", l.state))
	}
	for i := range infos {
		out.Gauge(poolInfo, 1, newLabels("pool", i.pool, "base", i.base))
	}
	return nil
}

// addOpt adds a value that the daemon sent to the sum for a label set.
func addOpt[K comparable](sums map[K]uint64, key K, value vici.Opt[uint32]) {
	if v, ok := value.Get(); ok {
		sums[key] += uint64(v)
	}
}

// askPools asks for the pools without their leases, once per round.
func (r *round) askPools(ctx context.Context) error {
	return r.once(&r.poolsDone, func() error {
		return r.query(ctx, "get-pools", func(ctx context.Context, s *vici.Session) (err error) {
			r.pools, err = s.Pools(ctx, vici.PoolsRequest{})
			return err
		})
	})
}
