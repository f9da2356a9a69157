# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced by the scripts beside it, never run.
# shellcheck shell=bash

set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Outside the checkout, so that a fresh clone on the same machine builds nothing twice.
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/strongswan_exporter

say() { printf '%s\n' "$*" >&2; }

die() {
	say "error: $*"
	exit 1
}

have() { command -v "$1" >/dev/null; }

in_ci() { [[ ${CI:-} == true ]]; }

may_install() { ((EUID == 0)) && have apt-get; }

# leave_out WHAT WHY: says what is not checked, and lets "make test" say it again at its end. CI leaves out nothing.
leave_out() {
	in_ci && die "$1 must not be left out in CI: $2"
	say "left out: $1 ($2)"
	printf '%s (%s)\n' "$1" "$2" >>"${LEFT_OUT_FILE:-/dev/null}"
}

# tool NAME: prints the path of the tool that tools/NAME/go.mod pins. It is built when that file or the toolchain
# is new to this machine.
tool() {
	local module=tools/$1 key binary
	key=$({ go env GOVERSION && cat "$module/go.mod" "$module/go.sum"; } | sha256sum | cut -c1-16)
	binary=$cache_dir/tools/$1-$key/$1
	if [[ ! -x $binary ]]; then
		say "building $1, once: $binary"
		mkdir -p "${binary%/*}"
		GOWORK=off CGO_ENABLED=0 go build -C "$module" -trimpath -o "$binary.$$" tool
		mv "$binary.$$" "$binary"
	fi
	printf '%s\n' "$binary"
}
