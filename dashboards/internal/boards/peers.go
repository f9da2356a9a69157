// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package boards

import g "github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"

// needsPeers says why a panel may be empty.
const needsPeers = " Needs the collector peers, which is off by default (--collector.peers)."

// peers is who is connected.
func peers() *g.Dashboard {
	panels := append(peersNumbers(), peersList()...)
	panels = append(panels, peersTraffic()...)
	panels = append(panels, peersSessions()...)
	return g.New("strongswan-peers", "strongSwan / Peers",
		"Road warriors and other connections with several peers: who is on, since when, traffic by user, lengths of sessions.",
		choose(instances(), roadWarriorConnections(),
			g.LabelVariable("peer", "Peer", "strongswan_peer_ike_sas{C}", ".*")), panels...)
}

// roadWarriorConnections are those whose peers may be anywhere or in a network. "All" stands for these only.
func roadWarriorConnections() g.Variable {
	return g.LabelVariable("connection", "Connection", `strongswan_connection_info{G,remote_addrs=~".*(%any|/).*"}`, "")
}

func peersNumbers() []*g.Panel {
	return []*g.Panel{
		g.Stat("Peers connected", "Authenticated identities with at least one IKE_SA."+needsPeers,
			g.Query{Expr: `count(strongswan_peer_ike_sas{P} > 0) or vector(0)`}),
		g.Stat("IKE_SAs", "Established IKE_SAs of these connections; a peer with two devices has two.",
			g.Query{Expr: `sum(strongswan_ike_sas{C,state="ESTABLISHED"}) or vector(0)`}),
		g.Stat("Virtual IPs", "Virtual IPs that are assigned to peers.",
			g.Query{Expr: `sum(strongswan_virtual_ips{C,side="remote"}) or vector(0)`}),
		g.Stat("Behind NAT", "Share of the IKE_SAs whose peer is behind a NAT.",
			g.Query{Expr: `sum(strongswan_ike_sas_nat{C,side="remote"}) / sum(strongswan_ike_sas{C})`}).Unit("percentunit").NoValue("nobody is on"),
		g.Stat("Received", "Traffic from all peers.",
			g.Query{Expr: `8 * sum(rate(strongswan_child_received_bytes_total{C}[$__rate_interval]))`}).Unit("bps"),
		g.Stat("Sent", "Traffic to all peers.",
			g.Query{Expr: `8 * sum(rate(strongswan_child_sent_bytes_total{C}[$__rate_interval]))`}).Unit("bps"),
		g.Stat("Median session", "Half of the sessions that ended within the time range were shorter.",
			g.Query{Expr: `histogram_quantile(0.5, sum by (le) (increase(strongswan_ike_sa_session_seconds_bucket{C}[$__range]))) >= 0`}).
			Unit("s").NoValue("no session ended"),
		g.Stat("Peers not shown", "Peers beyond --collector.peers.limit, which have no series of their own.",
			g.Query{Expr: `sum(strongswan_peers_dropped{G}) or vector(0)`}).Thresholds(suspicious()),
	}
}

func peersList() []*g.Panel {
	return []*g.Panel{
		g.Row("Who is on"),
		g.Table("Peers", "Each peer that is connected, from where, since when, and when it last sent something. Received and sent are totals "+
			"of the time range."+needsPeers,
			g.Label("peer", "Peer"), g.Label("instance", "Gateway").LinkTo("Open the gateway", toGateway), g.Label("connection", "Connection"),
			g.Value("Since", "dateTimeFromNow",
				`1000 * max by (job, instance, connection, peer) (strongswan_peer_established_timestamp_seconds{P})`),
			g.Value("Last packet received", "dateTimeFromNow",
				`1000 * max by (job, instance, connection, peer) (strongswan_peer_last_received_timestamp_seconds{P})`),
			g.Value("Last packet sent", "dateTimeFromNow",
				`1000 * max by (job, instance, connection, peer) (strongswan_peer_last_sent_timestamp_seconds{P})`),
			g.Value("Received", "bytes", `sum by (job, instance, connection, peer) (increase(strongswan_peer_received_bytes_total{P}[$__range]))
				and on (job, instance, connection, peer) strongswan_peer_ike_sas{P}`),
			g.Value("Sent", "bytes", `sum by (job, instance, connection, peer) (increase(strongswan_peer_sent_bytes_total{P}[$__range]))
				and on (job, instance, connection, peer) strongswan_peer_ike_sas{P}`),
			g.Value("IKE_SAs", "short", `max by (job, instance, connection, peer) (strongswan_peer_ike_sas{P})`),
			g.Label("remote_host", "From"), g.Label("nat", "NAT"), g.Label("virtual_ips", "Virtual IPs"), g.Label("version", "IKE"),
			g.Label("encryption", "Encryption"), g.Label("key_exchange", "Key exchange"),
			g.Only(`max by (job, instance, connection, peer, remote_host, nat, virtual_ips, version, encryption, key_exchange) (
				strongswan_peer_info{P})`),
		).Size(24, 12).SortBy("Since", true).NoValue("nobody is on, or the collector peers is off"),
		g.TimeSeries("Users", "Established IKE_SAs by connection.",
			g.Query{Expr: `sum by (instance, connection) (strongswan_ike_sas{C,state="ESTABLISHED"})`, Legend: "{{instance}} {{connection}}"}).
			Stacked().Size(16, 8),
		g.BarGauge("Address pools", "Share of each pool's addresses that are taken, without pools of a single address; leases of peers who "+
			"left can be given to others.",
			g.Query{
				Expr: `sum by (instance, pool) (strongswan_pool_leases{G,state="online"})
					/ on (instance, pool) (sum by (instance, pool) (strongswan_pool_addresses{G}) > 1)`,
				Legend: "{{instance}} {{pool}}",
			}).Unit("percentunit").Range(0, 1).Thresholds(filling()).NoValue("no pool"),
	}
}

