// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package check holds what is shipped beside the exporter, dashboards, rules and examples, to the exporter's own
// declarations and to the rules of Grafana's dashboard linter. It reads the committed files, as users get them.
package check
