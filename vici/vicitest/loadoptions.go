// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An option is a key that load-conn takes in one of its sections.
type option struct {
	key   string
	since int  // the release that brought it
	list  bool // it takes several values
	valid check
}

// A check tells whether a daemon takes a value.
type check func(d dialect, value string) bool

// check insists that a key and its values are among the options that the daemon's release has.
func (d dialect) check(options []option, e vici.Element) error {
	i := slices.IndexFunc(options, func(o option) bool { return o.key == e.Name })
	if i < 0 || d.release < options[i].since || (e.Kind == vici.ListStart) != options[i].list {
		return unknownOption(e.Name)
	}
	for _, value := range values(e) {
		if !options[i].valid(d, value) {
			return invalidValue(e.Name)
		}
	}
	return nil
}

// words are values with the releases that brought them, in any letter case.
type words map[string]int

func (w words) check(d dialect, value string) bool {
	since, ok := w[strings.ToLower(value)]
	return ok && d.release >= since
}

// oneOf is a check for words that all releases know.
func oneOf(list ...string) check {
	w := make(words)
	for _, word := range list {
		w[word] = 0
	}
	return w.check
}

// parsed is a check for values that can be read.
func parsed[T any](parse func(string) (T, bool)) check {
	return func(_ dialect, value string) bool {
		_, ok := parse(value)
		return ok
	}
}

func proposals(kind proposalKind) check {
	return func(d dialect, value string) bool {
		_, ok := d.readProposal(value, kind)
		return ok
	}
}

// connectionOptions are the keys of a connection's own level.
var connectionOptions = [...]option{
	{key: "local_addrs", list: true, valid: ascii},
	{key: "remote_addrs", list: true, valid: ascii},
	{key: "local_port", valid: parsed(number)},
	{key: "remote_port", valid: parsed(number)},
	{key: "proposals", list: true, valid: proposals(ikeProposal)},
	{key: "vips", list: true, valid: address},
	{key: "pools", list: true, valid: ascii},
	{key: "version", valid: parsed(number)},
	{key: "aggressive", valid: parsed(flag)},
	{key: "pull", valid: parsed(flag)},
	{key: "dscp", since: release(5, 5, 2), valid: parsed(binaryNumber)},
	{key: "encap", valid: parsed(flag)},
	{key: "mobike", valid: parsed(flag)},
	{key: "dpd_delay", valid: parsed(duration)},
	{key: "dpd_timeout", valid: parsed(duration)},
	{key: "fragmentation", valid: words{"yes": 0, "accept": release(5, 5, 3), "force": 0, "no": 0}.check},
	{key: "childless", since: release(5, 8, 0), valid: words{
		"allow": 0, "prefer": release(5, 9, 10), "force": 0, "never": 0,
	}.check},
	{key: "send_certreq", valid: parsed(flag)},
	{key: "send_cert", valid: oneOf("always", "never", "ifasked")},
	{key: "ocsp", since: release(5, 9, 14), valid: oneOf("reply", "request", "both", "never")},
	{key: "ppk_id", since: release(5, 7, 0), valid: ascii},
	{key: "ppk_required", since: release(5, 7, 0), valid: parsed(flag)},
	{key: "keyingtries", valid: parsed(number)},
	{key: "unique", valid: oneOf("no", "never", "keep", "replace")},
	{key: "reauth_time", valid: parsed(duration)},
	{key: "rekey_time", valid: parsed(duration)},
	{key: "over_time", valid: parsed(duration)},
	{key: "rand_time", valid: parsed(duration)},
	{key: "if_id_in", since: release(5, 8, 0), valid: parsed(interfaceID)},
	{key: "if_id_out", since: release(5, 8, 0), valid: parsed(interfaceID)},
	{key: "mediation", since: release(5, 5, 2), valid: parsed(flag)},
	{key: "mediated_by", since: release(5, 5, 2), valid: ascii},
	{key: "mediation_peer", since: release(5, 5, 2), valid: ascii},
}

