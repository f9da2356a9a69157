# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced: simulated daemon and exporter (stack.sh) with a Prometheus that has the shipped rules and six hours of history, for as
# long as the script runs. Everything listens on the loopback.
# shellcheck shell=bash

source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

# history_write DIRECTORY: six hours of three gateways, up to now, as a database of Prometheus.
history_write() {
	say "writing six hours of history"
	go test -C dashboards -count=1 -run TestHistory ./history -args -out "$stack_dir/history.om" >"$stack_dir/history.log" ||
		{ cat "$stack_dir/history.log" >&2 && die "no history"; }
	promtool tsdb create-blocks-from openmetrics "$stack_dir/history.om" "$1" >"$stack_dir/blocks.log"
	rm "$stack_dir/history.om"
}

# prometheus_configure: the rules are the shipped ones; alerts fire after 5 s, so that nobody has to wait for them. Two foreign jobs
# are no business of the dashboards: one that has the name of a gateway, and one that is down.
prometheus_configure() {
	cp dashboards/rules/recording.yml "$stack_dir"
	sed -E 's/^( +for:) .+/\1 5s/' dashboards/rules/alerts.yml >"$stack_dir/alerts.yml"
	cat >"$stack_dir/prometheus.yml" <<YAML
global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [alerts.yml, recording.yml]
scrape_configs:
  - job_name: strongswan
    static_configs:
      - targets: ["${stack_url#http://}"]
        labels: {instance: demo}
  - job_name: prometheus
    static_configs:
      - targets: ["${prometheus_url#http://}"]
        labels: {instance: demo}
  - job_name: node
    static_configs:
      - targets: ["127.0.0.1:1"]
        labels: {instance: elsewhere}
YAML
}

# free_port: one of the loopback that nobody listens at.
free_port() {
	local port
	for ((;;)); do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	printf '%s\n' "$port"
}

prometheus_ready() { curl --silent --fail --output /dev/null "$prometheus_url/-/ready"; }

# alerts_firing: whether the rules were evaluated long enough: some tunnels are down in the history.
alerts_firing() {
	curl --silent --fail "$prometheus_url/api/v1/query" \
		--data-urlencode 'query=ALERTS{alertname="StrongSwanTunnelDown", alertstate="firing"}' | grep -q alertname
}

alerts_await() {
	local tries
	for ((tries = 0; tries < 60; tries++)); do
		alerts_firing && return
		sleep 0.5
	done
	return 1
}

# prometheus_stack VICISIM-FLAGS...: starts everything and sets prometheus_url.
prometheus_stack() {
	have prometheus || die "Prometheus is not installed: scripts/install-deps"
	STRONGSWAN_EXPORTER_COLLECTOR_PEERS=true STRONGSWAN_EXPORTER_COLLECTOR_CAPABILITIES=true stack_start 127.0.0.1:0 "$@"
	history_write "$stack_dir/data"
	prometheus_url=http://127.0.0.1:$(free_port)
	prometheus_configure
	prometheus --config.file="$stack_dir/prometheus.yml" --storage.tsdb.path="$stack_dir/data" \
		--web.listen-address="${prometheus_url#http://}" --log.level=warn &>"$stack_dir/prometheus.log" &
	stack_pids+=($!)
	stack_await "Prometheus is not ready" prometheus_ready
	# The groups of rules begin within 5 s, and an alert fires with its third evaluation.
	alerts_await || die "no alert fires"
}
