// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxStateRows is several times the SAs of a very large gateway.
const maxStateRows = 1_000_000

// A stateDecoder reads what a stateEncoder writes, as encoding/json would by the tags of the state's types. It does so row by row, too:
// whatever is in a file, no more of it is in memory than a state can have.
type stateDecoder struct{ *json.Decoder }

// decodeState reads a state and checks all that restoring it relies on.
func decodeState(r io.Reader, address string) (*state, error) {
	d, s := stateDecoder{json.NewDecoder(r)}, new(state)
	if err := d.object(func(key string) error { return d.field(s, key) }); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("damaged: there is more than a state")
	}
	if err := s.checkHeading(address); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// field reads the value of a key.
func (d stateDecoder) field(s *state, key string) error {
	switch key {
	case "format":
		return d.Decode(&s.Format)
	case "version":
		return d.Decode(&s.Version)
	case "address":
		return d.Decode(&s.Address)
	case "boot":
		return d.Decode(&s.Boot)
	case "daemon":
		return d.Decode(&s.Daemon)
	case "saved":
		return d.Decode(&s.Saved)
	case "began":
		return d.Decode(&s.Began)
	case "evicted":
		return d.Decode(&s.Evicted)
	case "received":
		return d.counts(&s.Received)
	}
	return d.list(s, key)
}

func (d stateDecoder) list(s *state, key string) error {
	switch key {
	case "totals":
		return decodeRows(d, &s.Totals)
	case "peers":
		return decodeRows(d, &s.Peers)
	case "marks":
		return decodeRows(d, &s.Marks)
	case "sessions":
		return decodeRows(d, &s.Sessions)
	case "connections":
		return decodeRows(d, &s.Connections)
	case "children":
		return decodeRows(d, &s.Children)
	case "alerts":
		return decodeRows(d, &s.Alerts)
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	return fmt.Errorf("nothing is known of %q", key)
}

// object reads an object; field reads the value of each key.
func (d stateDecoder) object(field func(key string) error) error {
	if begins, err := d.begins('{'); err != nil || !begins {
		return err
	}
	for n := 0; d.More(); n++ {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if n >= maxStateRows {
			return errTooManyRows
		}
		if err := field(fmt.Sprint(key)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

var errTooManyRows = fmt.Errorf("there is more than %d of a kind", maxStateRows)

// begins reads the beginning of an object or array. There may be null instead.
func (d stateDecoder) begins(with json.Delim) (bool, error) {
	token, err := d.Token()
	if err == nil && token != nil && token != with {
		err = fmt.Errorf("%v is not %v", token, with)
	}
	return token != nil, err
}

func (d stateDecoder) counts(to *map[string]uint64) error {
	return d.object(func(key string) error {
		var n uint64
		err := d.Decode(&n)
		if *to == nil {
			*to = make(map[string]uint64)
		}
		(*to)[key] = n
		return err
	})
}

// decodeRows reads an array.
func decodeRows[T any](d stateDecoder, to *[]T) error {
	*to = nil
	if begins, err := d.begins('['); err != nil || !begins {
		return err
	}
	for d.More() {
		if len(*to) >= maxStateRows {
			return errTooManyRows
		}
		*to = append(*to, *new(T))
		if err := d.Decode(&(*to)[len(*to)-1]); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
