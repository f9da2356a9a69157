// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"encoding/json"
	"fmt"
)

// An Opt is a value that the daemon may have left out. Absent is not zero: a CHILD_SA without
// "use-in" never received a packet, one with 0 just did. The zero Opt is absent.
type Opt[T any] struct {
	value T
	set   bool
}

// Some returns an Opt that holds v.
func Some[T any](v T) Opt[T] { return Opt[T]{value: v, set: true} }

// Get returns the value and whether there is one.
func (o Opt[T]) Get() (T, bool) { return o.value, o.set }

// Present reports whether there is a value.
func (o Opt[T]) Present() bool { return o.set }

// Or returns the value, or alternative if there is none.
func (o Opt[T]) Or(alternative T) T {
	if o.set {
		return o.value
	}
	return alternative
}

// String returns the value as fmt prints it, or "-" if there is none.
func (o Opt[T]) String() string {
	if !o.set {
		return "-"
	}
	return fmt.Sprint(o.value)
}

// MarshalJSON gives the value, or null if there is none.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.set {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads what MarshalJSON gives.
func (o *Opt[T]) UnmarshalJSON(text []byte) error {
	var value *T
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	*o = Opt[T]{}
	if value != nil {
		*o = Some(*value)
	}
	return nil
}

// IsZero reports whether there is no value, for "omitzero" of encoding/json.
func (o Opt[T]) IsZero() bool { return !o.set }

// slot gives the reflection of this package access to the value.
func (o *Opt[T]) slot() (value any, set *bool) { return &o.value, &o.set }
