// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

// mayBeEmpty are the queries that return nothing on the demonstration by nature, and why.
func mayBeEmpty() map[string]string {
	return map[string]string{
		"strongswan-gateway / Memory / E":                    "only a daemon without mallinfo, as on Windows, counts its allocations",
		"strongswan-gateway / Failed requests / A":           "no request fails; the panel says so",
		"strongswan-gateway / Values that were left out / A": "the simulated daemon sends no value that cannot be understood; the panel says so",
	}
}
