// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What happened lately is remembered, however much it was up to a limit, and nothing much longer than needed.
func TestRecent(t *testing.T) {
	now := time.Now()
	var r recent[int]
	remembered := func() int { return len(r.young) + len(r.old) }
	for i := range 3 * maxRecent {
		require.True(t, r.add(i, now))
		require.False(t, r.add(i, now.Add(time.Second)))
		require.LessOrEqual(t, remembered(), maxRecent)
	}
	at, known := r.get(3*maxRecent - maxRecent/2)
	require.True(t, known)
	require.Equal(t, now, at)

	const perMinute = 100
	for i := range 10 * perMinute {
		r.add(-1-i, now.Add(time.Duration(i)*time.Minute/perMinute))
		for back := range min(i, perMinute/2) {
			_, known := r.get(-1 - i + back)
			require.True(t, known, "half a minute")
		}
	}
	require.LessOrEqual(t, remembered(), 2*perMinute+2)
}
