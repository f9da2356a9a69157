// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A stateEncoder writes a state as JSON, as encoding/json would by the tags of its types. It does so row by row: a state of a hundred
// thousand SAs is tens of megabytes of text, which are never in memory, and a tenth of the time is enough for it.
type stateEncoder struct {
	out *bufio.Writer
	row []byte
	err error

	moment time.Time // of the last row, since neighbours mostly have the same
	text   []byte    // of that moment, in JSON
}

// encodeState writes a state.
func encodeState(w io.Writer, s *state) error {
	e := &stateEncoder{out: bufio.NewWriterSize(w, 64<<10)}
	e.value(`{"format":`, s.Format)
	e.value(`,"version":`, s.Version)
	e.value(`,"address":`, s.Address)
	if s.Boot != "" {
		e.value(`,"boot":`, s.Boot)
	}
	if s.Daemon != nil {
		e.value(`,"daemon":`, s.Daemon)
	}
	e.value(`,"saved":`, s.Saved)
	e.value(`,"began":`, s.Began)
	encodeRows(e, `,"totals":`, s.Totals, (*stateEncoder).total)
	if len(s.Peers) > 0 {
		encodeRows(e, `,"peers":`, s.Peers, (*stateEncoder).total)
	}
	encodeRows(e, `,"marks":`, s.Marks, (*stateEncoder).mark)
	encodeRows(e, `,"sessions":`, s.Sessions, (*stateEncoder).session)
	encodeRows(e, `,"connections":`, s.Connections, (*stateEncoder).connection)
	encodeRows(e, `,"children":`, s.Children, (*stateEncoder).child)
	encodeRows(e, `,"alerts":`, s.Alerts, (*stateEncoder).alert)
	e.value(`,"received":`, s.Received)
	e.value(`,"evicted":`, s.Evicted)
	e.add("}")
	e.flush()
	if e.err == nil {
		e.err = e.out.Flush()
	}
	return e.err
}

// value writes a key and a small value of any type.
func (e *stateEncoder) value(key string, v any) {
	data, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = fmt.Errorf("state%s: %w", key, err)
	}
	e.add(key)
	e.row = append(e.row, data...)
	e.flush()
}

// encodeRows writes a key and an array.
func encodeRows[T any](e *stateEncoder, key string, rows []T, write func(*stateEncoder, *T)) {
	e.add(key)
	if rows == nil {
		e.add("null")
		e.flush()
		return
	}
	e.add("[")
	for i := range rows {
		if i > 0 {
			e.add(",")
		}
		write(e, &rows[i])
		e.flush()
	}
	e.add("]")
	e.flush()
}

func (e *stateEncoder) total(t *savedTotal) {
	e.string(`{"connection":`, t.Connection)
	e.string(`,"member":`, t.Member)
	e.numbers(`,"sum":`, t.Sum[:])
	e.time(`,"created":`, t.Created)
	e.add("}")
}

func (e *stateEncoder) mark(m *savedMark) {
	e.number(`{"id":`, uint64(m.ID))
	e.number(`,"spi":`, uint64(m.SPI))
	e.integer(`,"total":`, m.Total)
	e.integer(`,"peer":`, m.Peer)
	e.numbers(`,"mark":`, m.Mark[:])
	e.add("}")
}

func (e *stateEncoder) session(s *savedSession) {
	e.number(`{"id":`, uint64(s.ID))
	e.number(`,"spi":`, uint64(s.SPI))
	e.time(`,"start":`, s.Start)
	e.add("}")
}

func (e *stateEncoder) connection(c *savedConnection) {
	e.string(`{"connection":`, c.Connection)
	e.numbers(`,"counts":`, c.Counts[:])
	if c.Lengths != nil {
		e.lengths(`,"lengths":`, c.Lengths)
	}
	e.time(`,"created":`, c.Created)
	e.add("}")
}

func (e *stateEncoder) child(c *savedChild) {
	e.string(`{"connection":`, c.Connection)
	e.string(`,"child":`, c.Child)
	e.numbers(`,"counts":`, c.Counts[:])
	e.time(`,"created":`, c.Created)
	e.add("}")
}

func (e *stateEncoder) alert(a *savedAlert) {
	e.string(`{"alert":`, a.Alert)
	e.string(`,"connection":`, a.Connection)
	e.number(`,"count":`, a.Count)
	e.add("}")
}

func (e *stateEncoder) lengths(key string, h *savedLengths) {
	e.add(key)
	e.number(`{"count":`, h.Count)
	e.add(`,"sum":`)
	e.row = strconv.AppendFloat(e.row, h.Sum, 'g', -1, 64)
	e.numbers(`,"classic":`, h.Classic)
	e.integer(`,"schema":`, int(h.Schema))
	e.number(`,"zero":`, h.Zero)
	e.add(`,"native":{`)
	for n, i := range slices.Sorted(maps.Keys(h.Native)) {
		if n > 0 {
			e.add(",")
		}
		e.integer(`"`, int(i))
		e.number(`":`, h.Native[i])
	}
	e.add("}}")
}

// add adds text to the row.
func (e *stateEncoder) add(text string) { e.row = append(e.row, text...) }

func (e *stateEncoder) number(key string, n uint64) {
	e.add(key)
	e.row = strconv.AppendUint(e.row, n, 10)
}

func (e *stateEncoder) integer(key string, n int) {
	e.add(key)
	e.row = strconv.AppendInt(e.row, int64(n), 10)
}

func (e *stateEncoder) numbers(key string, all []uint64) {
	e.add(key)
	separator := "["
	for _, n := range all {
		e.number(separator, n)
		separator = ","
	}
	e.add("]")
}

func (e *stateEncoder) time(key string, t time.Time) {
	e.add(key)
	if len(e.text) == 0 || !t.Equal(e.moment) {
		e.text = append(e.text[:0], '"')
		text, err := t.AppendText(e.text)
		if err != nil && e.err == nil {
			e.err = err
		}
		e.moment, e.text = t, text
		e.text = append(e.text, '"')
	}
	e.row = append(e.row, e.text...)
}

func (e *stateEncoder) string(key, s string) {
	e.add(key)
	if isPlain(s) {
		e.row = append(append(append(e.row, '"'), s...), '"')
		return
	}
	quoted, _ := json.Marshal(s) // any string can be
	e.row = append(e.row, quoted...)
}

// isPlain reports whether a string stands for itself in JSON, as nearly all names do.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// flush writes the row.
func (e *stateEncoder) flush() {
	if e.err == nil {
		_, e.err = e.out.Write(e.row)
	}
	e.row = e.row[:0]
}
