// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Sizes that the protocol bounds.
const (
	// MaxSegment is the largest segment, in bytes, that a daemon with default settings sends or
	// accepts: 512 KiB, without the length header.
	MaxSegment = 512 * 1024

	// MaxName is the longest name of a command, event, section, key or list.
	MaxName = 255

	// MaxValue is the longest value of a key or list item.
	MaxValue = 65535
)

const headerSize = 4

// A PacketType is the first byte of a segment. It tells what follows it.
type PacketType uint8

// The packet types of the protocol document's packet layer.
const (
	CmdRequest      PacketType = iota // client: a named request with a message
	CmdResponse                       // daemon: the message that answers a request
	CmdUnknown                        // daemon: there is no such command
	EventRegister                     // client: asks for the named event
	EventUnregister                   // client: ends a registration
	EventConfirm                      // daemon: (un)registration done
	EventUnknown                      // daemon: (un)registration failed
	EventPacket                       // daemon: a named event with a message
)

var packetTypeNames = [...]string{
	"CMD_REQUEST", "CMD_RESPONSE", "CMD_UNKNOWN", "EVENT_REGISTER",
	"EVENT_UNREGISTER", "EVENT_CONFIRM", "EVENT_UNKNOWN", "EVENT",
}

// String returns the name that the protocol document uses, such as "CMD_REQUEST".
func (t PacketType) String() string {
	if int(t) < len(packetTypeNames) {
		return packetTypeNames[t]
	}
	return fmt.Sprintf("packet type %d", uint8(t))
}

// Named reports whether packets of this type carry a name.
func (t PacketType) Named() bool {
	return t == CmdRequest || t == EventRegister || t == EventUnregister || t == EventPacket
}

// HasMessage reports whether packets of this type carry a message.
func (t PacketType) HasMessage() bool {
	return t == CmdRequest || t == CmdResponse || t == EventPacket
}

// A Packet is one segment of the transport, taken apart.
type Packet struct {
	Type PacketType
	Name []byte // of a command or event; nil for types without a name
	Body []byte // the message, to be read by a [Decoder] or a [Message]
}

// ParsePacket takes a segment without its length header apart. The packet's slices point into
// segment. Errors match [ErrMalformed].
func ParsePacket(segment []byte) (Packet, error) {
	if len(segment) == 0 {
		return Packet{}, malformed(0, "empty segment")
	}
	p := Packet{Type: PacketType(segment[0]), Body: segment[1:]}
	if int(p.Type) >= len(packetTypeNames) {
		return Packet{}, malformed(0, "unknown "+p.Type.String())
	}
	if p.Type.Named() {
		if len(segment) < 2 || len(segment) < 2+int(segment[1]) {
			return Packet{}, malformed(1, "name of "+p.Type.String()+" is cut off")
		}
		end := 2 + int(segment[1])
		p.Name, p.Body = segment[2:end], segment[end:]
	}
	if !p.Type.HasMessage() && len(p.Body) > 0 {
		return Packet{}, malformed(len(segment)-len(p.Body), p.Type.String()+" carries a message")
	}
	return p, nil
}

// AppendPacket appends a whole segment, length header included, to dst. Name is ignored for types
// that have none. It fails, leaving dst as it was, if the name is longer than [MaxName] or the
// segment longer than [MaxSegment].
func AppendPacket(dst []byte, t PacketType, name string, body []byte) ([]byte, error) {
	size := 1 + len(body)
	if t.Named() {
		if len(name) > MaxName {
			return dst, fmt.Errorf("%w: name of %d bytes, at most %d fit", ErrTooLarge, len(name), MaxName)
		}
		size += 1 + len(name)
	}
	if size > MaxSegment {
		return dst, fmt.Errorf("%w: segment of %d bytes, at most %d are accepted", ErrTooLarge, size, MaxSegment)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, byte(t))
	if t.Named() {
		dst = append(dst, byte(len(name)))
		dst = append(dst, name...)
	}
	return append(dst, body...), nil
}

// A PacketReader cuts a byte stream into packets. It reads ahead, so nothing else may read from the
// same stream. An error of the stream, such as a timeout, loses nothing: the next call goes on
// where the last one stopped. It is not safe for concurrent use.
type PacketReader struct {
	r          io.Reader
	max        int
	buf        []byte
	start, end int // buf[start:end] was read and not yet returned
}

// minBuffer holds a few hundred ordinary events; a buffer grows only for a segment that needs it.
const minBuffer = 64 * 1024

// shrinkAbove is the size from which a buffer that grew is given back.
const shrinkAbove = 2 * minBuffer

// NewPacketReader returns a reader that refuses segments of more than limit bytes; 0 means
// [MaxSegment].
func NewPacketReader(r io.Reader, limit int) *PacketReader {
	if limit <= 0 {
		limit = MaxSegment
	}
	return &PacketReader{r: r, max: limit}
}

// Next returns the next packet, which is valid until the next call. A stream that ends between two
// packets gives io.EOF, one that ends inside a packet io.ErrUnexpectedEOF. A segment that announces
// more than the limit gives [ErrTooLarge] before any of it is stored; a segment that is no packet
// gives [ErrMalformed]. After these two the stream has no more meaning.
func (r *PacketReader) Next() (Packet, error) {
	if err := r.fill(headerSize); err != nil {
		return Packet{}, err
	}
	size := binary.BigEndian.Uint32(r.buf[r.start:])
	if uint64(size) > uint64(r.max) {
		return Packet{}, fmt.Errorf("%w: segment of %d bytes announced, limit is %d", ErrTooLarge, size, r.max)
	}
	total := headerSize + int(size)
	if err := r.fill(total); err != nil {
		return Packet{}, err
	}
	segment := r.buf[r.start+headerSize : r.start+total]
	r.start += total
	return ParsePacket(segment)
}

// Buffered returns the number of bytes that were read and not yet returned.
func (r *PacketReader) Buffered() int { return r.end - r.start }

// maxEmptyReads is how often a stream may return neither bytes nor an error, as in package bufio.
const maxEmptyReads = 100

// fill reads until at least n bytes are buffered.
func (r *PacketReader) fill(n int) error {
	if r.Buffered() >= n {
		return nil
	}
	r.makeRoom(n)
	for empty := 0; empty < maxEmptyReads; empty++ {
		m, err := r.r.Read(r.buf[r.end:])
		r.end += m
		switch {
		case r.Buffered() >= n:
			return nil
		case err == io.EOF && r.Buffered() > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case m > 0:
			empty = 0
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves what is buffered to the front of a buffer that holds n bytes.
func (r *PacketReader) makeRoom(n int) {
	old := r.buf[r.start:r.end]
	switch {
	case n > len(r.buf):
		r.buf = make([]byte, max(n, minBuffer))
	case len(r.buf) > shrinkAbove && n <= minBuffer && len(old) <= minBuffer:
		r.buf = make([]byte, minBuffer)
	}
	r.end = copy(r.buf, old)
	r.start = 0
}
