// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package history writes what the exporter would have said of three gateways in the last six hours, as OpenMetrics with
// timestamps, from which promtool makes a database:
//
//	go test ./history -run TestHistory -args -out history.om
//	promtool tsdb create-blocks-from openmetrics history.om DIRECTORY
//
// The gateways are vicitest's daemons; what happens to them is what the dashboards are for: sites that go dark, users who
// come and go with the hour, rekeyings, a certificate that nobody renewed.
//
// It is a test because time is testing/synctest's: the fake daemons and the exporter's collector run for six hours of
// their own time, which takes seconds of ours, and every value is one that the collector gathered.
package history
