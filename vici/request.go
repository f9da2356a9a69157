// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"errors"
	"fmt"
)

// request makes the message of a request struct. What the daemon would take for missing is refused: where a filter is
// missing, a command that was meant for one SA is carried out on many.
func (s *Session) request(op, command string, request any) (*Message, error) {
	if request == nil {
		return new(Message), nil
	}
	m, err := marshal(request, legible)
	if err != nil {
		return nil, s.opError(op, command, err)
	}
	return m, nil
}

// legible refuses what the daemon would take for missing: a text, of a key or a name itself, that is not printable ASCII,
// and the unique id 0, which no SA has. The error does not repeat the text, which can be a secret.
func legible(key, text string) error {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return fmt.Errorf("not printable ASCII from byte %d on: the daemon would take it for missing", i)
		}
	}
	if text == "0" && (key == "ike-id" || key == "child-id") {
		return errors.New("0 is no unique id: the daemon would take it for missing")
	}
	return nil
}

// legibleNames is legible for the names of connections.
func legibleNames(names []string) error {
	for _, name := range names {
		if err := legible("name", name); err != nil {
			return &FieldError{Path: "name", Err: err, key: "name"}
		}
	}
	return nil
}
