// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"iter"
	"slices"
	"strings"
)

// An Element is a part of a [Message]: a key with its value, a list, or a section.
type Element struct {
	Name    string
	Value   string   // of a KeyValue; any bytes
	Items   []string // of a ListStart: the whole list
	Section *Message // of a SectionStart: the whole section
	Kind    Kind     // KeyValue, ListStart or SectionStart
}

// A Message is a tree of sections, keys and lists, in the order of the wire. It keeps what it does
// not understand: names may be empty or occur more than once, and encoding a decoded message gives
// the same bytes again.
//
// The zero value is an empty message. Methods that read may be called on a nil *Message, which is
// empty too, so that look-ups can be chained. A Message is not safe for concurrent change.
type Message struct {
	elements []Element
}

// ParseMessage decodes a message body. The message does not refer to body afterwards. The error is that of
// [Decoder.Err].
func ParseMessage(body []byte) (*Message, error) {
	m := new(Message)
	if err := m.UnmarshalBinary(body); err != nil {
		return nil, err
	}
	return m, nil
}

// Add appends a key with its value and returns the message for further calls.
func (m *Message) Add(name, value string) *Message {
	m.elements = append(m.elements, Element{Kind: KeyValue, Name: name, Value: value})
	return m
}

// AddList appends a list and returns the message. It keeps items.
func (m *Message) AddList(name string, items ...string) *Message {
	m.elements = append(m.elements, Element{Kind: ListStart, Name: name, Items: items})
	return m
}

// AddSection appends a section and returns the message. It keeps section.
func (m *Message) AddSection(name string, section *Message) *Message {
	m.elements = append(m.elements, Element{Kind: SectionStart, Name: name, Section: section})
	return m
}

// Len returns the number of elements at this level.
func (m *Message) Len() int { return len(m.list()) }

// All returns the elements at this level in order.
func (m *Message) All() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for _, e := range m.list() {
			if !yield(e) {
				return
			}
		}
	}
}

// Value returns the value of the first key with that name at this level.
func (m *Message) Value(name string) (string, bool) {
	if e := m.find(KeyValue, name); e != nil {
		return e.Value, true
	}
	return "", false
}

// Items returns the items of the first list with that name at this level.
func (m *Message) Items(name string) ([]string, bool) {
	if e := m.find(ListStart, name); e != nil {
		return e.Items, true
	}
	return nil, false
}

// Section follows a path of section names, taking the first of each name. It returns nil, which can
// be read like an empty message, where there is no such section.
func (m *Message) Section(path ...string) *Message {
	for _, name := range path {
		e := m.find(SectionStart, name)
		if e == nil {
			return nil
		}
		m = e.Section
	}
	return m
}

// list returns all elements at this level.
func (m *Message) list() []Element {
	if m == nil {
		return nil
	}
	return m.elements
}

func (m *Message) find(kind Kind, name string) *Element {
	for i := range m.list() {
		if e := &m.elements[i]; e.Kind == kind && e.Name == name {
			return e
		}
	}
	return nil
}

// String returns the message in one line in the manner of "swanctl --raw", for logs. Sections that
// nest deeper than [MaxDepth] end it with "…".
func (m *Message) String() string {
	var b strings.Builder
	if !m.format(&b, MaxDepth) {
		b.WriteString("…")
	}
	return b.String()
}

// format returns false where sections nest too deep: one of them may contain itself.
func (m *Message) format(b *strings.Builder, depth int) bool {
	if depth < 0 {
		return false
	}
	b.WriteByte('{')
	separator := ""
	for e := range m.All() {
		b.WriteString(separator)
		separator = " "
		b.WriteString(e.Name)
		switch e.Kind {
		case SectionStart:
			b.WriteByte(' ')
			if !e.Section.format(b, depth-1) {
				return false
			}
		case ListStart:
			b.WriteString("=[" + strings.Join(e.Items, " ") + "]")
		default:
			b.WriteString("=" + e.Value)
		}
	}
	b.WriteByte('}')
	return true
}

// MarshalBinary returns the message as it goes over the wire.
func (m *Message) MarshalBinary() ([]byte, error) {
	return m.AppendBinary(nil)
}

