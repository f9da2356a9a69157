// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package boards

import g "github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"

// chosenChildren narrows an expression that keeps child to the children that the viewer chose.
const chosenChildren = ` and on (job, instance, connection, child) strongswan_child_up{T}`

// inGateway is a table with a last column for those who look at several gateways at once.
func inGateway(title, description string, columns ...g.Column) *g.Panel {
	return g.Table(title, description, append(columns, g.Label("instance", "Gateway"))...)
}

// gateway is all about one instance.
func gateway() *g.Dashboard {
	panels := append(gatewayNumbers(), gatewayTunnels()...)
	panels = append(panels, gatewayTraffic()...)
	panels = append(panels, gatewayIKE()...)
	panels = append(panels, gatewayTrouble()...)
	panels = append(panels, gatewayAlgorithms()...)
	panels = append(panels, gatewayCredentials()...)
	panels = append(panels, gatewayDaemon()...)
	panels = append(panels, gatewayExporter()...)
	panels = append(panels, gatewayCapabilities()...)
	return g.New("strongswan-gateway", "strongSwan / Gateway",
		"One gateway: tunnels, traffic, IKE, algorithms, pools, certificates, the daemon and the exporter.",
		choose(instances().WithoutAll(), connections(),
			g.LabelVariable("child", "Child", "strongswan_child_up{C}", ".+")), panels...)
}

func gatewayNumbers() []*g.Panel {
	return []*g.Panel{
		g.Stat("Daemon", "Whether the daemon answers.", g.Query{Expr: `min(strongswan_up{G})`}).
			Mapping(upDown()).Thresholds(g.Steps("red", g.At(1, "green"))).Size(2, 4),
		g.Stat("Version", "The daemon's version.", g.Query{
			Expr: `strongswan_daemon_info{G}`, Legend: "{{daemon}} {{version}}",
		}).ShowName().Size(4, 4),
		g.Stat("System", "What the daemon runs on.", g.Query{
			Expr: `strongswan_daemon_info{G}`, Legend: "{{sysname}} {{release}} {{machine}}",
		}).ShowName().Size(4, 4),
		g.Stat("Started", "When the daemon started.", g.Query{Expr: `1000 * max(strongswan_start_time_seconds{G})`}).
			Unit("dateTimeFromNow").Size(3, 4).NoValue("not known yet"),
		g.Stat("Tunnels down", "Children that should be up and are not.", g.Query{Expr: `count((` + expected + `) == 0) or vector(0)`}).
			Thresholds(none()).Size(2, 4),
		g.Stat("Tunnels up", "Children that carry traffic.", g.Query{Expr: `sum(strongswan_child_up{C})`}).Size(2, 4),
		g.Stat("IKE_SAs", "IKE_SAs in any state, as the daemon counts them.", g.Query{Expr: `sum(strongswan_daemon_ike_sas{G})`}).Size(2, 4),
		g.Stat("Half-open", "IKE_SAs that are not established yet.", g.Query{Expr: `sum(strongswan_daemon_ike_sas_half_open{G})`}).
			Thresholds(g.Steps("green", g.At(50, "red"))).Size(2, 4),
		g.Stat("Users", "Established IKE_SAs of road-warrior connections.", g.Query{Expr: `sum(` + users + `) or vector(0)`}).Size(3, 4),
	}
}

