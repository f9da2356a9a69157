// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package boards

import g "github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/grafana"

func gatewayAlgorithms() []*g.Panel {
	return []*g.Panel{
		g.Row("Algorithms"),
		g.Stat("Post-quantum", "Share of the IKE_SAs whose key exchange includes ML-KEM.",
			g.Query{Expr: `(` + postQuantum + `) / sum(strongswan_ike_sa_suites{C})`}).Unit("percentunit").Size(4, 4).NoValue("no IKE_SA"),
		g.Stat("Weak in use", "IKE_SAs and CHILD_SAs that use an algorithm which should not be relied on any more.",
			g.Query{Expr: `sum(
				strongswan_ike_sa_suites{C,encryption=~"` + weak + `"}
				or strongswan_ike_sa_suites{C,integrity=~"` + weak + `"}
				or strongswan_ike_sa_suites{C,prf=~"` + weak + `"}
				or strongswan_ike_sa_suites{C,key_exchange=~"` + weak + `"}
				or strongswan_child_sa_suites{T,encryption=~"` + weak + `"}
				or strongswan_child_sa_suites{T,integrity=~"` + weak + `"}
				or strongswan_child_sa_suites{T,key_exchange=~"` + weak + `"}
			) or vector(0)`}).Thresholds(suspicious()).Size(4, 4),
		g.Pie("Key exchanges", "IKE_SAs by their key exchanges.",
			g.Query{Expr: `sum by (key_exchange) (strongswan_ike_sa_suites{C})`, Legend: "{{key_exchange}}"}).Size(8, 8),
		g.Pie("Encryption", "CHILD_SAs by their encryption.",
			g.Query{Expr: `sum by (encryption) (strongswan_child_sa_suites{T})`, Legend: "{{encryption}}"}).Size(8, 8),
		g.Table("Suites of IKE_SAs", "How many IKE_SAs use which algorithms. PPK: with a post-quantum preshared key.",
			g.Label("encryption", "Encryption"), g.Label("integrity", "Integrity"), g.Label("prf", "PRF"),
			g.Label("key_exchange", "Key exchange"), g.Label("ppk", "PPK"),
			g.Value("IKE_SAs", "short", `sum by (encryption, integrity, prf, key_exchange, ppk) (strongswan_ike_sa_suites{C})`),
		).Size(12, 8).SortBy("IKE_SAs", true),
		g.Table("Suites of CHILD_SAs", "How many CHILD_SAs use which algorithms. Without a key exchange of its own a CHILD_SA has keys from "+
			"the IKE_SA's.",
			g.Label("protocol", "Protocol"), g.Label("encryption", "Encryption"), g.Label("integrity", "Integrity"),
			g.Label("key_exchange", "Key exchange"), g.Label("esn", "ESN"),
			g.Value("CHILD_SAs", "short", `sum by (protocol, encryption, integrity, key_exchange, esn) (strongswan_child_sa_suites{T})`),
		).Size(12, 8).SortBy("CHILD_SAs", true),
		g.Table("Weak algorithms that are configured",
			"What connections would accept, where the daemon lists proposals (strongSwan 6.1 and later).",
			g.Label("connection", "Connection"), g.Label("child", "Child"), g.Label("protocol", "Protocol"), g.Label("type", "Type"),
			g.Label("algorithm", "Algorithm"),
			g.Value("Accepted", "short", `max by (connection, child, protocol, type, algorithm) (
				strongswan_configured_algorithm{C,algorithm=~"`+weak+`"})`).As(g.Words(map[string]g.Word{"1": {Text: "yes", Color: "orange"}})),
		).Size(12, 8).NoValue("none, or the daemon does not list proposals"),
		inGateway("Configured lifetimes", "Rekeying of IKE_SAs and children, reauthentication and dead peer detection, where they are set.",
			g.Label("connection", "Connection"),
			g.Value("IKE rekeying", "s", `max by (job, instance, connection) (strongswan_connection_rekey_interval_seconds{C})`),
			g.Value("Reauthentication", "s", `max by (job, instance, connection) (strongswan_connection_reauth_interval_seconds{C})`),
			g.Value("Child rekeying", "s", `min by (job, instance, connection) (strongswan_child_rekey_interval_seconds{T})`),
			g.Value("after", "bytes", `min by (job, instance, connection) (strongswan_child_rekey_interval_bytes{T})`),
			g.Value("after packets", "short", `min by (job, instance, connection) (strongswan_child_rekey_interval_packets{T})`),
			g.Value("Peer is checked", "s", `max by (job, instance, connection) (strongswan_connection_dpd_delay_seconds{C})`),
		).Size(12, 8).SortBy("Connection", false),
	}
}

