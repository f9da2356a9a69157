// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package check holds what is given to Kubernetes against the types of its API: the objects of examples/kubernetes, and those
// that Helm makes from the chart. Helm's own library renders and lints, so nothing has to be installed.
package check
