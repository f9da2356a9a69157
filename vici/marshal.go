// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Marshal makes a message of a struct or of a map with string keys, by the tags that [Unmarshal]
// describes, in the order of the fields; keys of maps are sorted. Values of a map may be of type
// any.
//
// Zero values and empty lists are left out, since for the daemon a missing key means its default;
// use [Opt] to send a zero, an empty text or a "no".
//
// A value that cannot be sent, such as a time that is not of whole seconds, gives a [*FieldError].
func Marshal(v any) (*Message, error) {
	m, err := marshal(v, nil)
	if err != nil {
		return nil, fmt.Errorf("vici: Marshal: %w", err)
	}
	return m, nil
}

// marshal is Marshal with errors that do not name it. Check, if not nil, may refuse texts and names.
func marshal(v any, check func(key, text string) error) (*Message, error) {
	if v == nil {
		return nil, errors.New("a struct or map is needed, not nil")
	}
	m := new(Message)
	if err := (&marshaler{check: check}).section(m, addressable(reflect.ValueOf(v))); err != nil {
		return nil, err
	}
	return m, nil
}

// addressable returns a copy through which also methods of pointers can be reached.
func addressable(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

type marshaler struct {
	depth int
	path  []string // of names in the message
	check func(key, text string) error
}

// at returns what do returns at one more name, with the place where it went wrong.
func (x *marshaler) at(name string, do func() error) error {
	x.path = append(x.path, name)
	err := x.checked(name, name)
	if err == nil {
		err = do()
	}
	if err != nil && !errorIs[*FieldError](err) {
		err = &FieldError{Path: strings.Join(x.path, "."), Err: err, key: name}
	}
	x.path = x.path[:len(x.path)-1]
	return err
}

// checked returns what the check says about a text of a key, or about a name.
func (x *marshaler) checked(key, text string) error {
	if x.check == nil {
		return nil
	}
	return x.check(key, text)
}

func errorIs[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// section adds the content of a section to m.
func (x *marshaler) section(m *Message, v reflect.Value) error {
	if x.depth++; x.depth > MaxDepth {
		return fmt.Errorf("%w: sections nest more than %d deep", ErrTooLarge, MaxDepth)
	}
	defer func() { x.depth-- }()
	if o, ok := reflect.TypeAssert[optional](v.Addr()); ok {
		value, _ := o.slot()
		return x.section(m, reflect.ValueOf(value).Elem())
	}
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		return nil
	case v.Type() == reflect.TypeFor[*Message]():
		m.elements = append(m.elements, v.Interface().(*Message).elements...)
		return nil
	case v.Kind() == reflect.Pointer && isStruct(v.Type()):
		return x.structure(m, v.Elem())
	case isStruct(v.Type()):
		return x.structure(m, v)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return x.mapping(m, v)
	case isNamedSlice(v.Type()):
		return x.named(m, v)
	}
	return fmt.Errorf("%s cannot be sent as a section", v.Type())
}

func (x *marshaler) structure(m *Message, v reflect.Value) error {
	info, err := infoOf(v.Type())
	if err != nil {
		return err
	}
	for i := range info.fields {
		f := &info.fields[i]
		if err := x.field(m, v.FieldByIndex(f.index), f); err != nil {
			return err
		}
	}
	if info.rest != nil {
		return x.section(m, v.FieldByIndex(info.rest))
	}
	return nil
}

// field adds one value, as key, list or section according to its type.
func (x *marshaler) field(m *Message, v reflect.Value, f *field) error {
	if o, ok := reflect.TypeAssert[optional](v.Addr()); ok {
		value, set := o.slot()
		if !*set {
			return nil
		}
		return x.present(m, reflect.ValueOf(value).Elem(), f)
	}
	if v.IsZero() || f.kind == ListStart && v.Len() == 0 {
		return nil
	}
	return x.present(m, v, f)
}

// present adds a value even if it is zero.
func (x *marshaler) present(m *Message, v reflect.Value, f *field) error {
	if f.prefix {
		return x.section(m, v)
	}
	return x.at(f.name, func() error { return x.element(m, v, f) })
}

func (x *marshaler) element(m *Message, v reflect.Value, f *field) error {
	switch f.kind {
	case KeyValue:
		text, err := x.text(v, f)
		m.Add(f.name, text)
		return err
	case ListStart:
		return x.list(m, v, f)
	default:
		section := new(Message)
		m.AddSection(f.name, section)
		return x.section(section, v)
	}
}

// text returns the text of a value. Bytes are not checked: they may be any.
func (x *marshaler) text(v reflect.Value, f *field) (string, error) {
	text, err := textOf(v, f)
	if err == nil && !isBytes(v.Type()) {
		err = x.checked(f.name, text)
	}
	return text, err
}

func (x *marshaler) list(m *Message, v reflect.Value, f *field) error {
	items := make([]string, v.Len())
	for i := range items {
		var err error
		if items[i], err = x.text(v.Index(i), f); err != nil {
			return err
		}
	}
	m.AddList(f.name, items...)
	return nil
}

func (x *marshaler) mapping(m *Message, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		value := v.MapIndex(key)
		if value.Kind() == reflect.Interface {
			if value = value.Elem(); !value.IsValid() {
				continue
			}
		}
		f := field{name: key.String(), kind: kindOf(value.Type())}
		if f.kind == 0 {
			return x.at(f.name, func() error { return fmt.Errorf("%s cannot be sent%s", value.Type(), instead(value.Type())) })
		}
		if err := x.field(m, addressable(value), &f); err != nil {
			return err
		}
	}
	return nil
}

// named adds each struct of a slice as a section with the name that its ",name" field holds.
func (x *marshaler) named(m *Message, v reflect.Value) error {
	for i := range v.Len() {
		item := v.Index(i)
		if item.Kind() == reflect.Pointer {
			if item.IsNil() {
				return fmt.Errorf("item %d is nil", i)
			}
			item = item.Elem()
		}
		info, err := infoOf(item.Type())
		if err != nil {
			return err
		}
		if info.name == nil {
			return fmt.Errorf("%s has no field with the tag `vici:\",name\"`", item.Type())
		}
		section := new(Message)
		name := item.FieldByIndex(info.name).String()
		m.AddSection(name, section)
		if err := x.at(name, func() error { return x.section(section, item) }); err != nil {
			return err
		}
	}
	return nil
}
