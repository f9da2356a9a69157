// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"strings"
	"testing"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

func TestLabelValue(t *testing.T) {
	long := strings.Repeat("x", maxLabelValue)
	for name, test := range map[string]struct{ in, want string }{
		"empty":                  {"", ""},
		"plain":                  {"gw", "gw"},
		"quotes and newlines":    {"a\"b\\\n\x00", "a\"b\\\n\x00"}, // escaping is the encoder's
		"other letters":          {"Zürich", "Zürich"},
		"invalid":                {"a\xffb", "a\uFFFDb"},
		"a run of invalid bytes": {"a\xff\xfe\xfdb", "a\uFFFDb"},
		"cut character":          {"a\xc3", "a\uFFFD"},
		"surrogate":              {"\xed\xa0\x80", "\uFFFD"},
		"just fits":              {long, long},
		"too long":               {long + "y", long},
		"cut inside a character": {long[:maxLabelValue-1] + "ü", long[:maxLabelValue-1]},
		"cut before a character": {long + "ü", long},
		"longer by replacement":  {strings.Repeat("a\xff", 100), strings.Repeat("a\uFFFD", 64)},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, labelValue(test.in)) })
	}
}

func FuzzLabelValue(f *testing.F) {
	for _, seed := range []string{"", "gw", "a\xff", strings.Repeat("ü", 200), strings.Repeat("\xff", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := labelValue(s)
		require.True(t, utf8.ValidString(v))
		require.LessOrEqual(t, len(v), maxLabelValue)
		require.Equal(t, v, labelValue(v))
		if utf8.ValidString(s) {
			require.True(t, strings.HasPrefix(s, v))
		}
	})
}

func TestLabels(t *testing.T) {
	l := newLabels("side", "local", "connection", "gw")
	require.Equal(t, []string{"connection", "side"}, pairNames(l))
	more := l.with(pair("queue", "active"), pair("a", "\xff"))
	require.Equal(t, []string{"a", "connection", "queue", "side"}, pairNames(more))
	require.Equal(t, []string{"connection", "side"}, pairNames(l), "labels are never changed")
	require.Equal(t, "\uFFFD", more[0].GetValue())
	require.Same(t, l[0], more[1], "samples share their pairs")
}

func pairNames(l Labels) []string {
	var names []string
	for _, pair := range l {
		names = append(names, pair.GetName())
	}
	return names
}

func TestPairCache(t *testing.T) {
	c := make(pairCache)
	first := c.pair("state", "up")
	require.Same(t, first, c.pair("state", "up"))
	require.NotSame(t, c.pair("state", "up"), c.pair("kind", "up"))
	require.Equal(t, "state", c.pair("state", "up").GetName())
}

// Raw values that become one label become one series, and a raw value is made a label once.
func TestInterner(t *testing.T) {
	made := 0
	n := newInterner(func(s string) string { made++; return labelText(s) })
	first := n.get("a\xff")
	require.Same(t, first, n.get("a\xff"))
	require.Same(t, first, n.get("a\xfe"))
	require.Same(t, first, n.get("a\xff"))
	require.NotSame(t, first, n.get("b"))
	require.Equal(t, "a\uFFFD", *first)
	require.Equal(t, 3, made)
}

func TestTally(t *testing.T) {
	label := func(key string) Labels { return newLabels("key", key) }
	var counts tally[string]
	emitted := func() string {
		out := NewPage()
		counts.emit(out, &Metric{Name: "n", Type: dto.MetricType_GAUGE, Labels: []string{"key"}}, label)
		return text(t, out.Families())
	}
	for _, key := range []string{"b", "a", "b"} {
		counts.add(key)
	}
	require.Equal(t, "# HELP n \n# TYPE n gauge\nn{key=\"a\"} 1\nn{key=\"b\"} 2\n", emitted())
	labels := counts[0].labels

	counts.reset()
	counts.add("a")
	require.Equal(t, "# HELP n \n# TYPE n gauge\nn{key=\"a\"} 1\n", emitted())
	require.Same(t, labels[0], counts[0].labels[0], "labels are made once")
	counts.reset()
	require.Len(t, counts, 1, "what is gone is forgotten in the next round")
}
