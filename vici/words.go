// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "strings"

// words makes strings of bytes. A listing says the same again and again, so a string that was made lately is found
// instead, and those that are new are cut from a piece of memory for many of them. A string that is kept keeps that
// piece.
//
// The zero value is ready for use; it is for one decoder at a time. Nil makes each string anew.
type words struct {
	known [1 << slotBits]string
	piece strings.Builder
}

// pieceSize holds what is new in some ten ordinary events.
const pieceSize = 2048

// text returns a string of these bytes.
func (w *words) text(b []byte) string {
	if w == nil || len(b) == 0 {
		return string(b)
	}
	known := &w.known[slot(b)]
	if *known != string(b) {
		*known = w.cut(b)
	}
	return *known
}

const slotBits = 9

// slot is where a string is remembered. Strings of a listing that differ do so at one of these places, mostly; others take
// turns.
func slot(b []byte) uint32 {
	const fibonacci = 0x9e3779b9 // spreads what it multiplies over all bits
	n := len(b)
	h := uint32(n) | uint32(b[0])<<8 | uint32(b[n/2])<<16 | uint32(b[n-1])<<24
	return h * fibonacci >> (32 - slotBits)
}

// cut makes a new string.
func (w *words) cut(b []byte) string {
	if len(b) > pieceSize/8 {
		return string(b)
	}
	if w.piece.Cap()-w.piece.Len() < len(b) {
		w.piece = strings.Builder{}
		w.piece.Grow(pieceSize)
	}
	start := w.piece.Len()
	w.piece.Write(b)
	return w.piece.String()[start:]
}
