// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

// stores is what was loaded into the daemon or installed, beside connections
// and SAs; the daemon's lock guards it.
type stores struct {
	policies    []policy
	pools       []*pool
	certs       []Certificate
	authorities []Authority
	keys        []string // ids of private keys
	shared      []string // ids of secrets
	control     *controlLog
	reqids      map[string]uint32
}
