# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced by docs-check: docs/migration.md and the rules that make the names of other exporters.
# shellcheck shell=bash

# check_migration: the rules work, the page's tables promise no others, and what both name is there.
check_migration() {
	local rules name
	for rules in examples/migration/*.yml; do
		promtool check rules --lint=all --lint-fatal "$rules" >/dev/null || die "$rules"
		name=${rules##*/}
		(cd examples/migration/tests && promtool test rules "$name" >"${work:?}/promtool.log") ||
			{ cat "$work/promtool.log" >&2 && die "examples/migration/tests/$name"; }
		check_recorded "$rules"
	done
	promised | while read -r rules name; do
		grep -qx " *- record: $name" "$rules" || die "docs/migration.md has an expression for $name, and $rules no rule"
	done
	used_metrics | while read -r name; do
		is_metric "${name%_bucket}" || die "there is no metric $name"
	done
	say "the rules for a migration are valid, all of them that the page promises, and name metrics that exist"
}

# check_recorded RULES: each name that they record has a test, and is no metric of the exporter.
check_recorded() {
	local name
	while read -r name; do
		grep -qE "^ *- expr: $name(\{|$)" "examples/migration/tests/${1##*/}" || die "no test of the rule for $name in $1"
		! is_metric "$name" || die "$1 records $name, which the exporter has itself"
	done < <(sed -n 's/^ *- record: //p' "$1")
}

# promised: file and name of each old metric in the page's tables, except those that have become labels, or have nothing to be made from.
promised() {
	awk -F '|' '
		/^## / { sub("/.*", "", $0); rules = "examples/migration/" tolower(substr($0, 4)) ".yml" }
		/^\| `/ && $3 !~ /^ (labels? |none )/ {
			n = split($2, part, "`")
			for (i = 2; i <= n; i += 2) print rules, part[i]
		}' docs/migration.md
}

# used_metrics: names that the exporter must have, from the right of the tables, from the rules, and from the examples of PromQL.
used_metrics() {
	{
		sed -n 's/^|[^|]*|\(.*\)|$/\1/p' docs/migration.md
		sed '/^ *- record:/d; /^ *#/d; / name: /d' examples/migration/*.yml
		blocks promql docs/promql.md | tr '\0' '\n'
	} | grep -oE '\bstrongswan_[a-z_]+[a-z]' | grep -vx strongswan_exporter | sort -u
}

is_metric() { grep -qE "^\| \`$1\` \|" README.md; }
