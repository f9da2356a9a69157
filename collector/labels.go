// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
)

// maxLabelValue bounds label values, which peers choose, in bytes.
const maxLabelValue = 256

// labelValue makes any bytes a label value: invalid UTF-8 is replaced by
// U+FFFD, and what is too long is cut at a character. Whatever is
// aggregated by label must be aggregated by the result, since two values may become one.
func labelValue(s string) string {
	if len(s) <= maxLabelValue && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxLabelValue {
		return s
	}
	end := maxLabelValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// Labels are the label pairs of a sample, sorted by name. They are never
// changed, so samples share them.
type Labels []*dto.LabelPair

// newLabels makes Labels of alternating names and values.
func newLabels(namesAndValues ...string) Labels {
	var l Labels
	for i := 0; i < len(namesAndValues); i += 2 {
		l = l.with(pair(namesAndValues[i], namesAndValues[i+1]))
	}
	return l
}

// pair returns a new label pair. All of it lies in one piece of memory, since encoding a large page is mostly waiting
// for memory, and the value is a copy, since what the daemon sent is part of a whole message.
func pair(name, value string) *dto.LabelPair {
	p := &struct {
		name, value string
		dto.LabelPair
	}{name: name, value: labelText(value)}
	p.Name, p.Value = &p.name, &p.value
	return &p.LabelPair
}

// with returns new Labels that also hold the given pairs.
func (l Labels) with(pairs ...*dto.LabelPair) Labels {
	all := make(Labels, 0, len(l)+len(pairs))
	all = append(append(all, l...), pairs...)
	slices.SortFunc(all, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}

// compareLabels orders samples as the official registry does.
func compareLabels(a, b Labels) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		if c := strings.Compare(a[i].GetValue(), b[i].GetValue()); c != 0 {
			return c
		}
	}
	return 0
}

// A pairCache shares the label pairs of values that occur again and again, such as states.
type pairCache map[[2]string]*dto.LabelPair

func (c pairCache) pair(name, value string) *dto.LabelPair {
	key := [2]string{name, value}
	p, ok := c[key]
	if !ok {
		p = pair(name, value)
		c[key] = p
	}
	return p
}

// makePair is where the pairs of a label set come from.
type makePair func(name, value string) *dto.LabelPair
