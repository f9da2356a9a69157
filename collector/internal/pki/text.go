// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxName bounds the text of a name, as the daemon does.
const maxName = 511

// String types that package asn1 has no name for.
const (
	universalString = asn1.Tag(28) // UTF-32
	bmpString       = asn1.Tag(30) // UTF-16
)

// nameText prints a distinguished name, given the inside of its sequence, as the daemon does: attributes in the
// order of the encoding, separated by a comma and a space, with a question mark for every byte that is not
// printable ASCII. Text of two or four bytes per character, which the daemon takes for such bytes, is decoded
// first. What comes after a fault in the encoding is left out.
func nameText(name cryptobyte.String) string {
	var b strings.Builder
	var attributes, attribute, value cryptobyte.String
	var tag asn1.Tag
	for b.Len() < maxName {
		if attributes.Empty() && !name.ReadASN1(&attributes, asn1.SET) {
			break
		}
		var oid cryptobyte.String
		if !attributes.ReadASN1(&attribute, asn1.SEQUENCE) || !attribute.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
			!attribute.ReadAnyASN1(&value, &tag) {
			break
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(attributeName(oid))
		b.WriteByte('=')
		writePrintable(&b, characters(value, tag))
	}
	return b.String()[:min(b.Len(), maxName)]
}

// characters returns text of wide characters as UTF-8, and any other as it is.
func characters(value []byte, tag asn1.Tag) []byte {
	switch {
	case tag == bmpString && len(value)%2 == 0:
		units := make([]uint16, 0, len(value)/2)
		for i := 0; i < len(value); i += 2 {
			units = append(units, uint16(value[i])<<8|uint16(value[i+1]))
		}
		return questioned(utf16.Decode(units))
	case tag == universalString && len(value)%4 == 0:
		runes := make([]rune, 0, len(value)/4)
		for i := 0; i < len(value); i += 4 {
			runes = append(runes, rune(value[i])<<24|rune(value[i+1])<<16|rune(value[i+2])<<8|rune(value[i+3]))
		}
		return questioned(runes)
	}
	return value
}

// questioned makes bytes of characters, with a question mark for each that is none.
func questioned(runes []rune) []byte {
	out := make([]byte, len(runes))
	for i, r := range runes {
		out[i] = '?'
		if ' ' <= r && r <= '~' {
			out[i] = byte(r)
		}
	}
	return out
}

// writePrintable writes bytes as the daemon prints them.
func writePrintable(b *strings.Builder, text []byte) {
	for _, c := range text[:min(len(text), maxName)] {
		if c < ' ' || c > '~' {
			c = '?'
		}
		b.WriteByte(c)
	}
}

// attributeName returns the daemon's name for the type of an attribute, which is the identifier's
// bytes where it knows none.
func attributeName(oid []byte) string {
	text := oidText(oid)
	if last, ok := strings.CutPrefix(text, "2.5.4."); ok {
		if name := x500Name(last); name != "" {
			return name
		}
	}
	switch text {
	case "1.2.840.113549.1.9.1":
		return "E"
	case "1.2.840.113549.1.9.2":
		return "unstructuredName"
	case "1.2.840.113549.1.9.8":
		return "unstructuredAddress"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "2.16.840.1.113730.3.1.3":
		return "employeeNumber"
	}
	return pairsOfDigits(oid[:min(len(oid), maxName/3)])
}

// x500Name returns the name of an attribute of the X.500 series by the last part of its identifier.
func x500Name(last string) string {
	switch last {
	case "3":
		return "CN"
	case "4":
		return "SN"
	case "5":
		return "serialNumber"
	case "6":
		return "C"
	case "7":
		return "L"
	case "8":
		return "ST"
	case "9":
		return "STREET"
	case "10":
		return "O"
	case "11":
		return "OU"
	case "12":
		return "T"
	case "13":
		return "D"
	case "16":
		return "postalAddress"
	case "17":
		return "postalCode"
	case "41":
		return "N"
	case "42":
		return "G"
	case "43":
		return "I"
	case "45":
		return "ID"
	case "46":
		return "dnQualifier"
	case "54":
		return "dmdName"
	case "65":
		return "pseudonym"
	case "72":
		return "role"
	case "97":
		return "organizationIdentifier"
	}
	return ""
}

// pairsOfDigits prints bytes as the daemon does: "a1:b2".
func pairsOfDigits(data []byte) string {
	var b strings.Builder
	for i, c := range data {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// maxSerial bounds the serial number; the standard allows 20 bytes.
const maxSerial = 64

// serialText prints an integer, given its two's complement.
func serialText(n []byte) string {
	sign := ""
	digits := append([]byte(nil), n[:min(len(n), maxSerial)]...)
	if len(digits) > 0 && digits[0]&0x80 != 0 {
		sign = "-"
		negate(digits)
	}
	for len(digits) > 1 && digits[0] == 0 {
		digits = digits[1:]
	}
	return sign + hex.EncodeToString(digits)
}

// negate makes the two's complement of a number, or the other way round.
func negate(n []byte) {
	carry := 1
	for i := len(n) - 1; i >= 0; i-- {
		v := int(^n[i]) + carry
		n[i], carry = byte(v), v>>8
	}
}

// isTime reports whether a time follows.
func isTime(s cryptobyte.String) bool {
	return s.PeekASN1Tag(asn1.UTCTime) || s.PeekASN1Tag(asn1.GeneralizedTime)
}

// readTime reads a time of either kind. Seconds may be missing, and zones other than
// UTC be there: the standards have forbidden that for long, and certificates live long.
func readTime(s *cryptobyte.String) (time.Time, bool) {
	var text cryptobyte.String
	switch {
	case s.PeekASN1Tag(asn1.UTCTime) && s.ReadASN1(&text, asn1.UTCTime):
		t, ok := parseTime(string(text), "060102")
		if ok && t.Year() >= 2050 { // two digits mean 1950 to 2049; Go has 1969 to 2068
			t = t.AddDate(-100, 0, 0)
		}
		return t, ok
	case s.ReadASN1(&text, asn1.GeneralizedTime):
		return parseTime(string(text), "20060102")
	}
	return time.Time{}, false
}

func parseTime(text, date string) (time.Time, bool) {
	for _, layout := range [...]string{"150405Z0700", "1504Z0700"} {
		if t, err := time.Parse(date+layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