func gatewayTunnels() []*g.Panel {
	return []*g.Panel{
		g.Row("Tunnels"),
		inGateway("Children", "Each configured child. At rest: on demand, or for road warriors. Received and sent: the present rates.",
			g.Label("connection", "Connection"), g.Label("child", "Child"),
			g.Value("State", "short", tunnelState+chosenChildren).As(tunnelStates()),
			g.Value("CHILD_SAs", "short", `sum by (job, instance, connection, child) (strongswan_child_sas{T})`),
			g.Value("Installed", "dateTimeFromNow", `1000 * strongswan_child_sa_installed_timestamp_seconds{T}`),
			g.Value("Rekeying due", "dateTimeFromNow", `1000 * strongswan_child_sa_rekey_timestamp_seconds{T}`),
			g.Value("Expires", "dateTimeFromNow", `1000 * strongswan_child_sa_expiry_timestamp_seconds{T}`),
			g.Value("Last received", "dateTimeFromNow", `1000 * strongswan_child_last_received_timestamp_seconds{T}`),
			g.Value("Last sent", "dateTimeFromNow", `1000 * strongswan_child_last_sent_timestamp_seconds{T}`),
			g.Value("Received", "bps", `8 * sum by (job, instance, connection, child) (
				rate(strongswan_child_received_bytes_total{T}[$__rate_interval]))`),
			g.Value("Sent", "bps", `8 * sum by (job, instance, connection, child) (
				rate(strongswan_child_sent_bytes_total{T}[$__rate_interval]))`),
			g.Label("mode", "Mode"), g.Label("local_ts", "Local networks"), g.Label("remote_ts", "Remote networks"),
			g.Only(`max by (job, instance, connection, child, mode, local_ts, remote_ts) (
				strongswan_child_info{T} and on (job, instance, connection, child) strongswan_child_up{T})`),
		).Size(24, 10).SortBy("State", false),
		inGateway("Connections", "Each configured connection with its peer, and the moments of its IKE_SAs. In the past is overdue.",
			g.Label("connection", "Connection"),
			g.Value("State", "short", connectionState).As(tunnelStates()),
			g.Value("Established", "dateTimeFromNow", `1000 * strongswan_ike_sa_established_timestamp_seconds{C}`),
			g.Value("Rekeying due", "dateTimeFromNow", `1000 * strongswan_ike_sa_rekey_timestamp_seconds{C}`),
			g.Value("Reauthentication due", "dateTimeFromNow", `1000 * strongswan_ike_sa_reauth_timestamp_seconds{C}`),
			g.Value("Initiated here", "short", `strongswan_ike_sas_initiated{C}`),
			g.Value("Behind NAT", "short", `max by (job, instance, connection) (strongswan_ike_sas_nat{C})`),
			g.Value("Tasks", "short", `sum by (job, instance, connection) (strongswan_ike_sa_tasks{C})`),
			g.Label("remote_addrs", "Peer"), g.Label("remote_id", "Identity"), g.Label("remote_auth", "Peer's authentication"),
			g.Label("local_addrs", "Local address"), g.Label("local_id", "Local identity"), g.Label("local_auth", "Own authentication"),
			g.Label("version", "IKE"),
			g.Only(`strongswan_connection_info{C}`),
		).Size(24, 10).SortBy("State", false),
		g.StateTimeline("Tunnels", "Each child over time. At rest: an on-demand child or a road-warrior connection that is down.",
			g.Query{Expr: tunnelState + chosenChildren, Legend: "{{connection}} {{child}}"}, tunnelStates()).Size(24, 12),
	}
}

func gatewayTraffic() []*g.Panel {
	return []*g.Panel{
		g.Row("Traffic"),
		g.TimeSeries("Traffic by connection", "The ten connections with most traffic; what was sent is drawn below zero.",
			g.Query{
				Expr:   "8 * " + busiest("rate", "connection", `strongswan_child_received_bytes_total{T}`),
				Legend: "{{connection}} received",
			},
			g.Query{
				Expr:   "8 * " + busiest("rate", "connection", `strongswan_child_sent_bytes_total{T}`),
				Legend: "{{connection}} sent",
			}).Unit("bps").Below("/sent$/"),
		g.TimeSeries("Packets by connection", "The ten connections with most packets; those that were sent are drawn below zero.",
			g.Query{
				Expr:   busiest("rate", "connection", `strongswan_child_received_packets_total{T}`),
				Legend: "{{connection}} received",
			},
			g.Query{
				Expr:   busiest("rate", "connection", `strongswan_child_sent_packets_total{T}`),
				Legend: "{{connection}} sent",
			}).Unit("pps").Below("/sent$/"),
		g.BarGauge("Traffic by child", "The fifteen children with most traffic in both directions within the time range.",
			g.Query{
				Expr: `topk(15, sum by (connection, child) (
					increase(strongswan_child_received_bytes_total{T}[$__range]) + increase(strongswan_child_sent_bytes_total{T}[$__range])
				))`,
				Legend: "{{connection}} {{child}}",
			}).Unit("bytes").Size(12, 8),
		g.TimeSeries("ESP in UDP", "CHILD_SAs whose packets are wrapped in UDP because of a NAT, and all others.",
			g.Query{Expr: `sum(strongswan_child_sas_udp_encapsulated{T})`, Legend: "in UDP"},
			g.Query{Expr: `sum(strongswan_child_sas{T}) - sum(strongswan_child_sas_udp_encapsulated{T})`, Legend: "plain"}).Stacked(),
	}
}

