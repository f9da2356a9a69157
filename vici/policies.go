// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"iter"
)

// A ListPoliciesRequest selects installed policies. The zero value selects none: at least one of Drop, Pass and Trap
// must be set.
type ListPoliciesRequest struct {
	Drop bool `vici:"drop"` // policies that drop packets
	Pass bool `vici:"pass"` // policies that let packets bypass IPsec
	Trap bool `vici:"trap"` // policies that initiate a CHILD_SA at the first packet

	Child string `vici:"child"` // policies of that CHILD_SA configuration
	IKE   string `vici:"ike"`   // policies of that connection, since 5.5.2; ignored by older daemons
}

// A Policy is a trap, pass or drop policy that is installed: an event list-policy (since 5.2.0).
type Policy struct {
	Name     string      `vici:",name"` // "connection/child"; the child alone before 5.5.2 and without a connection
	Child    string      `vici:"child"` // name of the configuration; before 5.5.2 this package takes it from Name
	IKE      string      `vici:"ike"`   // name of the connection, if any; since 5.5.2
	ReqID    Opt[uint32] `vici:"reqid"` // traps only, since 6.0.2
	Mode     string      `vici:"mode"`  // "PASS", "DROP", or of a trap the mode of its CHILD_SAs, such as "TUNNEL"
	Label    string      `vici:"label"` // security label, since 5.9.6
	LocalTS  []string    `vici:"local-ts"`
	RemoteTS []string    `vici:"remote-ts"`
}

// fromSection gives the child of daemons before 5.5.2, which is the section's name.
func (p *Policy) fromSection(section *Message) {
	if _, ok := section.Value("child"); !ok {
		p.Child = p.Name
	}
}

// ListPolicies streams the installed trap, pass and drop policies (command list-policies, since 5.2.0). Traps appear
// nowhere else; what it yields may be kept. The loop is as [Session.Stream] describes it.
func (s *Session) ListPolicies(ctx context.Context, request ListPoliciesRequest) iter.Seq2[*Policy, error] {
	return streamSections[Policy](ctx, s, "list-policies", "list-policy", request)
}
