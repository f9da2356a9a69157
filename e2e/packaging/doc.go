// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package packaging tests what is installed against real daemons: that the exporter can do all it has to under
// the restrictions of its systemd unit. It runs no systemd; it reads the unit and does to the process what systemd
// would do, as far as the kernel alone can: user and groups, capabilities, a read-only tree, the system call filter.
package packaging
