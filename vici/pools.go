// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"net/netip"
)

// A PoolsRequest selects pools. The zero value selects all, without their leases.
type PoolsRequest struct {
	// Leases adds each pool's leases, since 5.3.4. About 6,000 of them fit into an answer; a daemon with more never
	// answers, and the call ends only with its context.
	Leases bool `vici:"leases"`

	Name string `vici:"name"` // the pool of that name, since 5.5.2; ignored by older daemons
}

// A Pool is a set of virtual IP addresses for peers, held in the daemon's memory.
type Pool struct {
	Name    string      `vici:",name"`
	Base    netip.Addr  `vici:"base"`    // the first usable address; before 6.0.0 the network address as given
	Size    Opt[uint32] `vici:"size"`    // number of addresses; very large ranges are cut short
	Online  Opt[uint32] `vici:"online"`  // leases in use; reauthentication can count one twice for a moment
	Offline Opt[uint32] `vici:"offline"` // leases remembered for a peer's return, reusable when addresses run out
	Leases  []Lease     `vici:"leases"`  // if asked for, since 5.3.4
}

// A Lease is an address that a peer has, or had and will get again if it can.
type Lease struct {
	Index    string     `vici:",name"` // "0", "1"…
	Address  netip.Addr `vici:"address"`
	Identity string     `vici:"identity"` // of the peer
	Status   string     `vici:"status"`   // [LeaseOnline] or [LeaseOffline]
}

// States of a [Lease].
const (
	LeaseOnline  = "online"
	LeaseOffline = "offline"
)

// Pools returns the virtual IP pools that were loaded over VICI, in the daemon's order (command get-pools, since
// 5.2.0).
func (s *Session) Pools(ctx context.Context, request PoolsRequest) ([]Pool, error) {
	var answer struct {
		Pools []Pool `vici:"*"`
	}
	err := s.callInto(ctx, "get-pools", request, &answer)
	return answer.Pools, err
}
