// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// documented is the encoding example of the protocol document.
const documented = "\x03\x04key1\x00\x06value1" +
	"\x01\x08section1" +
	"\x01\x0bsub-section" +
	"\x03\x04key2\x00\x06value2" +
	"\x02" +
	"\x04\x05list1" +
	"\x05\x00\x05item1" +
	"\x05\x00\x05item2" +
	"\x06" +
	"\x02"

// elements walks over a message and notes what it sees.
func elements(d *vici.Decoder) []string {
	var seen []string
	for d.Next() {
		seen = append(seen, fmt.Sprintf("%d %s %q=%q", d.Depth(), d.Kind(), d.Name(), d.Value()))
	}
	return seen
}

func TestDecoder(t *testing.T) {
	tests := map[string]struct {
		body string
		want []string
	}{
		"document": {documented, []string{
			`0 KEY_VALUE "key1"="value1"`,
			`1 SECTION_START "section1"=""`,
			`2 SECTION_START "sub-section"=""`,
			`2 KEY_VALUE "key2"="value2"`,
			`1 SECTION_END ""=""`,
			`1 LIST_START "list1"=""`,
			`1 LIST_ITEM ""="item1"`,
			`1 LIST_ITEM ""="item2"`,
			`1 LIST_END ""=""`,
			`0 SECTION_END ""=""`,
		}},
		"empty message": {"", nil},
		"empty name, value, section, list and item": {
			"\x03\x00\x00\x00\x01\x00\x02\x04\x00\x06\x04\x00\x05\x00\x00\x06", []string{
				`0 KEY_VALUE ""=""`, `1 SECTION_START ""=""`, `0 SECTION_END ""=""`, `0 LIST_START ""=""`,
				`0 LIST_END ""=""`, `0 LIST_START ""=""`, `0 LIST_ITEM ""=""`, `0 LIST_END ""=""`,
			},
		},
		"duplicate keys":    {"\x03\x01a\x00\x011\x03\x01a\x00\x012", []string{`0 KEY_VALUE "a"="1"`, `0 KEY_VALUE "a"="2"`}},
		"bytes of all kind": {"\x03\x01\xff\x00\x02\x00\xfe", []string{`0 KEY_VALUE "\xff"="\x00\xfe"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := vici.NewDecoder([]byte(test.body))
			require.Equal(t, test.want, elements(&d))
			require.NoError(t, d.Err())
			require.False(t, d.Next())
			require.Zero(t, d.Kind())
			require.NoError(t, d.Err())
		})
	}
}

func TestDecoderLongest(t *testing.T) {
	name, value := strings.Repeat("n", vici.MaxName), strings.Repeat("v", vici.MaxValue)
	d := vici.NewDecoder([]byte("\x03\xff" + name + "\xff\xff" + value))
	require.True(t, d.Next())
	require.Equal(t, name, string(d.Name()))
	require.Equal(t, value, string(d.Value()))
	require.False(t, d.Next())
	require.NoError(t, d.Err())
}

func TestDecoderRefuses(t *testing.T) {
	tests := map[string]struct {
		body   string
		offset int
		reason string
	}{
		"type 0":                 {"\x00", 0, "unknown element type 0"},
		"type 7":                 {"\x03\x00\x00\x00\x07", 4, "unknown element type 7"},
		"type 255":               {"\xff", 0, "unknown element type 255"},
		"section end outside":    {"\x02", 0, "SECTION_END without a section"},
		"one section end more":   {"\x01\x00\x02\x02", 3, "SECTION_END without a section"},
		"item outside":           {"\x05\x00\x00", 0, "LIST_ITEM outside a list"},
		"list end outside":       {"\x06", 0, "LIST_END outside a list"},
		"second list end":        {"\x04\x00\x06\x06", 3, "LIST_END outside a list"},
		"key in a list":          {"\x04\x00\x03\x00\x00\x00", 2, "KEY_VALUE inside a list"},
		"section in a list":      {"\x04\x00\x01\x00", 2, "SECTION_START inside a list"},
		"section end in a list":  {"\x01\x00\x04\x00\x02", 4, "SECTION_END inside a list"},
		"list in a list":         {"\x04\x00\x04\x00", 2, "LIST_START inside a list"},
		"type 0 in a list":       {"\x04\x00\x00", 2, "element type 0 inside a list"},
		"open section":           {"\x01\x01a", 3, "message ends inside a section"},
		"open list":              {"\x04\x01a", 3, "message ends inside a list"},
		"key without name":       {"\x03", 0, "name of KEY_VALUE is cut off"},
		"half a name":            {"\x03\x02a", 0, "name of KEY_VALUE is cut off"},
		"key without value":      {"\x03\x01a", 3, "value of KEY_VALUE is cut off"},
		"half a length":          {"\x03\x01a\x00", 3, "value of KEY_VALUE is cut off"},
		"half a value":           {"\x03\x01a\x00\x02x", 3, "value of KEY_VALUE is cut off"},
		"value's high byte":      {"\x03\x01a\x01\x00x", 3, "value of KEY_VALUE is cut off"},
		"half an item":           {"\x04\x00\x05\x00\x01", 3, "value of LIST_ITEM is cut off"},
		"section without name":   {"\x01", 0, "name of SECTION_START is cut off"},
		"list with half a name":  {"\x04\x01", 0, "name of LIST_START is cut off"},
		"garbage after sections": {"\x01\x00\x02garbage", 3, "unknown element type 103"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := vici.NewDecoder([]byte(test.body))
			elements(&d)
			require.Equal(t, &vici.SyntaxError{Offset: test.offset, Reason: test.reason}, d.Err())
			require.False(t, d.Next(), "the error sticks")
			require.False(t, d.Skip())
			require.ErrorIs(t, d.Err(), vici.ErrMalformed)
			_, err := vici.ParseMessage([]byte(test.body))
			require.Equal(t, d.Err(), err)
		})
	}
}

func nested(depth int) string {
	return strings.Repeat("\x01\x01s", depth) + strings.Repeat("\x02", depth)
}

func TestDecoderDepth(t *testing.T) {
	d := vici.NewDecoder([]byte(nested(vici.MaxDepth)))
	require.Len(t, elements(&d), 2*vici.MaxDepth)
	require.NoError(t, d.Err())

	for _, depth := range []int{vici.MaxDepth + 1, 1000, 100_000} {
		d = vici.NewDecoder([]byte(nested(depth)))
		require.Len(t, elements(&d), vici.MaxDepth)
		require.ErrorIs(t, d.Err(), vici.ErrTooLarge)
		require.ErrorContains(t, d.Err(), "more than 64 deep")
		_, err := vici.ParseMessage([]byte(nested(depth)))
		require.ErrorIs(t, err, vici.ErrTooLarge)
	}
}

func TestDecoderSkip(t *testing.T) {
	body := []byte(documented + "\x03\x03end\x00\x00")
	tests := map[string][]string{
		"section1":    {"key1", "section1", "end"},
		"sub-section": {"key1", "section1", "sub-section", "list1", "", "", "", "", "end"},
		"list1":       {"key1", "section1", "sub-section", "key2", "", "list1", "", "end"},
		"key1":        {"key1", "section1", "sub-section", "key2", "", "list1", "", "", "", "", "end"},
	}
	for skipped, want := range tests {
		t.Run(skipped, func(t *testing.T) {
			d := vici.NewDecoder(body)
			var names []string
			for d.Next() {
				names = append(names, string(d.Name()))
				if string(d.Name()) == skipped {
					require.True(t, d.Skip())
					require.True(t, d.Skip(), "skipping again does nothing")
				}
			}
			require.NoError(t, d.Err())
			require.Equal(t, want, names)
		})
	}
}

func TestDecoderSkipFindsErrors(t *testing.T) {
	for _, body := range []string{"\x01\x00\x01\x00", "\x04\x00\x05\x00\x00", "\x01\x00\x04\x00\x02"} {
		d := vici.NewDecoder([]byte(body))
		require.True(t, d.Next())
		require.False(t, d.Skip())
		require.ErrorIs(t, d.Err(), vici.ErrMalformed)
	}
}

func TestDecoderSlicesCannotOverwriteTheMessage(t *testing.T) {
	body := []byte("\x03\x01a\x00\x01b\x03\x01c\x00\x01d")
	d := vici.NewDecoder(body)
	require.True(t, d.Next())
	_ = append(d.Name(), "overwritten"...)
	_ = append(d.Value(), "overwritten"...)
	require.True(t, d.Next())
	require.Equal(t, "c", string(d.Name()))
	require.Equal(t, "d", string(d.Value()))
}

func TestDecoderAllocatesNothing(t *testing.T) {
	body := oneChild(t)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d := vici.NewDecoder(body)
		for d.Next() {
			if string(d.Name()) == "child-sas" {
				d.Skip()
			}
		}
		if d.Err() != nil {
			t.Error(d.Err())
		}
	}))
}

func TestKindString(t *testing.T) {
	require.Equal(t, "SECTION_START", vici.SectionStart.String())
	require.Equal(t, "LIST_END", vici.ListEnd.String())
	require.Equal(t, "element type 0", vici.Kind(0).String())
	require.Equal(t, "element type 7", vici.Kind(7).String())
}
