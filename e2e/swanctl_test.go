// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// A section is a part of what swanctl prints: a message, or a section of one.
type section struct {
	name     string // of a message: "list-sa event", "list-sas reply"
	values   map[string]string
	lists    map[string][]string
	sections []*section
}

// ask runs swanctl on the gateway's daemon and returns the messages that it got.
func ask(ctx context.Context, t *testing.T, g *lab.Gateway, args ...string) []*section {
	t.Helper()
	text, err := g.Swanctl(ctx, append(args, "--raw", "--pretty")...)
	require.NoError(t, err)
	messages, err := parsePretty(text)
	require.NoError(t, err, text)
	return messages
}

// list returns the content of the events that swanctl got: in each one section.
func list(ctx context.Context, t *testing.T, g *lab.Gateway, args ...string) []*section {
	t.Helper()
	var found []*section
	for _, message := range ask(ctx, t, g, args...) {
		if strings.HasSuffix(message.name, " event") {
			found = append(found, message.sections...)
		}
	}
	return found
}

// parsePretty reads what swanctl --raw --pretty prints: one element in each line, indented by how deep it is.
func parsePretty(text string) ([]*section, error) {
	root := newSection("")
	open := []*section{root}
	items := "" // the list that is open
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		last := open[len(open)-1]
		indent := 2 * (len(open) - 1)
		element := line[min(indent, len(line)):]
		key, value, isValue := strings.Cut(element, " = ")
		switch {
		case items != "" && strings.TrimSpace(line) == "]":
			items = ""
		case items != "":
			last.lists[items] = append(last.lists[items], strings.TrimSpace(line))
		case len(open) > 1 && line == strings.Repeat("  ", len(open)-2)+"}":
			open = open[:len(open)-1]
		case isValue && value == "[":
			items = key
			last.lists[key] = nil
		case isValue:
			last.values[key] = value
		case strings.HasSuffix(element, " {"):
			inner := newSection(strings.TrimSuffix(element, " {"))
			last.sections = append(last.sections, inner)
			open = append(open, inner)
		default:
			return nil, fmt.Errorf("line %q is not understood", line)
		}
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("section %q is not closed", open[len(open)-1].name)
	}
	return root.sections, nil
}

func newSection(name string) *section {
	return &section{name: name, values: make(map[string]string), lists: make(map[string][]string)}
}

// section returns the section of that name; an empty one if there is none.
func (s *section) section(name string) *section {
	for _, inner := range s.sections {
		if inner.name == name {
			return inner
		}
	}
	return newSection(name)
}

// prefixed returns the sections whose names begin with prefix.
func (s *section) prefixed(prefix string) []*section {
	var found []*section
	for _, inner := range s.sections {
		if strings.HasPrefix(inner.name, prefix) {
			found = append(found, inner)
		}
	}
	return found
}

// number returns a value that is a number; ok is false where there is no such key.
func (s *section) number(t *testing.T, key string) (n float64, ok bool) {
	t.Helper()
	text, ok := s.values[key]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err, key)
	return n, true
}

// joined returns a list's items, joined by commas.
func (s *section) joined(key string) string { return strings.Join(s.lists[key], ",") }

func TestParsePretty(t *testing.T) {
	messages, err := parsePretty(`list-sa event {
  gw "odd" {name} back\slash {
    uniqueid = 2
    local-vips = [
      10.3.0.1
      10.3.0.2
    ]
    child-sas {
      rw-net-4 {
        name = a = b
      }
    }
    groups = [
    ]
  }
}
list-sas reply {
}
counters reply {
  counters {
     {
      invalid = 0
    }
  }
}
`)
	require.NoError(t, err)
	require.Len(t, messages, 3)
	sa := messages[0].sections[0]
	require.Equal(t, lab.OddConnection, sa.name)
	require.Equal(t, map[string]string{"uniqueid": "2"}, sa.values)
	require.Equal(t, "10.3.0.1,10.3.0.2", sa.joined("local-vips"))
	require.Contains(t, sa.lists, "groups")
	require.Equal(t, "a = b", sa.section("child-sas").section("rw-net-4").values["name"])
	require.Equal(t, "list-sas reply", messages[1].name)
	n, ok := messages[2].section("counters").section("").number(t, "invalid")
	require.True(t, ok)
	require.Zero(t, n)

	_, err = parsePretty("list-sa event {\n")
	require.ErrorContains(t, err, "not closed")
	_, err = parsePretty("what is that\n")
	require.ErrorContains(t, err, "not understood")
}
