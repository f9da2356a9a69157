# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Sourced by docs-check: the commands in the documentation. Each of them is run, here or by another check that has it word by
# word; one that is not is an error, so that none can rot.
# shellcheck shell=bash

# Where commands run that would change this machine.
runners=(packaging/boot-deb packaging/boot-host packaging/live-deb packaging/live-rpm scripts/*-check .ci/run)

# What is run in another form, and where; and what nothing here can run, and why.
declare -A otherwise=(
	['^helm ']="charts/check renders the chart with these values"
	['^group=\$\(getent ']="part of the command for helm"
	['^docker run ']="image-check runs the image, without an engine"
	['^dnf install ']="package-check installs the rpm by rpm; there is no Fedora"
	['/run/strongswan/charon.vici$']="Fedora's; e2e/packaging has the socket there"
	['/etc/strongswan/strongswan.d/$']="Fedora's; live-deb does the same for Debian"
	['^systemctl reload apparmor$']="boot-host lets the parser read what that loads; no kernel here has AppArmor"
	['^go test \./collector -run - -bench ']="measures for minutes; the benchmark's parts have budgets in unit tests"
	['^VICI_TEST_ADDRESS=.* go test -run .\^TestSuite\$. \./vici$']="e2e runs this suite against daemons of its own"
	['^sudo \./strongswan_exporter$']="the exporter is started by everything here"
)

# commands PAGE: each command of the page on a line, without comments.
# shellcheck disable=SC2154 # blocks is docs-check's
commands() {
	blocks sh "$1" | tr -d '\0' | sed -e ':a' -e '/\\$/N; s/ *\\\n */ /; ta' | sed -E 's/(^| +)#.*//; s/ +$//; /^$/d'
}

# check_commands: every command of every page, with the files that check_web_config leaves.
check_commands() {
	local page line here=0 elsewhere=0
	for page in "${pages[@]:?}"; do
		while IFS= read -r line; do
			case $line in
			strongswan_exporter\ * | ./strongswan_exporter\ * | mv\ strongswan.prom.new\ *)
				run_here "$page" "$line"
				here=$((here + 1))
				;;
			make\ *) check_target "$page" "${line#make }" ;;
			scripts/*) check_step "$page" "$line" ;;
			*)
				runs_elsewhere "$line" || die "$page: no check runs: $line"
				elsewhere=$((elsewhere + 1))
				;;
			esac
		done < <(commands "$page")
	done
	((here > 5 && elsewhere > 15)) || die "only $here and $elsewhere commands were found"
	say "$here commands run here, $elsewhere elsewhere"
}

# run_here PAGE COMMAND: with the simulated daemon.
run_here() {
	local page=$1 line=${2//\/var\/lib\/strongswan_exporter/$work}
	line=${line//\/etc\/strongswan_exporter/$work}
	(
		cd "$work"
		ln -sf ../strongswan_exporter .
		export STRONGSWAN_EXPORTER_VICI_ADDRESS=unix://$PWD/../charon.vici PATH=$PWD/..:$PATH
		eval "$line"
	) >"$work/output" 2>&1 || { cat "$work/output" >&2 && die "$page: $line"; }
}

# check_files: each configuration file of a page has the path where it belongs, and a machine of boot-root's lives with it.
check_files() {
	local page language file n=0
	for page in "${pages[@]}"; do
		for language in conf ini; do
			while IFS= read -r -d '' file; do
				file=${file%%$'\n'*}
				[[ $file == '# /'* ]] || die "$page: a file has to begin with its path, and not with: $file"
				grep -qE -- "^[[:space:]]*documented $page ${file#\# }$" packaging/boot-* || die "$page: no machine tries ${file#\# }"
				n=$((n + 1))
			done < <(blocks $language "$page")
		done
	done
	((n > 5)) || die "only $n files were found"
	say "$n configuration files are tried on a machine"
}

# check_languages: what has no language would be checked by nobody.
check_languages() {
	local page
	for page in "${pages[@]}"; do
		! awk '/^```/ { if (!inside && $0 == "```") found = 1; inside = !inside } END { exit !found }' "$page" ||
			die "$page: a block without a language, which can be text"
	done
}

# check_step PAGE COMMAND: a script that "make test" runs as a whole, here with the name of a test that is there.
check_step() {
	local page=$1 name test
	read -r name test <<<"${2#scripts/}"
	grep -qE "^for name in .*\b$name\b" scripts/test || die "$page: scripts/$name is not part of make test"
	[[ -z $test ]] || grep -qE "^func ${test#-run }\b" e2e/*_test.go || die "$page: there is no test ${test#-run }"
}

# check_target PAGE TARGET: the target is there, and what it does is a step of "make test", or is tried below.
check_target() {
	local page=$1 target=$2
	grep -q "^$target:" Makefile || die "$page: there is no target $target"
	case $target in
	build | test) ;; # stack_start builds; test is what runs all of this
	demo) [[ -e $work/demo ]] || try_demo ;;
	soak) grep -q '^func TestSoak(' e2e/*_test.go || die "e2e has no short form of the soak" ;;
	alerts-check | traffic-check | bench | performance | fleet | release-check) # they take many minutes
		[[ -x scripts/$target ]] || die "$page: there is no scripts/$target"
		;;
	*) grep -qE "^for name in .*\b$target\b" scripts/test || die "$page: make $target is not part of make test" ;;
	esac
}

# try_demo: until it says where to look, then it is told to end.
try_demo() {
	make --no-print-directory demo >"$work/demo" 2>&1 &
	stack_pids+=($!)
	stack_await "make demo says nothing" grep -q 'Interrupt (Ctrl-C)' "$work/demo"
	grep -q '^strongswan_up 1$' "$work/demo" || die "make demo printed no scrape"
	kill -TERM "${stack_pids[-1]}"
	unset 'stack_pids[-1]'
}

# runs_elsewhere COMMAND: one of the runners has it, with a variable for the version; or the table above says what is done instead.
runs_elsewhere() {
	local pattern version
	version=$(<VERSION)
	# shellcheck disable=SC2016 # it is the runners' variable
	grep -qF -- "${1//"$version"/'$version'}" "${runners[@]}" && return
	for pattern in "${!otherwise[@]}"; do
		[[ ! $1 =~ $pattern ]] || return 0
	done
	return 1
}
