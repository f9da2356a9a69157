// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"bytes"
	"math"
	"math/bits"
	"time"
)

// The methods in this file read the value of the current key into a field. A value that is not of
// the field's form, or whose key occurred before, is left out and told to the trace.

func (d *saDecoder) reject() {
	d.trace.rejected(string(d.name), string(d.value))
}

func (d *saDecoder) string(field *string) {
	if *field != "" {
		d.reject()
		return
	}
	*field = d.valueText()
}

// flag reads "yes", or the "1" of esn; the daemon leaves out what is not so.
func (d *saDecoder) flag(field *bool) {
	v, err := parseBool(string(d.value))
	if err != nil || *field {
		d.reject()
		return
	}
	*field = v
}

// list reads the items of the list that was just opened.
func (d *saDecoder) list(field *[]string) {
	if len(*field) > 0 {
		d.reject()
		d.Skip()
		return
	}
	for d.Next() && d.kind == ListItem {
		*field = append(*field, d.valueText())
	}
}

type unsigned interface {
	~uint16 | ~uint32 | ~uint64
}

// number reads a decimal number.
func number[T unsigned](d *saDecoder, field *Opt[T]) { setDigits(d, field, 10) }

// hexNumber reads a number in hex digits.
func hexNumber[T unsigned](d *saDecoder, field *Opt[T]) { setDigits(d, field, 16) }

func setDigits[T unsigned](d *saDecoder, field *Opt[T], base uint64) {
	v, ok := digits(d.value, base)
	if !ok || v > uint64(^T(0)) || field.set {
		d.reject()
		return
	}
	*field = Some(T(v))
}

// digits is strconv.ParseUint without what VICI has no use for: a list-sa event holds some thirty
// numbers.
func digits(text []byte, base uint64) (n uint64, ok bool) {
	for _, c := range text {
		v := uint64(c - '0')
		if v > 9 {
			v = uint64(c|0x20) - 'a' + 10
			if v < 10 {
				return 0, false
			}
		}
		high, low := bits.Mul64(n, base)
		var carry uint64
		n, carry = bits.Add64(low, v, 0)
		if v >= base || high|carry != 0 {
			return 0, false
		}
	}
	return n, len(text) > 0
}

// maxSeconds is the longest time that a time.Duration holds.
const maxSeconds = uint64(math.MaxInt64 / time.Second)

// seconds reads a time, which may be negative.
func (d *saDecoder) seconds(field *Opt[time.Duration]) {
	text, negative := bytes.CutPrefix(d.value, []byte("-"))
	v, ok := digits(text, 10)
	if !ok || v > maxSeconds || field.set {
		d.reject()
		return
	}
	t := time.Duration(v) * time.Second
	if negative {
		t = -t
	}
	*field = Some(t)
}

// lastUse reads the age of the last packet. The daemon subtracts two clock readings without sign,
// so when the packet is the later one, by a moment or since the clock was set back, the result
// wraps round below zero: then it was just now.
func (d *saDecoder) lastUse(field *Opt[time.Duration]) {
	v, ok := digits(d.value, 10)
	if v > math.MaxInt64 {
		v = 0
	}
	if !ok || v > maxSeconds || field.set {
		d.reject()
		return
	}
	*field = Some(time.Duration(v) * time.Second)
}
