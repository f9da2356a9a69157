// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"bytes"
	"math"
	"strconv"
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
func number[T unsigned](d *saDecoder, field *Opt[T]) {
	v, ok := decimal(d.value)
	set(d, field, v, ok)
}

// hexNumber reads a number in hex digits.
func hexNumber[T unsigned](d *saDecoder, field *Opt[T]) {
	v, ok := hexadecimal(d.value)
	set(d, field, v, ok)
}

func set[T unsigned](d *saDecoder, field *Opt[T], v uint64, ok bool) {
	if !ok || v > uint64(^T(0)) || field.set {
		d.reject()
		return
	}
	*field = Some(T(v))
}

// decimal is strconv.ParseUint without what VICI has no use for: a list-sa event holds some thirty numbers.
func decimal(text []byte) (n uint64, ok bool) {
	const surelyFits = 19 // digits
	if len(text) > surelyFits {
		n, err := strconv.ParseUint(string(text), 10, 64)
		return n, err == nil
	}
	for _, c := range text {
		digit := c - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + uint64(digit)
	}
	return n, len(text) > 0
}

// hexadecimal is the same for hex digits.
func hexadecimal(text []byte) (n uint64, ok bool) {
	const surelyFits = 16 // digits
	if len(text) > surelyFits {
		n, err := strconv.ParseUint(string(text), 16, 64)
		return n, err == nil
	}
	for _, c := range text {
		digit := c - '0'
		if digit > 9 {
			if digit = c | 0x20 - 'a'; digit > 5 {
				return 0, false
			}
			digit += 10
		}
		n = n<<4 | uint64(digit)
	}
	return n, len(text) > 0
}

// maxSeconds is the longest time that a time.Duration holds.
const maxSeconds = uint64(math.MaxInt64 / time.Second)

// seconds reads a time, which may be negative.
func (d *saDecoder) seconds(field *Opt[time.Duration]) {
	text, negative := bytes.CutPrefix(d.value, []byte("-"))
	v, ok := decimal(text)
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
	v, ok := decimal(d.value)
	if v > math.MaxInt64 {
		v = 0
	}
	if !ok || v > maxSeconds || field.set {
		d.reject()
		return
	}
	*field = Some(time.Duration(v) * time.Second)
}
