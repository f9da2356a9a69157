// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"strconv"
	"strings"
)

// atLeast reports whether a version of strongSwan, such as "5.9.14" or "6.0.0beta6", is the given
// release or a later one. A version that cannot be read is not.
func atLeast(version string, major, minor, patch int) bool {
	parts := strings.SplitN(version, ".", 3)
	order := 0
	for i, want := range [...]int{major, minor, patch} {
		if i >= len(parts) {
			return false
		}
		n, suffix, ok := leadingNumber(parts[i])
		if !ok {
			return false
		}
		order = cmp.Or(order, cmp.Compare(n, want))
		if suffix != "" { // of a preview, which comes before its release
			return cmp.Or(order, -1) >= 0
		}
	}
	return order >= 0
}

// leadingNumber splits "8rc1" into 8 and "rc1".
func leadingNumber(s string) (n int, rest string, ok bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.Atoi(s[:digits])
	return n, s[digits:], err == nil
}
