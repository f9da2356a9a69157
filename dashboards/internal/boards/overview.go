// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package boards

import g "github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"

// overview is the fleet: what is dark, since when, why, and what will be.
func overview() *g.Dashboard {
	panels := append(overviewNumbers(), overviewTrouble()...)
	panels = append(panels, overviewFleet()...)
	panels = append(panels, overviewExpiry()...)
	return g.New("strongswan-overview", "strongSwan / Overview",
		"All gateways: which tunnels are down, since when and why, what expires next, who is connected.",
		choose(instances(), connections()), panels...)
}

func overviewNumbers() []*g.Panel {
	return []*g.Panel{
		g.Stat("Gateways down", "Gateways whose exporter cannot be scraped, or whose daemon does not answer.",
			g.Query{Expr: `count(` + unreachable + ` or strongswan_up{G} == 0) or vector(0)`}).Thresholds(none()),
		g.Stat("Gateways up", "Gateways whose daemon answers.",
			g.Query{Expr: `sum(strongswan_up{G})`}),
		g.Stat("Tunnels down", "Children that should be up and are not. On-demand children and road-warrior connections are not among them.",
			g.Query{Expr: `count((` + expected + `) == 0) or vector(0)`}).Thresholds(none()),
		g.Stat("Tunnels up", "Children with at least one CHILD_SA that carries traffic.",
			g.Query{Expr: `sum(strongswan_child_up{C})`}),
		g.Stat("Users connected", "Established IKE_SAs of road-warrior connections.",
			g.Query{Expr: `sum(` + users + `) or vector(0)`}),
		g.Stat("Received", "Traffic that came out of all tunnels.",
			g.Query{Expr: `sum(rate(strongswan_child_received_bytes_total{C}[$__rate_interval])) * 8`}).Unit("bps"),
		g.Stat("Sent", "Traffic that went into all tunnels.",
			g.Query{Expr: `sum(rate(strongswan_child_sent_bytes_total{C}[$__rate_interval])) * 8`}).Unit("bps"),
		g.Stat("Next certificate", "When the first of the gateways' own certificates expires.",
			g.Query{Expr: `min(` + ownCertificates + `) * 1000`}).Unit("dateTimeFromNow").NoValue("no own certificate"),
	}
}

func overviewTrouble() []*g.Panel {
	return []*g.Panel{
		g.Row("What is wrong"),
		tunnelsDown(),
		g.Table("Alerts that fire", "Alerts of the shipped rules, as Prometheus evaluates them, and since when the condition has held.",
			g.Label("severity", "Severity").As(severities()), g.Label("alertname", "Alert"),
			g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway),
			g.Label("connection", "Connection"), g.Label("child", "Child"),
			g.Value("Since", "dateTimeFromNow",
				`1000 * max by (severity, alertname, instance, connection, child) (
					ALERTS_FOR_STATE{A} and ignoring (alertstate) ALERTS{A,alertstate="firing"}
				)`),
		).Size(12, 11).SortBy("Severity", false).NoValue("no alert fires, or the rules are not loaded"),
		g.Table("Why: what the daemons report", "Alerts of the daemons (strongSwan 6.0.3 and later) within the time range. "+
			"Without a connection they mostly come from strangers.",
			g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway),
			g.Label("connection", "Connection").LinkTo("Open the connection", toConnection), g.Label("alert", "Report"),
			g.Value("Times", "short",
				`topk(50, sum by (job, instance, connection, alert) (`+raised("$__range")+`) > 0)`),
		).Size(12, 11).SortBy("Times", true).NoValue("nothing"),
		g.StateTimeline("Tunnels that were down",
			"Each child that should be up and was down at some time within the range.",
			g.Query{
				Expr: tunnelState + ` and on (job, instance, connection, child) (
					(min_over_time(strongswan_child_up{C}[$__range] @ end()) == 0)
					unless on (job, instance, connection, child) ` + onDemand + `
					unless on (job, instance, connection) ` + roadWarriors + `
				)`,
				Legend: "{{instance}} {{connection}} {{child}}",
			}, tunnelStates()).Size(24, 8).NoValue("no tunnel was down"),
	}
}

// tunnelsDown answers the first question: which site is dark, since when, and why.
func tunnelsDown() *g.Panel {
	return g.Table("Tunnels that are down",
		"Children that should be up and are not, the latest first. Down since: the last moment within the time range at which one was "+
			"up, as exact as the range's resolution; empty if it was down all the time. Why: what the daemon reported most often of the "+
			"connection within the range (strongSwan 6.0.3 and later). Failed: IKE_SAs that failed before they were established.",
		g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway),
		g.Label("connection", "Connection").LinkTo("Open the connection", toConnection),
		g.Label("child", "Child"),
		g.Only(`max by (job, instance, connection, child) (`+expected+`) == 0`),
		g.Value("Down since", "dateTimeFromNow",
			`1000 * max by (job, instance, connection, child) (
					max_over_time(timestamp(strongswan_child_up{C} == 1)[$__range:$__interval])
					and on (job, instance, connection, child) ((`+expected+`) == 0)
				)`),
		g.Label("alert", "Why"),
		g.Only(`max by (job, instance, connection, child, alert) (
				((`+expected+`) == 0)
				* on (job, instance, connection) group_left (alert) topk by (job, instance, connection) (1,
					sum by (job, instance, connection, alert) (`+raised("$__range")+`) > 0)
			)`),
		g.Value("Failed", "short",
			`max by (job, instance, connection, child) (
					((`+expected+`) == 0)
					+ on (job, instance, connection) group_left ()
						sum by (job, instance, connection) (increase(strongswan_ike_sas_failed_total{C}[$__range]))
				)`),
		g.Value("Last packet received", "dateTimeFromNow",
			`1000 * max by (job, instance, connection, child) (
					last_over_time(strongswan_child_last_received_timestamp_seconds{C}[$__range])
					and on (job, instance, connection, child) ((`+expected+`) == 0)
				)`),
		g.Label("remote_addrs", "Peer"),
		g.Label("remote_ts", "Networks"),
		g.Only(`max by (job, instance, connection, child, remote_addrs, remote_ts) (
				(strongswan_child_info{C} * on (job, instance, connection) group_left (remote_addrs) strongswan_connection_info{C})
				and on (job, instance, connection, child) ((`+expected+`) == 0)
			)`),
	).Size(24, 6).SortBy("Down since", true).NoValue("none")
}

