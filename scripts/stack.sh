# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced: a simulated daemon and the exporter that watches it, for as long as the script runs.
# shellcheck shell=bash

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

stack_dir=$(mktemp -d)
stack_pids=()

# stack_stop: ends what stack_start started, by its process ids.
stack_stop() {
	((${#stack_pids[@]} == 0)) || kill "${stack_pids[@]}" 2>/dev/null || true
	wait
	rm -rf "$stack_dir"
}
trap stack_stop EXIT

# stack_await WHAT COMMAND...: until the command succeeds, for ten seconds, while what was started last is alive.
stack_await() {
	local what=$1 tries
	shift
	for ((tries = 0; tries < 100; tries++)); do
		"$@" && return
		kill -0 "${stack_pids[-1]}" 2>/dev/null || break
		sleep 0.1
	done
	cat "$stack_dir"/*.log >&2
	die "$what"
}

# stack_listening: sets stack_url to where the exporter says that it listens.
stack_listening() {
	local address
	address=$(sed -nE 's/.*msg="Listening on" address=([^ ]+).*/\1/p' "$stack_dir/exporter.log")
	# shellcheck disable=SC2034 # it is for the scripts that source this one
	stack_url=http://$address
	[[ -n $address ]]
}

# stack_start ADDRESS VICISIM-FLAGS...: builds both, starts both, and sets stack_url.
stack_start() {
	local address=$1 socket=$stack_dir/charon.vici
	shift
	scripts/build "$stack_dir/strongswan_exporter"
	go build -o "$stack_dir/vicisim" ./vici/vicisim

	"$stack_dir/vicisim" --socket "$socket" "$@" &>"$stack_dir/vicisim.log" &
	stack_pids+=($!)
	stack_await "vicisim does not listen" test -S "$socket"

	"$stack_dir/strongswan_exporter" --vici.address="unix://$socket" --web.listen-address="$address" \
		&>"$stack_dir/exporter.log" &
	stack_pids+=($!)
	stack_await "the exporter does not listen" stack_listening
}
