// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A field says where in a message a struct field's value stands.
type field struct {
	number  int    // in structInfo.fields
	index   []int  // for reflect's FieldByIndex
	name    string // of the key, list or section
	kind    Kind   // KeyValue, ListStart or SectionStart
	prefix  bool   // all sections whose names begin with name
	hex     bool   // an integer in hexadecimal
	hexSize int    // digits to pad to
}

// A structInfo describes a struct type's fields.
type structInfo struct {
	fields []field
	name   []int // index of the field that holds the section's name
	rest   []int // index of the field that takes what no other takes
}

// find returns the field that an element belongs to, or nil. The kind counts like the name: nothing
// prevents a connection from being called "up", and its section then stands beside the key.
func (s *structInfo) find(e *Element) *field {
	var found *field
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case f.kind != e.Kind:
		case f.name == e.Name && !f.prefix:
			return f
		case f.prefix && found == nil && strings.HasPrefix(e.Name, f.name):
			found = f
		}
	}
	return found
}

// misfit returns a field of the element's name that holds another kind, or nil.
func (s *structInfo) misfit(e *Element) *field {
	for i := range s.fields {
		if f := &s.fields[i]; f.name == e.Name && !f.prefix {
			return f
		}
	}
	return nil
}

// structInfos remembers the description of each type, as encoding/json does: reading tags anew for
// each of ten thousand connections would dominate a listing.
//
//nolint:gochecknoglobals // a cache of what cannot change
var structInfos sync.Map // reflect.Type → *structInfo or error

// infoOf describes a struct type. An error is a mistake in the program, such as a tag that cannot
// be understood.
func infoOf(t reflect.Type) (*structInfo, error) {
	known, ok := structInfos.Load(t)
	if !ok {
		info, err := describe(t)
		if err != nil {
			known, _ = structInfos.LoadOrStore(t, fmt.Errorf("vici: %s: %w", t, err))
		} else {
			known, _ = structInfos.LoadOrStore(t, info)
		}
	}
	if info, ok := known.(*structInfo); ok {
		return info, nil
	}
	return nil, known.(error)
}

func describe(t reflect.Type) (*structInfo, error) {
	info := new(structInfo)
	for _, sf := range reflect.VisibleFields(t) {
		tag, tagged := sf.Tag.Lookup("vici")
		if !tagged || tag == "-" {
			continue
		}
		err := reachable(t, sf)
		if err == nil {
			err = info.add(sf, tag)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s with tag `vici:%q`: %w", sf.Name, tag, err)
		}
	}
	return info, nil
}

// reachable tells whether reflection may set a field of t in any value of t.
func reachable(t reflect.Type, sf reflect.StructField) error {
	if !sf.IsExported() {
		return errors.New("it is not exported")
	}
	for _, i := range sf.Index[:len(sf.Index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return errors.New("it belongs to a struct that is embedded by pointer")
		}
	}
	return nil
}

// add describes one field. It understands the tags "key", "key,hex", "key,hex8", "start*", ",name"
// and ",rest".
func (s *structInfo) add(sf reflect.StructField, tag string) error {
	name, option, _ := strings.Cut(tag, ",")
	switch option {
	case "name":
		return special(&s.name, sf, reflect.String, reflect.TypeFor[string]())
	case "rest":
		return special(&s.rest, sf, reflect.Pointer, reflect.TypeFor[*Message]())
	}
	f := field{number: len(s.fields), index: sf.Index, kind: kindOf(sf.Type)}
	f.name, f.prefix = strings.CutSuffix(name, "*")
	if err := f.option(option, sf.Type); err != nil {
		return err
	}
	switch {
	case f.kind == 0:
		return fmt.Errorf("type %s is not supported%s", sf.Type, instead(sf.Type))
	case f.prefix && !isNamedSlice(sf.Type):
		return errors.New("it must be a slice of structs")
	}
	for _, other := range s.fields {
		if other.name == f.name && other.kind == f.kind && other.prefix == f.prefix {
			return errors.New("another field has the same tag")
		}
	}
	s.fields = append(s.fields, f)
	return nil
}

func special(index *[]int, sf reflect.StructField, kind reflect.Kind, want reflect.Type) error {
	switch {
	case sf.Type.Kind() != kind || kind == reflect.Pointer && sf.Type != want:
		return fmt.Errorf("it must be a %s", want)
	case *index != nil:
		return errors.New("another field has the same tag")
	}
	*index = sf.Index
	return nil
}

// option understands what stands behind the comma of a tag.
func (f *field) option(option string, t reflect.Type) error {
	switch option {
	case "":
		return nil
	case "hex":
		f.hex = true
	case "hex8":
		f.hex, f.hexSize = true, 8
	default:
		return fmt.Errorf("unknown option %q", option)
	}
	if inner, ok := insideOpt(t); ok {
		t = inner
	}
	if f.kind == ListStart {
		t = t.Elem()
	}
	if k := t.Kind(); k < reflect.Int || k > reflect.Uint64 {
		return fmt.Errorf("option %q is for integers", option)
	}
	return nil
}

// optional is what a pointer to any Opt implements.
type optional interface {
	slot() (value any, set *bool)
}

// insideOpt returns the type of an Opt's value.
func insideOpt(t reflect.Type) (reflect.Type, bool) {
	if !reflect.PointerTo(t).Implements(reflect.TypeFor[optional]()) {
		return nil, false
	}
	value, _ := reflect.New(t).Interface().(optional).slot()
	return reflect.TypeOf(value).Elem(), true
}

// kindOf returns the kind of element that values of a type are, or 0 if they cannot stand in a
// message.
func kindOf(t reflect.Type) Kind {
	if inner, ok := insideOpt(t); ok {
		return kindOf(inner)
	}
	switch {
	case isScalar(t):
		return KeyValue
	case t.Kind() == reflect.Slice && isScalar(t.Elem()):
		return ListStart
	case isStruct(t), isNamedSlice(t), t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		return SectionStart
	}
	return 0
}

// instead names what does the work of a type that cannot stand in a message, if that is a pointer.
func instead(t reflect.Type) string {
	if t.Kind() == reflect.Pointer && kindOf(t.Elem()) != 0 {
		return fmt.Sprintf("; use vici.Opt[%s]", t.Elem())
	}
	return ""
}

// isScalar reports whether values of a type are one text. Pointers are not: [Opt] is for what may be absent.
func isScalar(t reflect.Type) bool {
	k := t.Kind()
	if k == reflect.Pointer || k == reflect.Interface {
		return false
	}
	return isBytes(t) || hasText(reflect.PointerTo(t)) || k == reflect.String || k >= reflect.Bool && k <= reflect.Uint64
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// hasText tells of a pointer to a type, which has the methods of both, whether it is written or read as a text.
func hasText(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// isStruct also holds for [*Message] and other pointers to structs.
func isStruct(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !isScalar(t)
}

// isNamedSlice tells slices that hold sections. Those without a ",name" field can be read and not
// written.
func isNamedSlice(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && isStruct(t.Elem())
}