// AppendBinary appends the message as it goes over the wire to dst. A name or value that is too long, or a section that
// contains itself, gives a [*FieldError] that matches [ErrTooLarge].
func (m *Message) AppendBinary(dst []byte) ([]byte, error) {
	var e Encoder
	e.Reset(dst)
	if path := m.encode(&e); path != nil {
		slices.Reverse(path)
		return dst, &FieldError{Path: strings.Join(path, "."), Err: e.err, key: path[len(path)-1]}
	}
	return e.buf, nil
}

// encode returns the names, innermost first, that lead to what cannot be encoded; nil if there is nothing such.
func (m *Message) encode(e *Encoder) (path []string) {
	for i := range m.list() {
		element := &m.elements[i]
		switch element.Kind {
		case SectionStart:
			if e.Section(element.Name); e.err == nil {
				path = element.Section.encode(e)
				e.EndSection()
			}
		case ListStart:
			e.List(element.Name, element.Items...)
		default:
			e.KeyValue(element.Name, element.Value)
		}
		if e.err != nil {
			return append(path, element.Name)
		}
	}
	return nil
}

// UnmarshalBinary replaces the message by what body holds, to which it does not refer afterwards.
// On an error the message is unchanged.
func (m *Message) UnmarshalBinary(body []byte) error {
	counts, items, err := measure(body, make([]int32, 0, 16))
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts {
		total += int(n)
	}
	t := treeBuilder{
		text:     string(body),
		counts:   counts,
		elements: make([]Element, total),
		sections: make([]Message, len(counts)-1),
		items:    make([]string, items),
	}
	m.elements = t.section()
	return nil
}

// measure checks the whole message and counts its parts, so that a tree takes a handful of
// allocations whatever its shape. It appends the number of elements of the message itself and then
// of each section, in the order in which they begin, to counts, and returns the number of items of
// all lists too.
func measure(body []byte, counts []int32) (_ []int32, items int, _ error) {
	var open [MaxDepth + 1]int // which of counts belongs to the section that is open at a depth
	counts = append(counts, 0)
	d := NewDecoder(body)
	for d.Next() {
		switch d.kind {
		case SectionStart:
			counts[open[d.depth-1]]++
			open[d.depth] = len(counts)
			counts = append(counts, 0)
		case KeyValue, ListStart:
			counts[open[d.depth]]++
		case ListItem:
			items++
		case SectionEnd, ListEnd:
		}
	}
	return counts, items, d.Err()
}

// A treeBuilder turns a message that was measured, and is therefore known to be whole, into a tree.
// All strings are parts of one text, all elements, sections and items parts of one slab each.
type treeBuilder struct {
	text     string
	pos      int
	counts   []int32   // of the sections that have not begun yet
	elements []Element // those not used yet; likewise below
	sections []Message
	items    []string
}

// section reads the elements of the section that was just opened, and its end.
func (t *treeBuilder) section() []Element {
	n := int(t.counts[0])
	t.counts = t.counts[1:]
	if n == 0 {
		t.pos++
		return nil
	}
	elements := t.elements[:n:n]
	t.elements = t.elements[n:]
	for i := range elements {
		t.element(&elements[i])
	}
	t.pos++
	return elements
}

func (t *treeBuilder) element(e *Element) {
	e.Kind = Kind(t.text[t.pos])
	start := t.pos + 2
	t.pos = start + int(t.text[t.pos+1])
	e.Name = t.text[start:t.pos]
	switch e.Kind {
	case SectionStart:
		e.Section = &t.sections[0]
		t.sections = t.sections[1:]
		e.Section.elements = t.section()
	case ListStart:
		e.Items = t.list()
	default:
		e.Value = t.value()
	}
}

// list reads the items of the list that was just opened, and its end.
func (t *treeBuilder) list() []string {
	n := 0
	for ; Kind(t.text[t.pos]) == ListItem; n++ {
		t.pos++
		t.items[n] = t.value()
	}
	t.pos++
	if n == 0 {
		return nil
	}
	items := t.items[:n:n]
	t.items = t.items[n:]
	return items
}

func (t *treeBuilder) value() string {
	start := t.pos + 2
	t.pos = start + int(t.text[t.pos])<<8 + int(t.text[t.pos+1])
	return t.text[start:t.pos]
}
