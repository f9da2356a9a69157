// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// A spool keeps an answer until all of it is there. Kept compressed, a large page takes a thirtieth of its memory, so that is done
// also for a client that takes no compressed answers, and undone on the way out.
type spool struct {
	compressors *sync.Pool // of *gzip.Writer, which are used again, since each has a megabyte of tables

	header     http.Header
	status     int
	begun      bool
	kept       chunks
	compressor *gzip.Writer // nil if what comes is compressed already
}

// newCompressor returns a compressor for a spool.
func newCompressor() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // there is such a level
	return w
}

// Header returns the header of the answer.
func (s *spool) Header() http.Header {
	if s.header == nil {
		s.header = make(http.Header)
	}
	return s.header
}

// WriteHeader keeps the status of the answer.
func (s *spool) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}

// Write keeps a part of the answer. It never fails.
func (s *spool) Write(part []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	if !s.begun {
		s.begun = true
		if s.Header().Get("Content-Encoding") == "" {
			s.compressor = s.compressors.Get().(*gzip.Writer)
			s.compressor.Reset(&s.kept)
		}
	}
	if s.compressor != nil {
		return s.compressor.Write(part)
	}
	return s.kept.Write(part)
}

// finish ends the answer and gives back what making it took.
func (s *spool) finish() error {
	if s.compressor == nil {
		return nil
	}
	defer s.compressors.Put(s.compressor)
	return s.compressor.Close()
}

// deliver writes the answer's header to a client, and its body to a writer to the same client.
func (s *spool) deliver(w http.ResponseWriter, body io.Writer) error {
	maps.Copy(w.Header(), s.Header())
	if s.compressor == nil {
		w.Header().Set("Content-Length", strconv.Itoa(s.kept.size()))
	}
	s.WriteHeader(http.StatusOK)
	w.WriteHeader(s.status)
	if s.compressor == nil {
		_, err := io.Copy(body, &s.kept)
		return err
	}
	plain, err := gzip.NewReader(&s.kept)
	if err != nil {
		return err
	}
	_, err = io.Copy(body, plain)
	return err
}

// chunks is a buffer that never moves what is in it, and gives up what has been read.
type chunks [][]byte

// Write adds to the buffer.
func (c *chunks) Write(part []byte) (int, error) {
	const size = 32 << 10
	for rest := part; len(rest) > 0; {
		if n := len(*c); n == 0 || len((*c)[n-1]) == size {
			*c = append(*c, make([]byte, 0, size))
		}
		last := &(*c)[len(*c)-1]
		n := min(len(rest), size-len(*last))
		*last = append(*last, rest[:n]...)
		rest = rest[n:]
	}
	return len(part), nil
}

// Read takes from the buffer.
func (c *chunks) Read(into []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	first := &(*c)[0]
	n := copy(into, *first)
	if *first = (*first)[n:]; len(*first) == 0 {
		*first = nil
		*c = (*c)[1:]
	}
	return n, nil
}

func (c *chunks) size() (n int) {
	for _, one := range *c {
		n += len(one)
	}
	return n
}