// authOptions are the keys of a round of authentication.
var authOptions = [...]option{
	{key: "auth", valid: authMethod},
	{key: "id", valid: ascii},
	{key: "ca_id", since: release(5, 8, 2), valid: ascii},
	{key: "aaa_id", valid: ascii},
	{key: "eap_id", valid: ascii},
	{key: "xauth_id", valid: ascii},
	{key: "revocation", valid: oneOf("strict", "ifuri", "relaxed")},
	{key: "round", since: release(5, 4, 0), valid: parsed(number)},
	{key: "groups", list: true, valid: ascii},
	{key: "cert_policy", since: release(5, 5, 2), list: true, valid: ascii},
	{key: "certs", list: true, valid: certificateData},
	{key: "cacerts", list: true, valid: certificateData},
	{key: "pubkeys", since: release(5, 4, 0), list: true, valid: publicKeyData},
}

// certOptions are the keys of a certificate in a file or on a token.
var certOptions = [...]option{
	{key: "handle", valid: ascii},
	{key: "slot", valid: parsed(number)},
	{key: "module", valid: ascii},
	{key: "file", valid: ascii},
}

// childOptions are the keys of a CHILD_SA's configuration.
var childOptions = [...]option{
	{key: "ah_proposals", list: true, valid: proposals(ahProposal)},
	{key: "esp_proposals", list: true, valid: proposals(espProposal)},
	{key: "local_ts", list: true, valid: selector},
	{key: "remote_ts", list: true, valid: selector},
	{key: "updown", valid: ascii},
	{key: "hostaccess", valid: parsed(flag)},
	{key: "mode", valid: words{
		"tunnel": 0, "transport": 0, "transport_proxy": release(5, 5, 2), "beet": 0, "pass": 0, "drop": 0, "iptfs": release(6, 0, 2),
	}.check},
	{key: "policies", since: release(5, 3, 3), valid: parsed(flag)},
	{key: "policies_fwd_out", since: release(5, 5, 1), valid: parsed(flag)},
	{key: "replay_window", valid: parsed(number)},
	{key: "rekey_time", valid: parsed(duration)},
	{key: "life_time", valid: parsed(duration)},
	{key: "rand_time", valid: parsed(duration)},
	{key: "rekey_bytes", valid: parsed(amount)},
	{key: "life_bytes", valid: parsed(amount)},
	{key: "rand_bytes", valid: parsed(amount)},
	{key: "rekey_packets", valid: parsed(number)},
	{key: "life_packets", valid: parsed(number)},
	{key: "rand_packets", valid: parsed(number)},
	{key: "start_action", valid: actions},
	{key: "close_action", valid: actions},
	{key: "dpd_action", valid: actions},
	{key: "ipcomp", valid: parsed(flag)},
	{key: "inactivity", valid: parsed(duration)},
	{key: "reqid", valid: parsed(number)},
	{key: "mark_in", valid: parsed(mark)},
	{key: "mark_out", valid: parsed(mark)},
	{key: "mark_in_sa", since: release(5, 6, 1), valid: parsed(flag)},
	{key: "set_mark_in", since: release(5, 7, 0), valid: parsed(markToSet)},
	{key: "set_mark_out", since: release(5, 7, 0), valid: parsed(markToSet)},
	{key: "if_id_in", since: release(5, 8, 0), valid: parsed(interfaceID)},
	{key: "if_id_out", since: release(5, 8, 0), valid: parsed(interfaceID)},
	{key: "label", since: release(5, 9, 6), valid: label},
	{key: "label_mode", since: release(5, 9, 6), valid: oneOf("system", "simple")}, // selinux only with its plugin,
	{key: "tfc_padding", valid: padding},
	{key: "priority", valid: parsed(number)},
	{key: "interface", since: release(5, 5, 0), valid: ascii},
	{key: "hw_offload", since: release(5, 5, 3), valid: words{
		"yes": 0, "no": 0, "auto": 0, "crypto": release(5, 9, 11), "packet": release(5, 9, 11),
	}.check},
	{key: "sha256_96", since: release(5, 5, 3), valid: parsed(flag)},
	{key: "copy_df", since: release(5, 7, 0), valid: parsed(flag)},
	{key: "copy_ecn", since: release(5, 7, 0), valid: parsed(flag)},
	{key: "copy_dscp", since: release(5, 7, 0), valid: oneOf("out", "in", "yes", "no")},
	{key: "per_cpu_sas", since: release(6, 0, 2), valid: perCPU},
	{key: "icmp", since: release(6, 0, 5), valid: parsed(flag)},
}
