// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

// A Version says what the daemon is and on what it runs.
type Version struct {
	Daemon  string `vici:"daemon"`  // such as "charon" or "charon-systemd"
	Version string `vici:"version"` // of strongSwan, such as "5.9.8"
	Sysname string `vici:"sysname"` // of the operating system, such as "Linux"
	Release string `vici:"release"` // of the kernel
	Machine string `vici:"machine"` // such as "x86_64"
}

// Version asks the daemon for its version (command version, since 5.2.0).
func (s *Session) Version(ctx context.Context) (Version, error) {
	var v Version
	err := s.callInto(ctx, "version", nil, &v)
	return v, err
}
