// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// A textDecoder is a Decoder whose names and values are strings. All of them are parts of one
// string, which is the only allocation.
type textDecoder struct {
	Decoder
	text string
}

func newTextDecoder(body []byte) textDecoder {
	return textDecoder{Decoder: NewDecoder(body), text: string(body)}
}

// valueText is Value as a string: it ends where the decoder stands.
func (d *textDecoder) valueText() string {
	return d.text[d.pos-len(d.value) : d.pos]
}

// nameText is Name as a string: it ends where the decoder stands, or before the value and the two
// bytes of its length.
func (d *textDecoder) nameText() string {
	end := d.pos
	if d.kind == KeyValue {
		end -= len(d.value) + 2
	}
	return d.text[end-len(d.name) : end]
}