func gatewayCredentials() []*g.Panel {
	return []*g.Panel{
		g.Row("Pools and credentials"),
		g.TimeSeries("Leases", "Leases of virtual IPs that are in use, and those that are remembered for peers who left.",
			g.Query{Expr: `sum by (pool, state) (strongswan_pool_leases{G})`, Legend: "{{pool}} {{state}}"}).Stacked().NoValue("no pool"),
		inGateway("Pools", "Each pool of virtual IPs.",
			g.Label("pool", "Pool"), g.Label("base", "First address"),
			g.Value("Addresses", "short", `max by (job, instance, pool) (strongswan_pool_addresses{G})`),
			g.Value("Taken", "short", `sum by (job, instance, pool) (strongswan_pool_leases{G,state="online"})`),
			g.Value("Share", "percentunit", `sum by (job, instance, pool) (strongswan_pool_leases{G,state="online"})
				/ sum by (job, instance, pool) (strongswan_pool_addresses{G})`).Coloured(filling()),
			g.Only(`max by (job, instance, pool, base) (strongswan_pool_info{G})`),
		).Size(12, 8).SortBy("Share", true).NoValue("no pool"),
		inGateway("Certificates", "X.509 certificates that the daemon has. Own: the gateway has the private key.",
			g.Label("subject", "Subject"), g.Label("issuer", "Issuer"), g.Label("flag", "Flag"), g.Label("private_key", "Own"),
			g.Label("key", "Key"), g.Label("signature", "Signature"), g.Label("serial", "Serial"),
			g.Value("Valid from", "dateTimeFromNow", `1000 * strongswan_certificate_not_before_timestamp_seconds{G}`),
			g.Value("Expires", "dateTimeFromNow", `1000 * strongswan_certificate_not_after_timestamp_seconds{G}`),
			g.Only(`strongswan_certificate_info{G} and on (job, instance, subject, issuer, serial, flag)
				strongswan_certificate_not_after_timestamp_seconds{G}`),
		).Size(24, 8).SortBy("Expires", false).NoValue("none"),
		inGateway("Revocation lists", "CRLs that the daemon has.",
			g.Label("issuer", "Issuer"),
			g.Value("Issued", "dateTimeFromNow", `1000 * strongswan_crl_this_update_timestamp_seconds{G}`),
			g.Value("Next due", "dateTimeFromNow", `1000 * strongswan_crl_next_update_timestamp_seconds{G}`),
		).Size(8, 7).SortBy("Next due", false).NoValue("none"),
		inGateway("OCSP responses", "OCSP responses that the daemon keeps.",
			g.Label("responder", "Responder"),
			g.Value("Issued", "dateTimeFromNow", `1000 * strongswan_ocsp_this_update_timestamp_seconds{G}`),
			g.Value("Next due", "dateTimeFromNow", `1000 * strongswan_ocsp_next_update_timestamp_seconds{G}`),
		).Size(8, 7).SortBy("Next due", false).NoValue("none"),
		inGateway("Authorities", "Certification authorities that were loaded over VICI.",
			g.Label("authority", "Authority"), g.Label("ca", "Certificate"), g.Label("crl_uris", "CRLs"), g.Label("ocsp_uris", "OCSP"),
			g.Only(`strongswan_authority_info{G}`),
		).Size(8, 7).NoValue("none"),
		g.BarGauge("Loaded over VICI", "All 0 after a restart that nobody followed with a load.",
			g.Query{Expr: `sum by (kind) (strongswan_loaded_objects{G})`, Legend: "{{kind}}"}).Size(8, 6),
		g.BarGauge("Certificates by type", "What the daemon lists.",
			g.Query{Expr: `sum by (type, flag) (strongswan_certificates{G})`, Legend: "{{type}} {{flag}}"}).Size(8, 6).NoValue("none"),
		g.BarGauge("Policies", "Installed policies: traps by their mode, and shunts.",
			g.Query{Expr: `sum by (mode) (strongswan_policies{G})`, Legend: "{{mode}}"}).Size(8, 6).NoValue("none"),
	}
}

