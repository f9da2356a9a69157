// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the exporter as its users have it: the built program, on the
// VICI socket of a real gateway of each generation that package lab can run,
// scraped over HTTP. What it exposes is compared with what swanctl says at the
// same time; swanctl is strongSwan's own and knows nothing of this project.
//
//	scripts/e2e                           everything
//	scripts/e2e -run 'TestSteady/5.9.8'   one test on one generation
//	go test -tags e2e ./e2e -run 'TestGenerations|TestVICISuite|TestAlerts' -update
//
// The last one writes the golden files anew: testdata/series-GENERATION.txt has
// all series that the laboratory's moon has after a few tunnels came up,
// testdata/protocol.txt which generation of the daemon has which commands, events
// and fields, and why no daemon of the laboratory sends some, docs/alerts.md which alerts fire in which situation.
//
// The tests need what the laboratory needs: root, and the trees with the daemons.
// All of them run one after the other, since they measure time and traffic on
// machines that may have two processors.
package e2e
