# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Reads what --help-man prints and writes completions for fish, which kingpin does not know.

function quoted(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/'/, "\\'", s)
	return "'" s "'"
}

BEGIN {
	print "# Completions of strongswan_exporter for fish."
	print "complete -c strongswan_exporter -f"
}
/^\.SH "OPTIONS"/ { options = 1; next }
/^\.SH/ { options = 0 }
!options { next }
/^\.TP/ { flag = 1; next }
flag {
	gsub(/\\f[BR]/, "")
	value = index($0, "=") > 0
	name = $0
	sub(/^.*--/, "", name)
	sub(/=.*/, "", name)
	flag = 0
	next
}
NF {
	option = "complete -c strongswan_exporter -l " name
	if (name == "help")
		option = option " -s h"
	if (name ~ /\.file$/)
		option = option " -r -F"
	else if (value)
		option = option " -x"
	if (match($0, /One of: \[[^]]*\]/)) {
		choices = substr($0, RSTART + 9, RLENGTH - 10)
		gsub(/,/, "", choices)
		option = option " -a " quoted(choices)
	}
	print option " -d " quoted($0)
	if (name ~ /^collector\.[a-z]+$/)
		print "complete -c strongswan_exporter -l no-" name " -d " quoted("Not: " $0)
}
