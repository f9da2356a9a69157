// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package packaging

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const unitFile = "../../systemd/strongswan_exporter.service"

// A unit is what a unit file sets, by key; a key may stand more than once.
type unit map[string][]string

func readUnit(t *testing.T) unit {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	require.NoError(t, err)
	u := make(unit)
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if found && !strings.HasPrefix(key, "#") {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// one returns the value of a key that stands once.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	require.Len(t, u[key], 1, key)
	return u[key][0]
}
