// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"strconv"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// readRequest reads a request as charon does: it looks keys up in the raw
// bytes, so whatever stands behind a fault does not exist for it, and an open section
// simply ends with the message. Legible is false if the fault is a name that is not printable ASCII, for which
// commands that walk over the whole request refuse it.
func readRequest(body []byte) (m *vici.Message, legible bool) {
	d := vici.NewDecoder(body)
	m = new(vici.Message)
	readSection(&d, m)
	return m, printable(string(d.Name()))
}

// readSection reads up to the end of the section and reports whether there may be more.
func readSection(d *vici.Decoder, m *vici.Message) bool {
	for d.Next() {
		if !printable(string(d.Name())) {
			return false
		}
		name := string(d.Name())
		switch d.Kind() {
		case vici.SectionEnd:
			return true
		case vici.SectionStart:
			section := new(vici.Message)
			m.AddSection(name, section)
			if !readSection(d, section) {
				return false
			}
		case vici.ListStart:
			items, whole := readList(d)
			m.AddList(name, items...)
			if !whole {
				return false
			}
		case vici.KeyValue:
			m.Add(name, string(d.Value()))
		case vici.ListItem, vici.ListEnd: // the decoder refuses them here
		}
	}
	return false
}

func readList(d *vici.Decoder) (items []string, whole bool) {
	for d.Next() {
		if d.Kind() == vici.ListEnd {
			return items, true
		}
		items = append(items, string(d.Value()))
	}
	return items, false
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// text returns a key's value; one that is not printable ASCII counts as missing.
func text(m *vici.Message, key string) (string, bool) {
	v, ok := m.Value(key)
	return v, ok && printable(v)
}

// boolean reads a key as charon does: words that it does not know mean the default, which is no.
func boolean(m *vici.Message, key string) bool {
	v, _ := m.Value(key)
	yes, _ := flag(v)
	return yes
}

// integer reads a key with the bases of C; what does not parse means the default.
func integer(m *vici.Message, key string, missing int64) int64 {
	v, ok := m.Value(key)
	if !ok || strings.ContainsAny(v, "_oO") || strings.HasPrefix(strings.ToLower(v), "0b") {
		return missing
	}
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		return missing
	}
	return n
}

// present is for the "flags" whose mere existence counts.
func present(m *vici.Message, key string) bool {
	_, ok := m.Value(key)
	return ok
}
