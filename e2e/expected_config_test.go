// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// requireConfiguration compares what a page tells of connections, children, policies and authorities.
func requireConfiguration(ctx context.Context, t *testing.T, g *lab.Gateway, p *page) {
	t.Helper()
	e := newExpectation()
	sas := list(ctx, t, g, "--list-sas")
	conns := list(ctx, t, g, "--list-conns")
	for _, conn := range conns {
		e.expectConn(t, conn, sas)
	}
	for _, policy := range list(ctx, t, g, "--list-pols") {
		kind := strings.ToLower(policy.values["mode"])
		e.exact.add(1, "strongswan_policies", "mode", kind)
		if !isShunt(policy) {
			kind = "trap"
		}
		e.exact.add(1, "strongswan_child_policy_installed",
			"connection", policy.values["ike"], "child", policy.values["child"], "policy", kind)
	}
	for _, authority := range list(ctx, t, g, "--list-authorities") {
		e.exact.add(1, "strongswan_authority_info", "authority", authority.name, "ca", authority.values["cacert"],
			"crl_uris", authority.joined("crl_uris"), "ocsp_uris", authority.joined("ocsp_uris"))
	}
	e.exact.add(float64(len(conns)), "strongswan_loaded_objects", "kind", "connection")
	e.exact.add(1, "strongswan_loaded_objects", "kind", "authority")
	e.exact.add(1, "strongswan_loaded_objects", "kind", "private_key")
	e.exact.add(7, "strongswan_loaded_objects", "kind", "shared_secret") // five tunnels' and two users'
	e.exact.add(1, "strongswan_loaded_objects", "kind", "pool")
	e.require(t, p)
	require.Contains(t, e.exact.metrics(), "strongswan_child_policy_installed")
}

func (e *expectation) expectConn(t *testing.T, conn *section, sas []*section) {
	t.Helper()
	c := []string{"connection", conn.name}
	locals, remotes := conn.prefixed("local-"), conn.prefixed("remote-")
	e.exact.add(1, "strongswan_connection_info", append(slices.Clone(c), "version", conn.values["version"],
		"local_addrs", conn.joined("local_addrs"), "remote_addrs", conn.joined("remote_addrs"),
		"local_auth", authOf(locals), "remote_auth", authOf(remotes),
		"local_id", idsOf(locals), "remote_id", idsOf(remotes))...)
	e.exact.add(up(sas, func(sa *section) bool {
		return sa.name == conn.name && sa.values["state"] == "ESTABLISHED"
	}), "strongswan_connection_up", c...)
	e.expectSet(t, conn, "rekey_time", "strongswan_connection_rekey_interval_seconds", c)
	e.expectSet(t, conn, "reauth_time", "strongswan_connection_reauth_interval_seconds", c)
	e.expectSet(t, conn, "dpd_delay", "strongswan_connection_dpd_delay_seconds", c)
	e.expectAlgorithms(conn.section("proposals"), "IKE", append(slices.Clone(c), "child", ""))
	for _, child := range conn.section("children").sections {
		e.expectConnChild(t, child, append(slices.Clone(c), "child", child.name), sas)
	}
}

func (e *expectation) expectConnChild(t *testing.T, child *section, c []string, sas []*section) {
	t.Helper()
	e.exact.add(1, "strongswan_child_info", append(slices.Clone(c), "mode", child.values["mode"],
		"local_ts", child.joined("local-ts"), "remote_ts", child.joined("remote-ts"))...)
	e.expectSet(t, child, "rekey_time", "strongswan_child_rekey_interval_seconds", c)
	e.expectSet(t, child, "rekey_bytes", "strongswan_child_rekey_interval_bytes", c)
	e.expectSet(t, child, "rekey_packets", "strongswan_child_rekey_interval_packets", c)
	e.expectAlgorithms(child.section("esp_proposals"), "ESP", c)
	e.expectAlgorithms(child.section("ah_proposals"), "AH", c)
	if !isShunt(child) {
		e.exact.add(up(sas, func(sa *section) bool {
			return slices.ContainsFunc(sa.section("child-sas").sections, func(s *section) bool {
				return s.values["name"] == child.name && s.values["state"] == "INSTALLED"
			})
		}), "strongswan_child_up", c...)
	}
}

// up is 1 if one of the IKE_SAs makes something be up.
func up(sas []*section, makes func(*section) bool) float64 {
	if slices.ContainsFunc(sas, makes) {
		return 1
	}
	return 0
}

// expectSet expects a series if the configuration sets a limit, which is not 0 then.
func (e *expectation) expectSet(t *testing.T, s *section, key, metric string, labels []string) {
	t.Helper()
	if n, _ := s.number(t, key); n != 0 {
		e.exact.add(n, metric, labels...)
	}
}

// expectAlgorithms expects each algorithm of all proposals once. Only newer daemons list proposals.
func (e *expectation) expectAlgorithms(proposals *section, protocol string, labels []string) {
	types := map[string]string{"encr": "encryption", "integ": "integrity", "prf": "prf", "ke": "key_exchange"}
	for _, proposal := range proposals.sections {
		for key, algorithms := range proposal.lists {
			kind := types[key]
			if strings.HasPrefix(key, "ake") {
				kind = "additional_key_exchange"
			}
			if kind == "" {
				continue
			}
			for _, algorithm := range algorithms {
				e.exact[seriesName("strongswan_configured_algorithm", append(slices.Clone(labels),
					"protocol", protocol, "type", kind, "algorithm", algorithm)...)] = 1
			}
		}
	}
}

func authOf(rounds []*section) string {
	var methods []string
	for _, round := range rounds {
		methods = append(methods, cmp.Or(round.values["eap-type"], round.values["class"]))
	}
	return strings.Join(methods, ",")
}

func idsOf(rounds []*section) string {
	var ids []string
	for _, round := range rounds {
		if id := round.values["id"]; id != "" {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ",")
}
