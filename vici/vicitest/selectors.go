// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"
	"strconv"
	"strings"
)

// selector takes a traffic selector: addresses, and what is after them in brackets.
func selector(_ dialect, value string) bool {
	addresses, rest, bracketed := strings.Cut(value, "[")
	if addresses != "dynamic" {
		if _, err := parseRange(addresses); err != nil {
			return false
		}
	}
	if !bracketed {
		return true
	}
	inside, closed := strings.CutSuffix(rest, "]")
	protocol, port, hasPort := strings.Cut(inside, "/")
	return closed && isProtocol(protocol) && (!hasPort || isPort(protocol, port))
}

// protocols are those by name that traffic selectors are commonly written with. A daemon asks its host.
var protocols = [...]string{"", "ah", "esp", "gre", "icmp", "igmp", "ipip", "ipv6-icmp", "l2tp", "ospf", "sctp", "tcp", "udp", "vrrp"}

func isProtocol(name string) bool {
	n, err := strconv.ParseUint(name, 10, 16)
	return err == nil && n < 256 || slices.Contains(protocols[:], name)
}

func isPort(protocol, port string) bool {
	if strings.EqualFold(port, "opaque") {
		return true
	}
	from, to, _ := strings.Cut(port, "-")
	if to == "" {
		to = from
	}
	_, errFrom := strconv.ParseUint(from, 10, 16)
	_, errTo := strconv.ParseUint(to, 10, 16)
	if errFrom == nil && errTo == nil {
		return true
	}
	return (protocol == "tcp" || protocol == "udp") && slices.Contains(services[:], port)
}

// services are ports by name that traffic selectors are commonly written with. A daemon asks its host.
var services = [...]string{
	"bgp", "bootpc", "bootps", "domain", "ftp", "ftp-data", "http", "https", "imap", "imaps", "ldap", "ldaps", "nfs", "ntp", "pop3", "pop3s",
	"radius", "sip", "smtp", "snmp", "ssh", "submission", "sunrpc", "syslog", "telnet", "tftp",
}
