// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An SA counts from its first byte only if it was surely installed while the exporter watched; ages are cut to seconds.
func TestFresh(t *testing.T) {
	table := newSATable(newNames(anything), noon)
	now := noon.Add(time.Minute)
	for age, want := range map[time.Duration]bool{
		0: true, 58 * time.Second: true, 59 * time.Second: true, 60 * time.Second: false, time.Hour: false,
		-5 * time.Second: true, // the clock of either was set
	} {
		require.Equal(t, want, table.fresh(&vici.ChildSA{InstallTime: vici.Some(age)}, now), "%v", age)
	}
	require.False(t, table.fresh(&vici.ChildSA{}, now), "it does not say how old it is")
}

// In some states an SA says nothing of its traffic. Then there is nothing to count, and nothing to begin with.
func TestCounted(t *testing.T) {
	table := newSATable(newNames(anything), noon)
	k := table.names.child(table.names.connection("gw"), "gw", "net")
	_, ok := table.counted(k, nil, &vici.ChildSA{State: vici.StateUpdating}, noon)
	require.False(t, ok)
	for _, sa := range []*vici.ChildSA{
		{BytesIn: vici.Some(uint64(0))}, {BytesOut: vici.Some(uint64(0))}, {PacketsIn: vici.Some(uint64(0))}, {PacketsOut: vici.Some(uint64(0))},
	} {
		_, ok = table.counted(k, nil, sa, noon)
		require.True(t, ok)
	}
}
