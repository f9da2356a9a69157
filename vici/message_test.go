// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func documentedMessage() *vici.Message {
	return new(vici.Message).
		Add("key1", "value1").
		AddSection("section1", new(vici.Message).
			AddSection("sub-section", key("key2", "value2")).
			AddList("list1", "item1", "item2"))
}

func TestMessage(t *testing.T) {
	m, err := vici.ParseMessage([]byte(documented))
	require.NoError(t, err)
	require.Equal(t, documentedMessage(), m)

	require.Equal(t, 2, m.Len())
	v, ok := m.Value("key1")
	require.True(t, ok)
	require.Equal(t, "value1", v)
	v, ok = m.Section("section1", "sub-section").Value("key2")
	require.True(t, ok)
	require.Equal(t, "value2", v)
	items, ok := m.Section("section1").Items("list1")
	require.True(t, ok)
	require.Equal(t, []string{"item1", "item2"}, items)
	require.Equal(t, m, m.Section())
	require.Equal(t, "{key1=value1 section1 {sub-section {key2=value2} list1=[item1 item2]}}", m.String())
}

func TestMessageRoundTrip(t *testing.T) {
	bodies := map[string]string{
		"document":   documented,
		"empty":      "",
		"empties":    "\x03\x00\x00\x00\x01\x00\x02\x04\x00\x06\x04\x00\x05\x00\x00\x06\x01\x01a\x01\x01b\x02\x02",
		"duplicates": "\x03\x01a\x00\x011\x01\x01a\x02\x03\x01a\x00\x012\x01\x01a\x02\x04\x01a\x06\x04\x01a\x06",
		"binary":     "\x03\x02\x00\xff\x00\x02\x00\xfe",
		"deepest":    nested(vici.MaxDepth),
		"many":       strings.Repeat(nested(3)+documented, 100),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			m, err := vici.ParseMessage([]byte(body))
			require.NoError(t, err)
			b, err := m.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, body, string(b))
		})
	}
}

func TestRecordingsRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/captures/*/*/*.bin")
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	for _, file := range files {
		name := filepath.ToSlash(strings.TrimPrefix(file, filepath.FromSlash("testdata/captures/")))
		t.Run(name, func(t *testing.T) {
			for _, p := range recorded(t, name) {
				m, err := vici.ParseMessage(p.Body)
				require.NoError(t, err)
				b, err := m.MarshalBinary()
				require.NoError(t, err)
				require.Equal(t, p.Body, append([]byte{}, b...))
			}
		})
	}
}

func TestMessageOfDuplicates(t *testing.T) {
	m := new(vici.Message).
		Add("up", "first").
		AddSection("up", key("section", "first")).
		AddList("up", "list first").
		Add("up", "second").
		AddSection("up", key("section", "second")).
		AddList("up", "list second")
	v, _ := m.Value("up")
	require.Equal(t, "first", v)
	items, _ := m.Items("up")
	require.Equal(t, []string{"list first"}, items)
	v, _ = m.Section("up").Value("section")
	require.Equal(t, "first", v)
	require.Equal(t, 6, m.Len())
}

func TestNilMessage(t *testing.T) {
	var m *vici.Message
	require.Zero(t, m.Len())
	_, ok := m.Value("a")
	require.False(t, ok)
	_, ok = m.Items("a")
	require.False(t, ok)
	require.Nil(t, m.Section("a", "b"))
	require.Empty(t, slices.Collect(m.All()))
	require.Equal(t, "{}", m.String())
	b, err := m.MarshalBinary()
	require.NoError(t, err)
	require.Empty(t, b)

	m = new(vici.Message).AddSection("empty", nil)
	require.Equal(t, "{empty {}}", m.String())
	b, err = m.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "\x01\x05empty\x02", string(b))
}

func TestMessageAll(t *testing.T) {
	m := documentedMessage()
	var names []string
	for e := range m.All() {
		names = append(names, e.Kind.String()+" "+e.Name)
		if e.Kind == vici.SectionStart {
			for inner := range e.Section.All() {
				names = append(names, inner.Kind.String()+" "+inner.Name)
				break
			}
		}
	}
	require.Equal(t, []string{"KEY_VALUE key1", "SECTION_START section1", "SECTION_START sub-section"}, names)
}

func TestMessageRefersToNothing(t *testing.T) {
	body := []byte(documented)
	m, err := vici.ParseMessage(body)
	require.NoError(t, err)
	clear(body)
	require.Equal(t, documentedMessage(), m)
}

func TestMessageParts(t *testing.T) {
	m, err := vici.ParseMessage([]byte(documented + documented))
	require.NoError(t, err)
	m.Section("section1").Add("new", "1")
	m.Add("new", "2")
	items, _ := m.Section("section1").Items("list1")
	_ = append(items, "new")
	want := documentedMessage()
	want.Section("section1").Add("new", "1")
	rest := documentedMessage()
	for e := range rest.All() {
		if e.Kind == vici.SectionStart {
			want.AddSection(e.Name, e.Section)
		} else {
			want.Add(e.Name, e.Value)
		}
	}
	require.Equal(t, want.Add("new", "2"), m, "parts share memory, and one must not grow into the next")
}

func TestUnmarshalBinaryKeepsTheMessageOnError(t *testing.T) {
	m := key("a", "b")
	require.ErrorIs(t, m.UnmarshalBinary([]byte("\x09")), vici.ErrMalformed)
	require.Equal(t, key("a", "b"), m)
	require.NoError(t, m.UnmarshalBinary([]byte(documented)))
	require.Equal(t, documentedMessage(), m)
}

func TestMessageErrors(t *testing.T) {
	dst := []byte("before")
	b, err := key("k", strings.Repeat("v", vici.MaxValue+1)).AppendBinary(dst)
	require.ErrorIs(t, err, vici.ErrTooLarge)
	require.Equal(t, dst, b)
	b, err = key("k", "v").AppendBinary(dst)
	require.NoError(t, err)
	require.Equal(t, "before\x03\x01k\x00\x01v", string(b))
}

// A section that contains itself, twice to make it worse, ends in an error and not in a hang.
func TestCyclicMessage(t *testing.T) {
	m := key("a", "b")
	m.AddSection("self", m).AddList("l", "i").AddSection("self", m)
	_, err := m.MarshalBinary()
	require.ErrorIs(t, err, vici.ErrTooLarge)
	text := m.String()
	require.True(t, strings.HasPrefix(text, "{a=b self {a=b self {"))
	require.True(t, strings.HasSuffix(text, "…"))
	require.Less(t, len(text), 1000)

	var into struct {
		Self *struct {
			Rest *vici.Message `vici:",rest"`
		} `vici:"self"`
	}
	require.NoError(t, vici.Unmarshal(m, &into))
	type recursive struct {
		Self []recursive `vici:"self*"`
	}
	require.ErrorIs(t, vici.Unmarshal(m, new(recursive)), vici.ErrTooLarge)
}

func TestMessageAllocations(t *testing.T) {
	body := oneChild(t)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := vici.ParseMessage(body); err != nil {
			t.Error(err)
		}
	}), 6.0)
}
