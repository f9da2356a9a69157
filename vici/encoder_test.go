// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func encodeDocumented(e *vici.Encoder) {
	e.KeyValue("key1", "value1")
	e.Section("section1")
	e.Section("sub-section")
	e.KeyValue("key2", "value2")
	e.EndSection()
	e.List("list1", "item1", "item2")
	e.EndSection()
}

func TestEncoder(t *testing.T) {
	var e vici.Encoder
	b, err := e.Bytes()
	require.NoError(t, err)
	require.Empty(t, b)

	encodeDocumented(&e)
	b, err = e.Bytes()
	require.NoError(t, err)
	require.Equal(t, documented, string(b))

	e.Reset([]byte("before"))
	e.List("")
	b, err = e.Bytes()
	require.NoError(t, err)
	require.Equal(t, "before\x04\x00\x06", string(b))
}

func TestEncoderBounds(t *testing.T) {
	name, value := strings.Repeat("n", vici.MaxName), strings.Repeat("v", vici.MaxValue)
	var e vici.Encoder
	e.KeyValue(name, value)
	e.List(name, value)
	for range vici.MaxDepth {
		e.Section(name)
	}
	for range vici.MaxDepth {
		e.EndSection()
	}
	b, err := e.Bytes()
	require.NoError(t, err)
	_, err = vici.ParseMessage(b)
	require.NoError(t, err)
}

func TestEncoderRefuses(t *testing.T) {
	long, huge := strings.Repeat("n", vici.MaxName+1), strings.Repeat("v", vici.MaxValue+1)
	tests := map[string]struct {
		build func(*vici.Encoder)
		want  error
		text  string
	}{
		"key's name":        {func(e *vici.Encoder) { e.KeyValue(long, "") }, vici.ErrTooLarge, "name of 256 bytes"},
		"section's name":    {func(e *vici.Encoder) { e.Section(long) }, vici.ErrTooLarge, "name of 256 bytes"},
		"list's name":       {func(e *vici.Encoder) { e.List(long, "a") }, vici.ErrTooLarge, "name of 256 bytes"},
		"value":             {func(e *vici.Encoder) { e.KeyValue("", huge) }, vici.ErrTooLarge, "value of 65536 bytes"},
		"item":              {func(e *vici.Encoder) { e.List("", huge) }, vici.ErrTooLarge, "value of 65536 bytes"},
		"open section":      {func(e *vici.Encoder) { e.Section("") }, vici.ErrMalformed, "ends inside a section or list"},
		"open list":         {func(e *vici.Encoder) { e.StartList("") }, vici.ErrMalformed, "ends inside a section or list"},
		"end of no section": {func(e *vici.Encoder) { e.EndSection() }, vici.ErrMalformed, "SECTION_END without a section"},
		"end of no list":    {func(e *vici.Encoder) { e.EndList() }, vici.ErrMalformed, "misplaced LIST_END"},
		"item outside":      {func(e *vici.Encoder) { e.Item("") }, vici.ErrMalformed, "misplaced LIST_ITEM"},
		"key in a list":     {func(e *vici.Encoder) { e.StartList(""); e.KeyValue("", "") }, vici.ErrMalformed, "misplaced KEY_VALUE"},
		"list in a list":    {func(e *vici.Encoder) { e.StartList(""); e.List("") }, vici.ErrMalformed, "misplaced LIST_START"},
		"section in a list": {func(e *vici.Encoder) { e.StartList(""); e.Section("") }, vici.ErrMalformed, "misplaced SECTION_START"},
		"section end in a list": {func(e *vici.Encoder) {
			e.Section("")
			e.StartList("")
			e.EndSection()
		}, vici.ErrMalformed, "misplaced SECTION_END"},
		"depth": {func(e *vici.Encoder) {
			for range vici.MaxDepth + 1 {
				e.Section("s")
			}
		}, vici.ErrTooLarge, "more than 64 deep"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var e vici.Encoder
			test.build(&e)
			b, err := e.Bytes()
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			require.Nil(t, b)

			e.Reset(nil)
			test.build(&e)
			first := err.Error()
			encodeDocumented(&e)
			e.EndList()
			e.EndSection()
			_, err = e.Bytes()
			require.Error(t, err)
			if !strings.Contains(first, "ends inside") {
				require.Equal(t, first, err.Error(), "the first error sticks")
			}
		})
	}
}

func TestEncoderAllocatesNothingWithAReusedBuffer(t *testing.T) {
	var e vici.Encoder
	buf := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		e.Reset(buf)
		encodeDocumented(&e)
		if _, err := e.Bytes(); err != nil {
			t.Error(err)
		}
	}))
}
