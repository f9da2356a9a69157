// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"strconv"
	"strings"
)

// A Generation is the strongSwan release that a [Daemon] imitates, such as
// "5.9.8". It decides which commands, events and keys exist, and which order events come in.
type Generation string

// Releases that stand for what is in use: the oldest with VICI, the long-lived 5.9 of many
// distributions, 6.0 with multiple key exchanges and the alert event, and 6.1 with proposals in list-conns.
const (
	Generation52 Generation = "5.2.0"
	Generation59 Generation = "5.9.8"
	Generation60 Generation = "6.0.6"
	Generation61 Generation = "6.1.0"
)

// A dialect answers whether something exists in the daemon's release.
type dialect struct{ release int }

func release(major, minor, patch int) int { return major<<16 | minor<<8 | patch }

// ParseGeneration reads a release as "5.9.8" or, for its usual last patch, "5.9".
func ParseGeneration(s string) (Generation, error) {
	for _, g := range []Generation{Generation52, Generation59, Generation60, Generation61} {
		if strings.Count(s, ".") == 1 && strings.HasPrefix(string(g), s+".") {
			return g, nil
		}
	}
	if _, err := parseRelease(s); err != nil {
		return "", err
	}
	return Generation(s), nil
}

func parseRelease(s string) (int, error) {
	parts := strings.Split(s, ".")
	var n [3]int
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(parts) != len(n) {
			return 0, fmt.Errorf("release %q is not of the form 5.9.8", s)
		}
		n[i] = int(v)
	}
	return release(n[0], n[1], n[2]), nil
}

func (d dialect) since(major, minor, patch int) bool {
	return d.release >= release(major, minor, patch)
}
