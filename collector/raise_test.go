// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A total that was forgotten after the state was saved, and began anew before the process was killed, goes on from where it began. Here
// it is a peer's, of more than are shown.
func TestRaiseRenewed(t *testing.T) {
	now := noon
	before := newTestTracker(&now, anything)
	before.table.peers = newPeerBook(1)
	now = now.Add(time.Minute)
	connected := func(tr *tracker, peers ...*vici.IKESA) {
		tr.table.begin()
		for _, sa := range peers {
			tr.table.observe(sa, now)
		}
		tr.table.end(uint64(len(peers)), now)
		tr.table.aggregate(now.Unix())
		tr.page()
	}
	peer := func(id uint32, name string, bytes uint64) *vici.IKESA {
		sa := tunnelAt(id)
		sa.RemoteID = name
		sa.Children[0].BytesIn = vici.Some(bytes)
		return sa
	}
	of := func(tr *tracker, name string) uint64 {
		return tr.table.ledger.peers.bySeries[series{"gw", name}].value()[receivedBytes]
	}
	leave := func(tr *tracker) {
		connected(tr)
		now = now.Add(lingering + time.Second)
		connected(tr)
	}
	connected(before, peer(1, "alice", 1000))
	require.EqualValues(t, 1000, of(before, "alice"))
	leave(before)
	whole, err := parseState(encode(t, before.snapshot("", now)), "")
	require.NoError(t, err)
	now = now.Add(2 * time.Second)
	connected(before, peer(2, "bob", 10))
	require.Len(t, before.table.ledger.peers.bySeries, 1, "there is room for one")
	leave(before)
	connected(before, peer(3, "alice", 5))
	require.EqualValues(t, 5, of(before, "alice"))
	exposed, err := parseState(encode(t, before.exposed("", now)), "")
	require.NoError(t, err)

	whole.raise(exposed)
	now = now.Add(2 * time.Second)
	after := newTestTracker(&now, anything)
	after.table.peers = newPeerBook(1)
	after.restore(whole, now)
	require.EqualValues(t, 5, of(after, "alice"))
	connected(after, peer(3, "alice", 7))
	require.EqualValues(t, 7, of(after, "alice"))
}
