// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"encoding/binary"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Damage makes bytes of a packet wrong. It gets the segment with its four bytes of
// length and returns what is sent instead; with hangUp the connection is closed after it.
type Damage func(segment []byte) (damaged []byte, hangUp bool)

// OnPacket damages the n-th packet, counted from 0, that the command sends: an event of its
// stream, or its answer, which is the last one.
func OnPacket(n int, d Damage) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			seen := 0
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				seen++
				if seen-1 != n {
					return send(segment)
				}
				return applyDamage(c, d, segment, send)
			}))
		}
	}
}

// OnAnswer damages the command's answer, or a registration's confirmation, and leaves events as they are.
func OnAnswer(d Damage) Fault {
	return func(next Command) Command {
		return func(c *Call) (*vici.Message, error) {
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				if len(segment) > lengthSize && vici.PacketType(segment[lengthSize]) == vici.EventPacket {
					return send(segment)
				}
				return applyDamage(c, d, segment, send)
			}))
		}
	}
}

func applyDamage(c *Call, d Damage, segment []byte, send func([]byte) error) error {
	damaged, hangUp := d(slices.Clone(segment))
	err := send(damaged)
	if hangUp {
		c.Drop()
	}
	return err
}

// Truncated sends only the first n bytes, of which four are the length, and closes the connection.
func Truncated(n int) Damage {
	return func(segment []byte) ([]byte, bool) { return segment[:min(n, len(segment))], true }
}

// Oversized announces a segment of that size and sends what there is.
func Oversized(size uint32) Damage {
	return func(segment []byte) ([]byte, bool) {
		binary.BigEndian.PutUint32(segment, size)
		return segment, false
	}
}

// Replaced sends other bytes instead of the packet.
func Replaced(garbage []byte) Damage {
	return func([]byte) ([]byte, bool) { return garbage, false }
}

// OfType sends an empty packet of another type instead, also of one that nobody knows.
func OfType(t vici.PacketType) Damage {
	return func([]byte) ([]byte, bool) {
		segment := []byte{0, 0, 0, 1, byte(t)}
		if t.Named() {
			segment = []byte{0, 0, 0, 2, byte(t), 0}
		}
		return segment, false
	}
}

// Malformed keeps the packet whole and makes its message end inside a section.
func Malformed() Damage {
	return func(segment []byte) ([]byte, bool) {
		segment = append(segment, byte(vici.SectionStart), 1, 'x')
		binary.BigEndian.PutUint32(segment, uint32(len(segment)-lengthSize))
		return segment, false
	}
}

// Nested replaces the packet's message by one of so many sections inside each other.
func Nested(depth int) Damage {
	return func(segment []byte) ([]byte, bool) {
		segment = segment[:messageOffset(segment)]
		for range depth {
			segment = append(segment, byte(vici.SectionStart), 1, 'x')
		}
		for range depth {
			segment = append(segment, byte(vici.SectionEnd))
		}
		binary.BigEndian.PutUint32(segment, uint32(len(segment)-lengthSize))
		return segment, false
	}
}

// messageOffset tells where a segment's message begins.
func messageOffset(segment []byte) int {
	if vici.PacketType(segment[lengthSize]).Named() {
		return lengthSize + 2 + int(segment[lengthSize+1])
	}
	return lengthSize + 1
}