func gatewayIKE() []*g.Panel {
	return []*g.Panel{
		g.Row("IKE"),
		g.TimeSeries("IKE_SAs by state", "IKE_SAs of the chosen connections.",
			g.Query{Expr: `sum by (version, state) (strongswan_ike_sas{C})`, Legend: "IKEv{{version}} {{state}}"}).Stacked(),
		g.TimeSeries("CHILD_SAs by state", "CHILD_SAs of the chosen children; during a rekeying the old and the new one.",
			g.Query{Expr: `sum by (state, protocol, mode) (strongswan_child_sas{T})`, Legend: "{{state}} {{protocol}} {{mode}}"}).Stacked(),
		g.TimeSeries("IKEv2 messages", "Messages of all connections by exchange; those that were sent are drawn below zero.",
			g.Query{
				Expr:   `sum by (exchange, type) (rate(strongswan_ike_messages_total{G,direction="in"}[$__rate_interval]))`,
				Legend: "{{exchange}} {{type}} in",
			},
			g.Query{
				Expr:   `sum by (exchange, type) (rate(strongswan_ike_messages_total{G,direction="out"}[$__rate_interval]))`,
				Legend: "{{exchange}} {{type}} out",
			}).Unit("pps").Below("/out$/").NoValue("the daemon's plugin counters is not loaded"),
		g.TimeSeries("IKEv2 messages by connection", "The ten busiest connections, in both directions.",
			g.Query{
				Expr:   busiest("rate", "connection", `strongswan_connection_ike_messages_total{C}`),
				Legend: "{{connection}}",
			}).Unit("pps").NoValue("the daemon's plugin counters is not loaded"),
		g.TimeSeries("Rekeyings", "As the daemon counts them for all connections.",
			g.Query{Expr: `sum by (role) (increase(strongswan_ike_rekeys_total{G}[$__rate_interval]))`, Legend: "IKE_SA as {{role}}"},
			g.Query{Expr: `sum(increase(strongswan_child_rekeys_total{G}[$__rate_interval]))`, Legend: "CHILD_SA"}).Bars(),
		g.TimeSeries("Rekeyings by connection", "The ten connections with most rekeyings of IKE_SAs and CHILD_SAs, from events.",
			g.Query{
				Expr:   busiest("increase", "connection", `strongswan_child_sas_rekeyed_total{T}`),
				Legend: "{{connection}} CHILD_SA",
			},
			g.Query{
				Expr:   busiest("increase", "connection", `strongswan_ike_sas_rekeyed_total{C}`),
				Legend: "{{connection}} IKE_SA",
			}).Bars(),
		g.TimeSeries("IKE_SAs that came and went", "Established and terminated IKE_SAs, and those whose peer changed its address.",
			g.Query{Expr: `sum(increase(strongswan_ike_sas_established_total{C}[$__rate_interval]))`, Legend: "established"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_terminated_total{C}[$__rate_interval]))`, Legend: "terminated"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_moved_total{C}[$__rate_interval]))`, Legend: "moved"}).Bars(),
		g.TimeSeries("CHILD_SAs that came and went", "Established and terminated CHILD_SAs, without rekeyings.",
			g.Query{Expr: `sum(increase(strongswan_child_sas_established_total{T}[$__rate_interval]))`, Legend: "established"},
			g.Query{Expr: `sum(increase(strongswan_child_sas_terminated_total{T}[$__rate_interval]))`, Legend: "terminated"}).Bars(),
	}
}

func gatewayTrouble() []*g.Panel {
	return []*g.Panel{
		g.Row("Failures"),
		g.TimeSeries("What the daemon reports", "Alerts of the daemon (strongSwan 6.0.3 and later) by kind.",
			g.Query{
				Expr:   `sum by (alert) (` + raised("$__rate_interval") + `) > 0`,
				Legend: "{{alert}}",
			}).Bars().NoValue("nothing"),
		g.TimeSeries("Invalid messages", "Messages that the daemon refused, and those for an IKE_SA that it does not know. A restart of "+
			"either end makes some; scanners make few all the time.",
			g.Query{Expr: `sum(increase(strongswan_ike_invalid_messages_total{G}[$__rate_interval]))`, Legend: "invalid"},
			g.Query{Expr: `sum(increase(strongswan_ike_invalid_spi_messages_total{G}[$__rate_interval]))`, Legend: "unknown IKE_SA"}).
			Bars().NoValue("the daemon's plugin counters is not loaded"),
		inGateway("Trouble by connection", "Within the time range. Failed: IKE_SAs that never were established. Ended: IKE_SAs that were. "+
			"Changes: how often a child went up or down.",
			g.Label("connection", "Connection"),
			g.Value("Failed", "short", `sum by (job, instance, connection) (increase(strongswan_ike_sas_failed_total{C}[$__range]))`).
				Coloured(suspicious()),
			g.Value("Ended", "short", `sum by (job, instance, connection) (increase(strongswan_ike_sas_terminated_total{C}[$__range]))`),
			g.Value("Changes", "short", `sum by (job, instance, connection) (changes(strongswan_child_up{T}[$__range]))`).
				Coloured(suspicious()),
			g.Value("Reports", "short", `sum by (job, instance, connection) (`+raised("$__range")+`)`),
			g.Value("Invalid messages", "short",
				`sum by (job, instance, connection) (increase(strongswan_connection_ike_invalid_messages_total{C}[$__range]))`),
			g.Value("Unknown IKE_SA", "short",
				`sum by (job, instance, connection) (increase(strongswan_connection_ike_invalid_spi_messages_total{C}[$__range]))`),
			g.Value("IKE rekeyings", "short",
				`sum by (job, instance, connection) (increase(strongswan_connection_ike_rekeys_total{C}[$__range]))`),
			g.Value("Child rekeyings", "short",
				`sum by (job, instance, connection) (increase(strongswan_connection_child_rekeys_total{C}[$__range]))`),
		).Size(24, 9).SortBy("Failed", true),
	}
}
