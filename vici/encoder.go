// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "fmt"

// An Encoder builds a message element by element. The zero value is ready for use. Its error
// sticks: a name or value that is too long, or an element where the grammar has no place for it, is
// reported by [Encoder.Bytes], and what follows is ignored.
type Encoder struct {
	buf    []byte
	err    error
	depth  int
	inList bool
}

// Reset empties the encoder and makes it append to dst, which may be nil.
func (e *Encoder) Reset(dst []byte) { *e = Encoder{buf: dst} }

// KeyValue adds a named value. The value may hold any bytes.
func (e *Encoder) KeyValue(name, value string) {
	if e.place(KeyValue, false) && e.name(name) {
		e.value(value)
	}
}

// Section opens a section; [Encoder.EndSection] closes it.
func (e *Encoder) Section(name string) {
	if e.err == nil && e.depth == MaxDepth {
		e.err = fmt.Errorf("%w: sections nest more than %d deep", ErrTooLarge, MaxDepth)
	}
	if e.place(SectionStart, false) && e.name(name) {
		e.depth++
	}
}

// EndSection closes the section that was opened last.
func (e *Encoder) EndSection() {
	if e.err == nil && e.depth == 0 {
		e.err = fmt.Errorf("%w: SECTION_END without a section", ErrMalformed)
	}
	if e.place(SectionEnd, false) {
		e.depth--
	}
}

// List adds a list with all its items.
func (e *Encoder) List(name string, items ...string) {
	e.StartList(name)
	for _, item := range items {
		e.Item(item)
	}
	e.EndList()
}

// StartList opens a list, which holds nothing but items; [Encoder.EndList] closes it.
func (e *Encoder) StartList(name string) {
	if e.place(ListStart, false) && e.name(name) {
		e.inList = true
	}
}

// Item adds a value to the open list.
func (e *Encoder) Item(value string) {
	if e.place(ListItem, true) {
		e.value(value)
	}
}

// EndList closes the open list.
func (e *Encoder) EndList() {
	if e.place(ListEnd, true) {
		e.inList = false
	}
}

// Bytes returns the message, or the first error. The encoder still owns the bytes: they are valid
// until it is used again.
func (e *Encoder) Bytes() ([]byte, error) {
	if e.err == nil && (e.depth > 0 || e.inList) {
		return nil, fmt.Errorf("%w: message ends inside a section or list", ErrMalformed)
	}
	if e.err != nil {
		return nil, e.err
	}
	return e.buf, nil
}

// place writes the type byte if an element of that kind may stand here.
func (e *Encoder) place(k Kind, inList bool) bool {
	if e.err != nil {
		return false
	}
	if e.inList != inList {
		e.err = fmt.Errorf("%w: misplaced %s", ErrMalformed, k)
		return false
	}
	e.buf = append(e.buf, byte(k))
	return true
}

func (e *Encoder) name(s string) bool {
	if len(s) > MaxName {
		e.err = fmt.Errorf("%w: name of %d bytes, at most %d fit", ErrTooLarge, len(s), MaxName)
		return false
	}
	e.buf = append(e.buf, byte(len(s)))
	e.buf = append(e.buf, s...)
	return true
}

func (e *Encoder) value(s string) {
	if len(s) > MaxValue {
		e.err = fmt.Errorf("%w: value of %d bytes, at most %d fit", ErrTooLarge, len(s), MaxValue)
		return
	}
	e.buf = append(e.buf, byte(len(s)>>8), byte(len(s)))
	e.buf = append(e.buf, s...)
}