func overviewFleet() []*g.Panel {
	return []*g.Panel{
		g.Row("Fleet"),
		g.Table("Gateways", "Each gateway with its daemon's state, size and load. Unknown: the exporter cannot be scraped. Threads: those "+
			"that are idle; with less than two the daemon will soon not answer.",
			g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway),
			g.Value("Daemon", "short", `max by (job, instance) (strongswan_up{G} or `+unreachable+` - 1)`).As(daemonStates()),
			g.Label("version", "Version"),
			g.Only(`max by (job, instance, version) (strongswan_daemon_info{G})`),
			g.Value("Started", "dateTimeFromNow", `1000 * max by (job, instance) (strongswan_start_time_seconds{G})`),
			g.Value("Tunnels down", "short", `count by (job, instance) ((`+expected+`) == 0)
				or 0 * max by (job, instance) (strongswan_up{G} == 1)`).Coloured(none()),
			g.Value("Tunnels up", "short", `sum by (job, instance) (strongswan_child_up{C})`),
			g.Value("IKE_SAs", "short", `max by (job, instance) (strongswan_daemon_ike_sas{G})`),
			g.Value("Half-open", "short", `max by (job, instance) (strongswan_daemon_ike_sas_half_open{G})`),
			g.Value("Users", "short", `sum by (job, instance) (`+users+`)`),
			g.Value("Received", "bps", `8 * sum by (job, instance) (rate(strongswan_child_received_bytes_total{C}[$__rate_interval]))`),
			g.Value("Sent", "bps", `8 * sum by (job, instance) (rate(strongswan_child_sent_bytes_total{C}[$__rate_interval]))`),
			g.Value("Threads", "short", `max by (job, instance) (strongswan_worker_threads_idle{G})`).
				Coloured(g.Steps("red", g.At(2, "green"))),
		).Size(24, 6).SortBy("Gateway", false),
		g.TimeSeries("Tunnels", "Children that are up, of all that should be, by gateway.",
			g.Query{Expr: `sum by (instance) (` + expected + `)`, Legend: "{{instance}} up"},
			g.Query{Expr: `count by (instance) (` + expected + `)`, Legend: "{{instance}} expected"}),
		g.TimeSeries("Traffic", "Traffic of all tunnels by gateway; what was sent is drawn below zero.",
			g.Query{
				Expr:   `8 * sum by (instance) (rate(strongswan_child_received_bytes_total{C}[$__rate_interval]))`,
				Legend: "{{instance}} received",
			},
			g.Query{
				Expr:   `8 * sum by (instance) (rate(strongswan_child_sent_bytes_total{C}[$__rate_interval]))`,
				Legend: "{{instance}} sent",
			}).Unit("bps").Below("/sent$/"),
		g.TimeSeries("Users", "Established IKE_SAs of road-warrior connections, by gateway.",
			g.Query{Expr: `sum by (instance) (` + users + `)`, Legend: "{{instance}}"}).Stacked(),
		g.TimeSeries("IKE_SAs that came, went and failed",
			"Established and ended IKE_SAs, and those that failed before they were established, in all of the fleet.",
			g.Query{Expr: `sum(increase(strongswan_ike_sas_established_total{C}[$__rate_interval]))`, Legend: "established"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_terminated_total{C}[$__rate_interval]))`, Legend: "terminated"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_failed_total{C}[$__rate_interval]))`, Legend: "failed"}).Bars(),
	}
}

func overviewExpiry() []*g.Panel {
	return []*g.Panel{
		g.Row("What expires or runs out next"),
		g.Table("Certificates", "The twenty certificates that expire first among the gateways' own ones and those of CAs.",
			g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway), g.Label("subject", "Subject"), g.Label("flag", "Flag"),
			g.Value("Expires", "dateTimeFromNow",
				`1000 * bottomk(20, max by (job, instance, subject, flag) (
					strongswan_certificate_not_after_timestamp_seconds{G,flag="CA"} or (`+ownCertificates+`)
				))`),
		).Size(12, 8).SortBy("Expires", false),
		g.Table("Revocation lists", "When the next CRL is due, for each issuer, and its age.",
			g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway), g.Label("issuer", "Issuer"),
			g.Value("Issued", "dateTimeFromNow", `1000 * max by (job, instance, issuer) (strongswan_crl_this_update_timestamp_seconds{G})`),
			g.Value("Next due", "dateTimeFromNow", `1000 * max by (job, instance, issuer) (strongswan_crl_next_update_timestamp_seconds{G})`),
		).Size(7, 8).SortBy("Next due", false).NoValue("no CRL is loaded"),
		g.BarGauge("Address pools", "Share of each pool's addresses that are taken; the ten fullest, without those of a single address.",
			g.Query{
				Expr: `topk(10, sum by (instance, pool) (strongswan_pool_leases{G,state="online"})
					/ on (instance, pool) (sum by (instance, pool) (strongswan_pool_addresses{G}) > 1))`,
				Legend: "{{instance}} {{pool}}",
			}).Unit("percentunit").Range(0, 1).Thresholds(filling()).Size(5, 8).NoValue("no pool"),
	}
}
