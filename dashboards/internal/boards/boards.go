// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package boards describes strongswan_exporter's dashboards: the fleet, one gateway, and who is connected.
package boards

//go:generate go run ../../generate ../../..

import (
	"fmt"

	g "github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"
)

// All returns the dashboards, each of which is the file UID.json.
func All() []*g.Dashboard {
	return []*g.Dashboard{overview(), gateway(), peers()}
}

// Parts of expressions. The word "expected" is used as in the alerts: tunnels of which each that is down is an outage.
const (
	onDemand     = `strongswan_child_policy_installed{C,policy="trap"}`
	roadWarriors = `strongswan_connection_info{C,remote_addrs=~"(%any6?,?)+"}`
	expected     = `strongswan_child_up{C}
		unless on (job, instance, connection, child) ` + onDemand + `
		unless on (job, instance, connection) ` + roadWarriors

	// unreachable are the exporters that cannot be scraped. A job that has never had a gateway's page is not one of exporters,
	// whatever of it is down.
	unreachable = `(up{G} == 0 and on (job) group by (job) (last_over_time(strongswan_up{G}[$__range])))`

	// ofExporters keeps what Prometheus and Go's client library tell of exporters, and not of all that has the same instance.
	ofExporters = ` and on (job, instance) strongswan_up{G}`

	// tunnelState is 0 for down, 1 for up, 2 for at rest.
	tunnelState = `max by (job, instance, connection, child) (
		strongswan_child_up{C} == 1
		or on (job, instance, connection, child) 2 * ` + onDemand + `
		or on (job, instance, connection, child)
			(2 + strongswan_child_up{C} and on (job, instance, connection) ` + roadWarriors + `)
		or on (job, instance, connection, child) strongswan_child_up{C}
	)`

	// connectionState is the same for connections; one with nothing but shunts is always at rest.
	connectionState = `max by (job, instance, connection) (
		strongswan_connection_up{C} == 1
		or on (job, instance, connection) 2 * ` + onDemand + `
		or on (job, instance, connection) (2 + strongswan_connection_up{C} and on (job, instance, connection) ` + roadWarriors + `)
		or on (job, instance, connection)
			(2 + strongswan_connection_up{C} unless on (job, instance, connection) strongswan_child_up{C})
		or on (job, instance, connection) strongswan_connection_up{C}
	)`

	users = `strongswan_ike_sas{C,state="ESTABLISHED"}
		and on (job, instance, connection) ` + roadWarriors

	// ownCertificates are those that the gateway authenticates itself with.
	ownCertificates = `strongswan_certificate_not_after_timestamp_seconds{G}
		and on (job, instance, subject, issuer, serial, flag) strongswan_certificate_info{G,private_key="yes"}`

	postQuantum = `sum(strongswan_ike_sa_suites{C,key_exchange=~".*ML_KEM.*"}) or vector(0)`
)

// busiest is the rate of a counter, or with "increase" its growth, of those ten groups by labels that had most in the whole time
// range. topk alone would choose others at each step.
func busiest(function, labels, counter string) string {
	return fmt.Sprintf(`sum by (%[2]s) (%[1]s(%[3]s[$__rate_interval]))
		and on (%[2]s) topk(10, sum by (%[2]s) (increase(%[3]s[$__range] @ end())))`, function, labels, counter)
}

// raised is how many alerts of each kind the daemons raised within a time. With more than 14 connections a series begins with the
// first alert of its kind, which increase alone does not see: what was not there at the beginning, while the exporter was, counts in full.
func raised(within string) string {
	return fmt.Sprintf(`(
		(
			strongswan_alerts_total{C}
			unless strongswan_alerts_total{C} offset %[1]s
			and on (job, instance) strongswan_event_stream_connects_total{G} offset %[1]s
		)
		or increase(strongswan_alerts_total{C}[%[1]s])
	)`, within)
}

// weak matches algorithms that nobody should rely on any more (RFC 8247, RFC 8221, NIST SP 800-131A).
const weak = `(NULL|DES_CBC|3DES_CBC|BLOWFISH_CBC|CAST_CBC|RC5_CBC|IDEA_CBC|HMAC_MD5|HMAC_SHA1|PRF_HMAC_MD5|` +
	`PRF_HMAC_SHA1|MODP_768|MODP_1024|MODP_1536|ECP_192).*`

// Where a click leads. The fields are those of the row.
const (
	toGateway = "/d/strongswan-gateway?${datasource:queryparam}&${job:queryparam}&${__url_time_range}" +
		"&var-instance=${__data.fields.Gateway}"
	toConnection = toGateway + "&var-connection=${__data.fields.Connection}"
)

// Words for states.
func upDown() []g.Mapping {
	return g.Words(map[string]g.Word{
		"0": {Text: "down", Color: "red", Index: 0},
		"1": {Text: "up", Color: "green", Index: 1},
	})
}

// daemonStates are those of upDown, and that nobody can tell.
func daemonStates() []g.Mapping {
	return g.Words(map[string]g.Word{
		"-1": {Text: "unknown", Color: "red", Index: 0},
		"0":  {Text: "down", Color: "red", Index: 1},
		"1":  {Text: "up", Color: "green", Index: 2},
	})
}

func tunnelStates() []g.Mapping {
	return g.Words(map[string]g.Word{
		"0": {Text: "down", Color: "red", Index: 0},
		"1": {Text: "up", Color: "green", Index: 1},
		"2": {Text: "at rest", Color: "blue", Index: 2},
	})
}

func severities() []g.Mapping {
	return g.Words(map[string]g.Word{
		"critical": {Text: "critical", Color: "red", Index: 0},
		"warning":  {Text: "warning", Color: "orange", Index: 1},
		"info":     {Text: "info", Color: "blue", Index: 2},
	})
}

// none is a number that should be 0.
func none() []g.Step { return g.Steps("green", g.At(1, "red")) }

func suspicious() []g.Step { return g.Steps("green", g.At(1, "orange")) }

// filling is a share that should not come near 1.
func filling() []g.Step {
	return g.Steps("green", g.At(0.8, "orange"), g.At(0.9, "red"))
}

// Variables of all dashboards. Each limits the next one.
func choose(more ...g.Variable) []g.Variable {
	return append([]g.Variable{
		g.DatasourceVariable(),
		g.LabelVariable("job", "Job", "strongswan_up", ".+"),
	}, more...)
}

func instances() g.Variable {
	return g.LabelVariable("instance", "Instance", "strongswan_up{J}", ".+")
}

// connections are those that are configured. "All" includes the empty name, under which the daemon's SAs and alerts without
// a configuration are counted.
func connections() g.Variable {
	return g.LabelVariable("connection", "Connection", "strongswan_connection_up{G}", ".*")
}
