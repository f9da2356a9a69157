// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "fmt"

// A Kind is the type byte of a message element.
type Kind uint8

// The element types of the protocol document's message format.
const (
	SectionStart Kind = 1 + iota // a named section begins
	SectionEnd                   // the section opened last ends
	KeyValue                     // a named value
	ListStart                    // a named list begins
	ListItem                     // a value of the open list
	ListEnd                      // the open list ends
)

var kindNames = [...]string{"", "SECTION_START", "SECTION_END", "KEY_VALUE", "LIST_START", "LIST_ITEM", "LIST_END"}

// String returns the name that the protocol document uses, such as "KEY_VALUE".
func (k Kind) String() string {
	if k >= SectionStart && k <= ListEnd {
		return kindNames[k]
	}
	return fmt.Sprintf("element type %d", uint8(k))
}

// MaxDepth is how deep sections may nest. Daemons nest four deep; the bound keeps hostile bytes
// from using up the stack of whoever recurses.
const MaxDepth = 64

// A Decoder walks over the elements of one message. It allocates nothing: names and values are
// slices of the message. Its error sticks, so a caller may walk to the end and look at
// [Decoder.Err] once.
//
//	d := vici.NewDecoder(body)
//	for d.Next() {
//		switch d.Kind() {
//		case vici.KeyValue:
//			fmt.Printf("%s = %s\n", d.Name(), d.Value())
//		}
//	}
//	if err := d.Err(); err != nil { … }
//
// The grammar is checked on the way: elements are whole, items stand in lists and nothing else
// does, sections nest at most [MaxDepth] deep and are all closed. What an element means is not
// checked; duplicate keys pass.
type Decoder struct {
	data   []byte
	pos    int
	name   []byte
	value  []byte
	err    error
	depth  int32
	kind   Kind
	inList bool
}

// NewDecoder returns a Decoder for a message body. It keeps a reference to body.
func NewDecoder(body []byte) Decoder { return Decoder{data: body} }

// Next moves to the next element. It returns false at the end of the message and at the first byte
// that is not valid; [Decoder.Err] tells them apart.
func (d *Decoder) Next() bool {
	if d.err != nil {
		return false
	}
	if d.pos >= len(d.data) {
		d.finish()
		return false
	}
	d.kind = Kind(d.data[d.pos])
	d.name, d.value = nil, nil
	if d.inList != (d.kind == ListItem || d.kind == ListEnd) {
		return d.misplaced()
	}
	switch d.kind {
	case KeyValue:
		return d.readName() && d.readValue()
	case ListItem:
		d.pos++
		return d.readValue()
	case SectionStart:
		return d.push() && d.readName()
	case SectionEnd:
		return d.pop()
	case ListStart:
		d.inList = true
		return d.readName()
	case ListEnd:
		d.inList = false
		d.pos++
		return true
	}
	return d.fail(d.pos, "unknown "+d.kind.String())
}

// Kind returns the type of the current element.
func (d *Decoder) Kind() Kind { return d.kind }

// Name returns the name of the current section, key or list. It is valid as long as the message is.
func (d *Decoder) Name() []byte { return d.name }

// Value returns the value of the current key or list item. It is valid as long as the message is.
func (d *Decoder) Value() []byte { return d.value }

// Depth returns how many sections are open.
func (d *Decoder) Depth() int { return int(d.depth) }

// Err returns what stopped the walk: nil at the end of a valid message, else a [*SyntaxError], or
// an error that matches [ErrTooLarge] where sections nest too deep.
func (d *Decoder) Err() error { return d.err }

// Skip moves to the end of the section or list that the current element begins, past all that is in
// it. Elsewhere it does nothing. It returns false if the message is not valid up to there.
func (d *Decoder) Skip() bool {
	switch d.kind {
	case SectionStart:
		for outer := d.depth - 1; d.depth > outer; {
			if !d.Next() {
				return false
			}
		}
	case ListStart:
		for d.inList {
			if !d.Next() {
				return false
			}
		}
	case SectionEnd, KeyValue, ListItem, ListEnd:
	}
	return d.err == nil
}

// readName reads the name behind the type byte at pos.
func (d *Decoder) readName() bool {
	rest := d.data[d.pos+1:]
	if len(rest) == 0 || len(rest) <= int(rest[0]) {
		return d.fail(d.pos, "name of "+d.kind.String()+" is cut off")
	}
	end := 1 + int(rest[0])
	d.name = rest[1:end:end]
	d.pos += 1 + end
	return true
}

// readValue reads the value at pos.
func (d *Decoder) readValue() bool {
	rest := d.data[d.pos:]
	if len(rest) < 2 || len(rest)-2 < int(rest[0])<<8|int(rest[1]) {
		return d.fail(d.pos, "value of "+d.kind.String()+" is cut off")
	}
	end := 2 + (int(rest[0])<<8 | int(rest[1]))
	d.value = rest[2:end:end]
	d.pos += end
	return true
}

func (d *Decoder) push() bool {
	if d.depth == MaxDepth {
		d.err = fmt.Errorf("%w: sections nest more than %d deep at byte %d", ErrTooLarge, MaxDepth, d.pos)
		return false
	}
	d.depth++
	return true
}

func (d *Decoder) pop() bool {
	if d.depth == 0 {
		return d.fail(d.pos, "SECTION_END without a section")
	}
	d.depth--
	d.pos++
	return true
}

// finish checks at the end of the bytes that all is closed.
func (d *Decoder) finish() {
	d.kind, d.name, d.value = 0, nil, nil
	switch {
	case d.inList:
		d.fail(d.pos, "message ends inside a list")
	case d.depth > 0:
		d.fail(d.pos, "message ends inside a section")
	}
}

func (d *Decoder) misplaced() bool {
	if d.inList {
		return d.fail(d.pos, d.kind.String()+" inside a list")
	}
	return d.fail(d.pos, d.kind.String()+" outside a list")
}

func (d *Decoder) fail(offset int, reason string) bool {
	d.err = malformed(offset, reason)
	return false
}
