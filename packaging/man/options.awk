# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Reads what --help-man prints and writes its options as a man page wants them: hyphens that can be copied, short lines,
# and which of them can be negated.

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/^[.']/, "\\\\\\&&", s)
	return s
}

function wrapped(text,   words, n, i, line) {
	n = split(text, words, " ")
	line = ""
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line) + length(words[i]) >= 76) {
			print escape(line)
			line = ""
		}
		line = line (line == "" ? "" : " ") words[i]
	}
	print escape(line)
}

/^\.SH "OPTIONS"/ { options = 1; next }
/^\.SH/ { options = 0 }
!options { next }
/^\.TP/ { print; flag = 1; next }
flag {
	gsub(/\\f[BR]/, "")
	name = $0
	sub(/^.*--/, "", name)
	if (name ~ /^(collector\.[a-z]+|web\.systemd-socket)$/)
		sub(/--/, "--[no-]")
	print ".B " escape($0)
	flag = 0
	next
}
NF { wrapped($0) }