func gatewayDaemon() []*g.Panel {
	return []*g.Panel{
		g.Row("Daemon"),
		g.TimeSeries("Worker threads", "What the threads are busy with, by priority, and how many are idle. None idle: the daemon cannot answer.",
			g.Query{Expr: `sum by (priority) (strongswan_worker_threads_active{G})`, Legend: "{{priority}}"},
			g.Query{Expr: `sum(strongswan_worker_threads_idle{G})`, Legend: "idle"}).Stacked(),
		g.TimeSeries("Share of threads in use", "Threads that are not idle, of all.",
			g.Query{Expr: `1 - sum(strongswan_worker_threads_idle{G}) / sum(strongswan_worker_threads{G})`, Legend: "busy"}).
			Unit("percentunit").Range(0, 1),
		g.TimeSeries("Jobs", "Jobs that wait for a thread, by priority. Normally none.",
			g.Query{Expr: `sum by (priority) (strongswan_queued_jobs{G})`, Legend: "{{priority}}"}).Stacked().Size(8, 8),
		g.TimeSeries("Scheduled", "Jobs that wait for their time: rekeyings, time-outs, keep-alives.",
			g.Query{Expr: `sum(strongswan_scheduled_jobs{G})`, Legend: "scheduled"}).Size(8, 8),
		g.TimeSeries("Memory", "The daemon's heap: in use, free, and what the C library got from the system; or what the daemon counts itself.",
			g.Query{Expr: `sum(strongswan_malloc_used_bytes{G})`, Legend: "used"},
			g.Query{Expr: `sum(strongswan_malloc_free_bytes{G})`, Legend: "free"},
			g.Query{Expr: `sum(strongswan_malloc_sbrk_bytes{G})`, Legend: "by sbrk"},
			g.Query{Expr: `sum(strongswan_malloc_mmap_bytes{G})`, Legend: "by mmap"},
			g.Query{Expr: `sum(strongswan_heap_bytes{G})`, Legend: "allocated"}).Unit("bytes").Size(8, 8),
	}
}

