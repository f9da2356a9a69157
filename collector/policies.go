// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"slices"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of installed policies.
var (
	policies = gauge("policies",
		"Number of installed policies: pass and drop shunts, and traps by the IPsec mode of the CHILD_SAs that they initiate.", "mode")
	childPolicyInstalled = gauge("child_policy_installed",
		"Policies that are installed for a child; always 1. A child with a trap policy comes up on demand, so it may well be down.",
		"connection", "child", "policy")
)

// policiesSource gives the policies that are installed beside those of CHILD_SAs.
type policiesSource struct{}

func (policiesSource) Metrics() []*Metric { return []*Metric{policies, childPolicyInstalled} }

func (policiesSource) Collect(ctx context.Context, r *round, out *Page) error {
	var installed []*vici.Policy
	err := r.query(ctx, "list-policies", func(ctx context.Context, s *vici.Session) error {
		installed = installed[:0]
		for p, err := range s.ListPolicies(ctx, vici.ListPoliciesRequest{Drop: true, Pass: true, Trap: true}) {
			if err != nil {
				return err
			}
			installed = append(installed, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(installed, func(p *vici.Policy) bool { return p.IKE == "" }) {
		_ = r.configure(ctx) // without it, such a policy belongs to no connection
	}
	r.locked(func() { emitPolicies(out, r.names, installed) })
	return nil
}

func emitPolicies(out *Page, names *names, installed []*vici.Policy) {
	type childPolicy struct {
		child *child
		kind  string
	}
	byMode := make(map[string]int)
	byChild := make(map[childPolicy]bool)
	for _, p := range installed {
		byMode[policyMode(p.Mode)]++
		if k := policyChild(names, p); k != nil {
			byChild[childPolicy{k, policyKind(p.Mode)}] = true
		}
	}
	for mode, n := range byMode {
		out.Gauge(policies, float64(n), newLabels("mode", mode))
	}
	for p := range byChild {
		out.Gauge(childPolicyInstalled, 1, p.child.labels.with(out.pair("policy", p.kind)))
	}
}

// policyChild returns the child that a policy belongs to, or nil if its connection is
// excluded. Where the daemon does not tell the connection, it is the only one that configures such a child.
func policyChild(names *names, p *vici.Policy) *child {
	connection := p.IKE
	if owner, ok := names.config.owner("", p.Child); connection == "" && ok {
		connection = owner
	}
	c := names.connection(connection)
	if c == nil {
		return nil
	}
	return c.child(labelValue(p.Child))
}

// policyMode is the value of the label mode.
func policyMode(mode string) string { return labelText(strings.ToLower(mode)) }

// policyKind tells shunts from traps, whose mode is that of their CHILD_SAs.
func policyKind(mode string) string {
	switch mode {
	case "PASS":
		return "pass"
	case "DROP":
		return "drop"
	}
	return "trap"
}
