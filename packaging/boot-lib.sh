# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced by the scripts that run on a machine which boot-root has booted.
# shellcheck shell=bash

set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER=

# say WHAT: a step that is done. The next one may start the service as often as it likes; nobody does that in so short a time.
say() {
	printf 'systemd: %s\n' "$*"
	systemctl reset-failed strongswan_exporter.service 2>/dev/null || true
}
die() {
	say "error: $*"
	journalctl --no-pager --lines=40 --unit=strongswan_exporter --unit=strongswan || true
	tail -n 20 /tmp/*.log 2>/dev/null || true
	exit 1
}

await() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		"$@" && return
		sleep 0.1
	done
	die "in vain: $*"
}

quietly() { "$@" >/tmp/output 2>&1 || { cat /tmp/output && die "$*"; }; }
metric() { curl -s http://localhost:10500/metrics | sed -n "s/^$1 //p"; }
is() { [[ $(metric "$1") == "$2" ]]; }

booted() {
	local state
	state=$(systemctl is-system-running --wait) || true
	[[ $state == running ]] || { systemctl --failed && die "the machine is $state"; }
	systemctl is-active --quiet strongswan || die "strongSwan does not run"
}

# documented PAGE PATH: the file as the page of the documentation shows it.
documented() { install -D -m 644 "/packages/docs/$1$2" "$2"; }
