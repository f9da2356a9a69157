// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// DefaultAddress is where a daemon with default settings listens on Windows.
const DefaultAddress = "tcp://127.0.0.1:4502"