func peersTraffic() []*g.Panel {
	return []*g.Panel{
		g.Row("Traffic"),
		g.TimeSeries("Received from peers", "The ten peers from which most comes."+needsPeers,
			g.Query{
				Expr:   "8 * " + busiest("rate", "connection, peer", `strongswan_peer_received_bytes_total{P}`),
				Legend: "{{peer}} ({{connection}})",
			}).Unit("bps"),
		g.TimeSeries("Sent to peers", "The ten peers to which most goes."+needsPeers,
			g.Query{
				Expr:   "8 * " + busiest("rate", "connection, peer", `strongswan_peer_sent_bytes_total{P}`),
				Legend: "{{peer}} ({{connection}})",
			}).Unit("bps"),
		g.BarGauge("Most traffic", "The fifteen peers with most traffic in both directions within the time range."+needsPeers,
			g.Query{
				Expr: `topk(15, sum by (connection, peer) (
					increase(strongswan_peer_received_bytes_total{P}[$__range]) + increase(strongswan_peer_sent_bytes_total{P}[$__range])
				))`,
				Legend: "{{peer}} ({{connection}})",
			}).Unit("bytes").Size(12, 10),
		g.TimeSeries("Packets", "Packets from and to all peers; those that were sent are drawn below zero."+needsPeers,
			g.Query{Expr: `sum(rate(strongswan_peer_received_packets_total{P}[$__rate_interval]))`, Legend: "received"},
			g.Query{Expr: `sum(rate(strongswan_peer_sent_packets_total{P}[$__rate_interval]))`, Legend: "sent"}).
			Unit("pps").Below("/sent$/").Size(12, 10),
	}
}

func peersSessions() []*g.Panel {
	return []*g.Panel{
		g.Row("Sessions"),
		g.Heatmap("Lengths of sessions", "How many of the sessions that ended lasted how long, through rekeyings.",
			`sum by (le) (increase(strongswan_ike_sa_session_seconds_bucket{C}[$__rate_interval]))`),
		g.TimeSeries("Length of a session", "Average, median and ninth decile of the sessions that ended within the last hour.",
			g.Query{
				Expr: `sum(increase(strongswan_ike_sa_session_seconds_sum{C}[1h])) /
					sum(increase(strongswan_ike_sa_session_seconds_count{C}[1h])) >= 0`,
				Legend: "average",
			},
			g.Query{
				Expr:   `histogram_quantile(0.5, sum by (le) (increase(strongswan_ike_sa_session_seconds_bucket{C}[1h]))) >= 0`,
				Legend: "median",
			},
			g.Query{
				Expr:   `histogram_quantile(0.9, sum by (le) (increase(strongswan_ike_sa_session_seconds_bucket{C}[1h]))) >= 0`,
				Legend: "90 %",
			}).Unit("s"),
		g.TimeSeries("Sessions that began, ended and failed",
			"Established and ended IKE_SAs, and those that failed before they were established.",
			g.Query{Expr: `sum(increase(strongswan_ike_sas_established_total{C}[$__rate_interval]))`, Legend: "began"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_terminated_total{C}[$__rate_interval]))`, Legend: "ended"},
			g.Query{Expr: `sum(increase(strongswan_ike_sas_failed_total{C}[$__rate_interval]))`, Legend: "failed"}).Bars(),
		g.TimeSeries("Peers on the move", "Established IKE_SAs whose peer changed its address (MOBIKE or NAT).",
			g.Query{
				Expr:   `sum by (connection) (increase(strongswan_ike_sas_moved_total{C}[$__rate_interval]))`,
				Legend: "{{connection}}",
			}).Bars(),
		g.Table("Why sessions fail", "What the daemons report about these connections (strongSwan 6.0.3 and later), within the time range.",
			g.Label("instance", "Gateway"), g.Label("connection", "Connection"), g.Label("alert", "Report"),
			g.Value("Times", "short",
				`topk(20, sum by (job, instance, connection, alert) (`+raised("$__range")+`) > 0)`),
		).Size(12, 8).SortBy("Times", true).NoValue("nothing"),
		g.Pie("Algorithms", "What the peers' IKE_SAs are encrypted with, and the key exchange."+needsPeers,
			g.Query{
				Expr:   `count by (encryption, key_exchange) (strongswan_peer_info{P})`,
				Legend: "{{encryption}} {{key_exchange}}",
			}).Size(12, 8),
	}
}
