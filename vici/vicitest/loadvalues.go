// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"crypto/x509"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ascii takes every text that a daemon can read.
func ascii(_ dialect, value string) bool { return printable(value) }

// number reads an integer as C does: spaces before it, a sign, hexadecimal or octal digits. A text without anything is 0,
// and what is too large is as large as it can be.
func number(value string) (uint64, bool) {
	n, rest := leadingNumber(value, 0)
	return n, rest == ""
}

// leadingNumber reads the number that a text begins with, and returns what follows.
func leadingNumber(text string, base int) (n uint64, rest string) {
	text = strings.TrimLeft(text, " ")
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	end := len(digits)
	for ; end > 0; end-- {
		if parsed, ok := digitsOf(digits[:end], base); ok {
			n = parsed
			break
		}
	}
	if end == 0 {
		return 0, text // also of a sign alone
	}
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	return n, digits[end:]
}

func digitsOf(text string, base int) (uint64, bool) {
	lower := strings.ToLower(text)
	if strings.ContainsAny(lower, "_o") || base == 0 && strings.HasPrefix(lower, "0b") {
		return 0, false // these are Go's
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

// binaryNumber reads the digits of a DSCP.
func binaryNumber(value string) (uint64, bool) {
	n, rest := leadingNumber(value, 2)
	return n, rest == ""
}

// duration reads seconds, or a number with one of strongSwan's units.
func duration(value string) (time.Duration, bool) {
	n, rest := leadingNumber(value, 0)
	unit := time.Second
	switch strings.ToLower(strings.TrimLeft(rest, " ")) {
	case "", "s":
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	case "d":
		unit = 24 * time.Hour
	default:
		return 0, false
	}
	return time.Duration(uint32(n)) * unit, true
}

// amount reads bytes, or a number with one of strongSwan's units.
func amount(value string) (uint64, bool) {
	n, rest := leadingNumber(value, 0)
	switch strings.ToLower(strings.TrimLeft(rest, " ")) {
	case "":
		return n, true
	case "k":
		return n << 10, true
	case "m":
		return n << 20, true
	case "g":
		return n << 30, true
	}
	return 0, false
}

func flag(value string) (yes, ok bool) {
	switch strings.ToLower(value) {
	case "yes", "true", "enabled", "1":
		return true, true
	case "no", "false", "disabled", "0":
		return false, true
	}
	return false, false
}

// actions takes what is to happen to a child. Several at once, of which the strongest counts, came with 5.9.6.
func actions(d dialect, value string) bool {
	_, ok := action(value)
	return ok && (d.since(5, 9, 6) || value != "" && !strings.Contains(value, "|"))
}

// action reads what is to happen to a child, old names included.
func action(value string) (string, bool) {
	strongest := 0
	names := []string{"none", "trap", "start"}
	for name := range strings.SplitSeq(strings.ToLower(value), "|") {
		switch name {
		case "clear", "":
			name = "none"
		case "route":
			name = "trap"
		case "restart":
			name = "start"
		}
		i := slices.Index(names, name)
		if i < 0 {
			return "", false
		}
		strongest = max(strongest, i)
	}
	return names[strongest], true
}

// Marks and interface ids that the daemon makes up when a CHILD_SA is installed.
const (
	Unique    uint32 = math.MaxUint32     // %unique: one of its own for each CHILD_SA
	UniqueDir uint32 = math.MaxUint32 - 1 // %unique-dir: likewise, and another one for each direction
)

// mark reads a mark with its mask. Values and masks that are left out are 0.
func mark(text string) (Mark, bool) {
	value, mask, masked := strings.Cut(text, "/")
	v, ok := interfaceID(value)
	m := Mark{Value: v, Mask: math.MaxUint32}
	if masked {
		n, valid := number(mask)
		m.Mask, ok = uint32(n), ok && valid
	}
	return m, ok
}

// markToSet reads a mark that packets get. It cannot be made up, but be the one that the CHILD_SA has.
func markToSet(text string) (Mark, bool) {
	value, mask, masked := strings.Cut(text, "/")
	if strings.HasPrefix(strings.ToLower(value), "%unique") {
		return Mark{}, false
	}
	if strings.EqualFold(value, "%same") {
		value = ""
	}
	if masked {
		value += "/" + mask
	}
	return mark(value)
}

func interfaceID(value string) (uint32, bool) {
	switch strings.ToLower(value) {
	case "%unique":
		return Unique, true
	case "%unique-dir":
		return UniqueDir, true
	}
	n, ok := number(value)
	return uint32(n), ok
}

// padding takes bytes, or up to the path's MTU.
func padding(_ dialect, value string) bool {
	_, ok := number(value)
	return ok || value == "mtu"
}

// perCPU takes a boolean or the way in which packets are spread.
func perCPU(_ dialect, value string) bool {
	_, ok := flag(value)
	return ok || strings.EqualFold(value, "encap")
}

func label(_ dialect, value string) bool { return value != "" && printable(value) }

// address takes an IP address, also the one that stands for any.
func address(_ dialect, value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil || value == "%any" || value == "%any6"
}

// certificateData takes a certificate in DER or PEM.
func certificateData(_ dialect, value string) bool {
	_, err := x509.ParseCertificate(decodePEM([]byte(value)))
	return err == nil
}

// publicKeyData takes a public key in DER or PEM.
func publicKeyData(_ dialect, value string) bool {
	_, err := x509.ParsePKIXPublicKey(decodePEM([]byte(value)))
	return err == nil
}

// subjects names certificates.
func subjects(data []string) []string {
	var names []string
	for _, item := range data {
		if cert, err := x509.ParseCertificate(decodePEM([]byte(item))); err == nil {
			names = append(names, cert.Subject.String())
		}
	}
	return names
}
