// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// protocolTable shows who sent what. Fields that typed answers and events have and nobody sent are there, too, with the
// reason.
func protocolTable(t *testing.T, seen map[string][]string, typed []string) string {
	t.Helper()
	generations := slices.Sorted(maps.Keys(seen))
	all := make(map[string]bool)
	for _, lines := range append(slices.Collect(maps.Values(seen)), typed) {
		for _, line := range lines {
			all[line] = true
		}
	}
	var b strings.Builder
	unused := unseenBecause()
	for _, line := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%-70s", line)
		never := true
		for _, generation := range generations {
			mark := "-"
			if slices.Contains(seen[generation], line) {
				mark, never = generation, false
			}
			fmt.Fprintf(&b, " %-5s", mark)
		}
		if never {
			b.WriteString(" " + unused.reason(t, line))
		}
		b.WriteString("\n")
	}
	require.Empty(t, unused.left(), "these are seen, or are no fields")
	return b.String()
}

// reasons say why no daemon of the laboratory sends a field.
type reasons []*unseenReason

type unseenReason struct {
	fields *regexp.Regexp
	reason string
	used   bool
}

func unseenBecause() reasons {
	var all reasons
	for _, r := range []struct{ fields, reason string }{
		{`/tasks-`, "not compared: it differs from run to run"},
		{`^field ike-update `, "the peer is not known yet"},
		{`^field ike-rekey .*/old/.*-vips$`, "they have moved to the new IKE_SA"},
		{`/new/use-`, "nothing has passed through a new SA"},
		{`/nat-(local|fake)$`, "only the peer seems to be behind a NAT"},
		{`/remote-xauth-id$`, "IKEv1 is not in the suite"},
		{`/integ-keysize$`, "no algorithm of the suite has several sizes"},
		{`^field alert `, "only the plain tunnel has alerts in the suite"},
		{`/child-sas/.*/prf-alg$`, "last sent by 5.3.5"},
		{`/(esn|cpi-in|cpi-out|cpu)$`, "not with user-space IPsec"},
		{`/(esp|ah)_proposals/.*/prf$`, "a CHILD_SA has none"},
		{`/ah_proposals/.*/encr$`, "AH does not encrypt"},
		{`/ah_proposals/.*/ake[1-7]$`, "the suite has none with AH"},
		{`^field list-cert (subject|not-)`, "of bare public keys, which the suite has not"},
		{`^field get-algorithms drbg/`, "no plugin of the laboratory has any"},
		{`^field stats mem/`, "only on Windows or with the leak detector"},
	} {
		all = append(all, &unseenReason{fields: regexp.MustCompile(r.fields), reason: r.reason})
	}
	return all
}

func (r reasons) reason(t *testing.T, line string) string {
	t.Helper()
	for _, u := range r {
		if u.fields.MatchString(line) {
			u.used = true
			return u.reason
		}
	}
	t.Errorf("nobody sent %s, and there is no reason for it", line)
	return "?"
}

func (r reasons) left() []string {
	var left []string
	for _, u := range r {
		if !u.used {
			left = append(left, u.fields.String())
		}
	}
	return left
}