func gatewayExporter() []*g.Panel {
	return []*g.Panel{
		g.CollapsedRow("Exporter"),
		g.StateTimeline("Collectors", "Whether all queries of a collector completed. If not, its metrics are absent.",
			g.Query{Expr: `min by (collector) (strongswan_scrape_collector_success{G})`, Legend: "{{collector}}"},
			g.Words(map[string]g.Word{"0": {Text: "failed", Color: "red"}, "1": {Text: "complete", Color: "green", Index: 1}})).Size(12, 9),
		g.TimeSeries("Duration", "How long each collector's queries took, and the whole scrape.",
			g.Query{Expr: `max by (collector) (strongswan_scrape_collector_duration_seconds{G})`, Legend: "{{collector}}"},
			g.Query{Expr: `max(scrape_duration_seconds{G}` + ofExporters + `)`, Legend: "scrape"}).Unit("s").Size(12, 9),
		g.TimeSeries("Requests", "Commands that were sent to the daemon.",
			g.Query{Expr: `sum by (command) (rate(strongswan_vici_requests_total{G}[$__rate_interval]))`, Legend: "{{command}}"}).
			Unit("reqps").Stacked(),
		g.TimeSeries("Failed requests", "Commands that failed, by reason. An unknown command is one that this daemon does not have.",
			g.Query{
				Expr:   `sum by (command, reason) (increase(strongswan_vici_request_errors_total{G}[$__rate_interval]))`,
				Legend: "{{command}} {{reason}}",
			}).Bars().NoValue("none"),
		g.TimeSeries("Events", "Events that the daemon sent.",
			g.Query{Expr: `sum by (event) (rate(strongswan_events_received_total{G}[$__rate_interval]))`, Legend: "{{event}}"}).
			Unit("eps").Stacked(),
		g.StateTimeline("Event stream", "Whether the exporter gets events; counters of events stand still while it does not.",
			g.Query{Expr: `min by (instance) (strongswan_event_stream_connected{G})`, Legend: "{{instance}}"}, upDown()).Size(6, 8),
		g.Stat("Subscriptions", "More than one: the stream was lost and found again.",
			g.Query{Expr: `sum(strongswan_event_stream_connects_total{G})`}).Size(3, 4),
		g.Stat("Not listed", "IKE_SAs that the daemon has and did not list: busy ones, or too large for one message.",
			g.Query{Expr: `sum(strongswan_sweep_unlisted_ike_sas{G})`}).Thresholds(suspicious()).Size(3, 4),
		g.Table("Events of this daemon", "Whether the daemon knows the event. An older one lacks some.",
			g.Label("event", "Event"),
			g.Value("Known", "short", `max by (event) (strongswan_event_supported{G})`).
				As(g.Words(map[string]g.Word{"0": {Text: "no", Color: "orange"}, "1": {Text: "yes", Color: "green", Index: 1}})),
		).Size(6, 8),
		g.Table("Values that were left out", "Values from the daemon that could not be understood since the exporter was started, by their key. "+
			"Please report them.",
			g.Label("field", "Key"), g.Value("Times", "short", `sum by (field) (strongswan_vici_values_rejected_total{G}) > 0`),
		).Size(6, 8).NoValue("none"),
		g.TimeSeries("Looks", "Additional looks at single SAs around rekeyings, which make traffic totals exact, and those that were left out.",
			g.Query{Expr: `sum(rate(strongswan_follow_up_looks_total{G}[$__rate_interval]))`, Legend: "made"},
			g.Query{
				Expr:   `sum by (reason) (rate(strongswan_follow_up_looks_skipped_total{G}[$__rate_interval]))`,
				Legend: "left out: {{reason}}",
			}).Unit("ops").Size(9, 8),
		g.Stat("Daemon's log", "Whether the exporter reads the daemon's log, which announces rekeyings that no timer foretells. "+
			"It does not where nothing depends on that.",
			g.Query{Expr: `min(strongswan_follow_up_log_subscribed{G})`}).
			Mapping(g.Words(map[string]g.Word{"0": {Text: "not read", Color: "blue"}, "1": {Text: "read", Color: "green", Index: 1}})).Size(3, 8),
		g.TimeSeries("Left out", "Series beyond --limit.series, peers beyond --collector.peers.limit, and totals of connections that are gone.",
			g.Query{Expr: `sum(strongswan_series_dropped{G})`, Legend: "series"},
			g.Query{Expr: `sum(strongswan_peers_dropped{G})`, Legend: "peers"},
			g.Query{Expr: `sum(increase(strongswan_traffic_totals_evicted_total{G}[$__range]))`, Legend: "totals of what is gone"}).Size(8, 8),
		g.TimeSeries("CPU", "Processor time of the exporter.",
			g.Query{Expr: `sum(rate(process_cpu_seconds_total{G}[$__rate_interval])` + ofExporters + `)`, Legend: "exporter"}).
			Unit("percentunit").Size(4, 8),
		g.TimeSeries("Memory of the exporter", "Resident memory.",
			g.Query{Expr: `sum(process_resident_memory_bytes{G}` + ofExporters + `)`, Legend: "exporter"}).Unit("bytes").Size(6, 8),
		g.Table("Exporter's version", "What was built from what.",
			g.Label("version", "Version"), g.Label("revision", "Revision"), g.Label("goversion", "Go"),
			g.Only(`max by (version, revision, goversion) (strongswan_exporter_build_info{G})`),
		).Size(6, 8),
	}
}

func gatewayCapabilities() []*g.Panel {
	const needed = " Needs the collector capabilities, which is off by default (--collector.capabilities)."
	return []*g.Panel{
		g.CollapsedRow("Capabilities"),
		g.Table("Plugins", "Plugins of the daemon."+needed,
			g.Label("plugin", "Plugin"), g.Only(`max by (plugin) (strongswan_plugin_loaded{G})`),
		).Size(8, 10).NoValue("the collector capabilities is off"),
		g.Table("Algorithms", "Algorithms that the daemon could use, and the plugin that brings them."+needed,
			g.Label("type", "Type"), g.Label("algorithm", "Algorithm"), g.Label("plugin", "Plugin"),
			g.Only(`max by (type, algorithm, plugin) (strongswan_algorithm_loaded{G})`),
		).Size(16, 10).SortBy("Type", false).NoValue("the collector capabilities is off"),
	}
}
