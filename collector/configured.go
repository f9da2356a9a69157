// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A configured is a connection of the configuration, with the labels of its series made ready.
type configured struct {
	series *connection
	info   Labels
	rekey  vici.Opt[time.Duration]
	reauth vici.Opt[time.Duration]
	dpd    vici.Opt[time.Duration]
}

// A configuredChild is a child of the configuration.
type configuredChild struct {
	series  *child
	shunt   bool // a PASS or DROP policy, which never becomes an SA
	info    Labels
	rekey   vici.Opt[time.Duration]
	bytes   vici.Opt[uint64]
	packets vici.Opt[uint64]
}

// newConfigured makes the labels of a connection. Those that many connections have in common come from shared.
func newConfigured(series *connection, conn *vici.Conn, shared makePair) *configured {
	return &configured{
		series: series,
		info: series.labels.with(
			shared("version", conn.Version),
			shared("local_addrs", joined(conn.LocalAddrs)), pair("remote_addrs", joined(conn.RemoteAddrs)),
			shared("local_auth", joined(authMethods(conn.Local))), shared("remote_auth", joined(authMethods(conn.Remote))),
			shared("local_id", joined(authIDs(conn.Local))), pair("remote_id", joined(authIDs(conn.Remote)))),
		rekey:  conn.RekeyTime,
		reauth: conn.ReauthTime,
		dpd:    conn.DPDDelay,
	}
}

func newConfiguredChild(series *child, c *vici.ConnChild, shared makePair) *configuredChild {
	return &configuredChild{
		series: series,
		shunt:  c.Mode == "PASS" || c.Mode == "DROP",
		info: series.labels.with(shared("mode", c.Mode),
			shared("local_ts", joined(c.LocalTS)), pair("remote_ts", joined(c.RemoteTS))),
		rekey:   c.RekeyTime,
		bytes:   c.RekeyBytes,
		packets: c.RekeyPackets,
	}
}

// authMethods names the rounds of authentication: the class, or the EAP method where there is one.
func authMethods(rounds []vici.Auth) []string {
	methods := make([]string, len(rounds))
	for i, a := range rounds {
		methods[i] = a.Class
		if a.EAPType != "" {
			methods[i] = a.EAPType
		}
	}
	return methods
}

func authIDs(rounds []vici.Auth) []string {
	var ids []string
	for _, a := range rounds {
		if a.ID != "" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// algorithmLabels lists each algorithm of all proposals once.
func algorithmLabels(base Labels, protocol string, proposals []vici.Proposal, shared makePair) []Labels {
	type use struct{ kind, algorithm string }
	seen := make(map[use]bool)
	var all []Labels
	add := func(kind string, algorithms []string) {
		for _, a := range algorithms {
			u := use{kind, labelValue(a)}
			if !seen[u] {
				seen[u] = true
				all = append(all, base.with(shared("protocol", protocol), shared("type", u.kind), shared("algorithm", u.algorithm)))
			}
		}
	}
	for i := range proposals {
		p := &proposals[i]
		add("encryption", p.Encryption)
		add("integrity", p.Integrity)
		add("prf", p.PRF)
		add("key_exchange", p.KeyExchange)
		for _, ake := range p.AdditionalKE() {
			add("additional_key_exchange", ake)
		}
	}
	return all
}
