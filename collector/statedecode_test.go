// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read row by row is what encoding/json would read.
func TestDecodeState(t *testing.T) {
	for name, s := range map[string]*state{"full": fullState(), "without rows": someState(1)} {
		var written bytes.Buffer
		require.NoError(t, encodeState(&written, s))
		var want state
		require.NoError(t, json.Unmarshal(written.Bytes(), &want))
		d, got := stateDecoder{json.NewDecoder(&written)}, new(state)
		require.NoError(t, d.object(func(key string) error { return d.field(got, key) }))
		require.Equal(t, &want, got, name)
	}
}
