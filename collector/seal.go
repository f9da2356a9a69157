// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// maxStateSize is twice the state of a hundred thousand SAs of as many connections.
const maxStateSize = 128 << 20

// errTooLarge is of a state that would not be read again.
var errTooLarge = fmt.Errorf("more than the %d bytes that a state may have", maxStateSize)

// A sealer writes a state with its checksum at the end. What a disk or a file system has changed must not become a total.
type sealer struct {
	io.Writer

	sum  hash.Hash32
	room int
}

func newSealer(w io.Writer) *sealer {
	return &sealer{w, newChecksum(), maxStateSize - sealSize}
}

func newChecksum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// Write adds a part of the state.
func (s *sealer) Write(p []byte) (int, error) {
	if s.room -= len(p); s.room < 0 {
		return 0, errTooLarge
	}
	_, _ = s.sum.Write(p)
	return s.Writer.Write(p)
}

// seal ends the state.
func (s *sealer) seal() error {
	_, err := io.WriteString(s.Writer, sealOf(s.sum))
	return err
}

// sealOf returns what stands at the end of a file: another value of JSON, so that tools can read all of it.
func sealOf(sum hash.Hash32) string { return fmt.Sprintf("\n{\"crc32c\":\"%08x\"}\n", sum.Sum32()) }

// sealSize is the length of the seal.
const sealSize = len("\n{\"crc32c\":\"01234567\"}\n")

// openSealed returns what is before the seal, if that is unbroken.
func openSealed(file io.ReaderAt, size int64) (io.Reader, error) {
	switch {
	case size > maxStateSize:
		return nil, errTooLarge
	case size < int64(sealSize):
		return nil, errUnsealed
	}
	body := size - int64(sealSize)
	sum, found := newChecksum(), make([]byte, sealSize)
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, body)); err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(found, body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(found) != sealOf(sum) {
		return nil, errUnsealed
	}
	return io.NewSectionReader(file, 0, body), nil
}

var errUnsealed = errors.New("damaged: its checksum at the end is wrong or missing")
