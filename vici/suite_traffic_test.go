// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// What a ping sends and gets: packets, and bytes of each.
const (
	suitePings = 3
	suitePing  = 84
)

// carry lets traffic pass through a tunnel's CHILD_SA and returns it as it is listed then. A packet can get lost, since the
// route of user-space IPsec is gone for a moment when an SA is replaced, or be counted a moment after it has arrived; then
// more are sent.
func (s *suite) carry(t *testing.T, tunnel, to string) *vici.ChildSA {
	t.Helper()
	var before, after *vici.ChildSA
	awaitTrue(t, func() bool {
		before = s.installedChild(t, tunnel)
		if !s.ping(t, tunnel, to) {
			return false
		}
		after = s.installedChild(t, tunnel)
		return after.PacketsIn.Or(0) >= before.PacketsIn.Or(0)+suitePings && after.PacketsOut.Or(0) >= before.PacketsOut.Or(0)+suitePings
	})
	require.Equal(t, before.UniqueID, after.UniqueID)
	require.GreaterOrEqual(t, after.BytesIn.Or(0), before.BytesIn.Or(0)+suitePings*suitePing)
	require.GreaterOrEqual(t, after.BytesOut.Or(0), before.BytesOut.Or(0)+suitePings*suitePing)
	for _, use := range []vici.Opt[time.Duration]{after.UseIn, after.UseOut} {
		require.True(t, use.Present())
		require.Less(t, use.Or(0), suiteTimeout)
	}
	return after
}

// requireTraffic insists on the traffic of a CHILD_SA.
func requireTraffic(t *testing.T, want, got *vici.ChildSA) {
	t.Helper()
	require.Equal(t, want.BytesIn, got.BytesIn)
	require.Equal(t, want.PacketsIn, got.PacketsIn)
	require.Equal(t, want.BytesOut, got.BytesOut)
	require.Equal(t, want.PacketsOut, got.PacketsOut)
}

// requireUnused insists on a CHILD_SA that nothing has passed through.
func requireUnused(t *testing.T, child *vici.ChildSA) {
	t.Helper()
	for _, counter := range []vici.Opt[uint64]{child.BytesIn, child.PacketsIn, child.BytesOut, child.PacketsOut} {
		require.Equal(t, vici.Some[uint64](0), counter)
	}
	require.False(t, child.UseIn.Present(), "it was never used")
	require.False(t, child.UseOut.Present(), "it was never used")
}
