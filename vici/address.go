// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package vici

// DefaultAddress is where a daemon with default settings listens on most systems; on Windows it is
// "tcp://127.0.0.1:4502".
const DefaultAddress = "unix:///var/run/charon.vici"
