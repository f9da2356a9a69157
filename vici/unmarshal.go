// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A FieldError is a value that does not fit: one that the daemon sent, the Go field that it is meant for, or one of a
// program, the message that it is to be sent in.
type FieldError struct {
	Path  string // in the message, such as "gw-gw.child-sas.net-net-1.bytes-in"
	Value string // what the daemon sent; empty for lists and sections, and for what is to be sent
	Err   error

	key string // last name of Path
}

// Error names the value's place, the value and the reason.
func (e *FieldError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s: %q: %v", e.Path, e.Value, e.Err)
}

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// Unmarshal stores a message in the struct, map or slice that v points to. Struct fields are
// matched by their tag; those without one are left alone, as are those for which the message has
// nothing:
//
//	vici:"key"       the key, list or section of that name
//	vici:"key,hex"   an integer in hexadecimal digits
//	vici:"key,hex8"  the same, which [Marshal] pads with zeros to eight digits
//	vici:"local*"    a slice of structs: all sections whose names begin with "local"
//	vici:",name"     a string: the name of the section that the struct is
//	vici:",rest"     a *Message: what no other field takes
//
// Keys go into strings, byte slices, integers, bools (yes and no in the daemon's spellings),
// time.Duration (whole seconds) and types with an UnmarshalText method such as netip.Addr. Lists go
// into slices of these. Sections go into structs and pointers to structs, into maps, into *Message
// (which then shares the section), and into slices of structs, which keep the daemon's order. An
// [Opt] of all of these tells absent from zero; pointers to others than structs are not for that.
//
// A field takes elements of its own kind only: a key and a section of the same name do not get into
// each other's way. A value that does not fit gives a [*FieldError]. Of a duplicate the first
// counts. Unknown keys are ignored; see [UnmarshalOptions] for other choices.
func Unmarshal(m *Message, v any) error {
	return UnmarshalOptions{}.Unmarshal(m, v)
}

// UnmarshalOptions change what happens with what does not fit.
type UnmarshalOptions struct {
	// DisallowUnknown makes an element that no field takes an error.
	DisallowUnknown bool

	// Rejected, if not nil, is told of what does not fit and of duplicates, which are then left out
	// instead of ending the decoding.
	Rejected func(*FieldError)
}

// Unmarshal is the function [Unmarshal] with these options.
func (o UnmarshalOptions) Unmarshal(m *Message, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() || kindOf(target.Type().Elem()) != SectionStart {
		return fmt.Errorf("vici: Unmarshal needs a pointer to a struct, map or slice of structs, not %T", v)
	}
	if whole, ok := v.(*Message); ok {
		whole.elements = slices.Clone(m.list())
		return nil
	}
	u := unmarshaler{options: o}
	_, err := u.value(&Element{Kind: SectionStart, Section: m}, target.Elem(), false)
	return err
}

type unmarshaler struct {
	options UnmarshalOptions
	path    []string
}

// fail reports what does not fit. It returns nil if that was rejected and all goes on.
func (u *unmarshaler) fail(value string, err error) error {
	e := &FieldError{Path: strings.Join(u.path, "."), Value: value, Err: err, key: u.path[len(u.path)-1]}
	if u.options.Rejected == nil {
		return e
	}
	u.options.Rejected(e)
	return nil
}

// duplicate tells of an element that occurred before. It is never an error: older daemons send
// such.
func (u *unmarshaler) duplicate(e *Element) {
	if u.options.Rejected != nil {
		_ = u.fail(e.Value, fmt.Errorf("duplicate %s", noun(e.Kind)))
	}
}

// noun names a kind of element in errors.
func noun(k Kind) string {
	switch k {
	case SectionStart:
		return "section"
	case ListStart:
		return "list"
	default:
		return "key"
	}
}

func misfit(e *Element, t reflect.Type) error {
	return fmt.Errorf("a %s does not fit %s", noun(e.Kind), t)
}

// section stores a section, whose name is given, in a target whose type is of that kind.
func (u *unmarshaler) section(m *Message, target reflect.Value, name string) error {
	if len(u.path) > MaxDepth {
		return fmt.Errorf("%w: sections nest more than %d deep", ErrTooLarge, MaxDepth)
	}
	if target.Type() == reflect.TypeFor[*Message]() {
		target.Set(reflect.ValueOf(m))
		return nil
	}
	switch target.Kind() {
	case reflect.Pointer:
		if target.IsNil() {
			target.Set(reflect.New(target.Type().Elem()))
		}
		return u.structure(m, target.Elem(), name)
	case reflect.Map:
		return u.mapping(m, target)
	case reflect.Slice:
		return u.sections(m, target)
	default:
		return u.structure(m, target, name)
	}
}

func (u *unmarshaler) structure(m *Message, target reflect.Value, name string) error {
	info, err := infoOf(target.Type())
	if err != nil {
		return err
	}
	if info.name != nil {
		target.FieldByIndex(info.name).SetString(name)
	}
	s := structure{u, info, target, make([]bool, len(info.fields)), nil}
	for i := range m.list() {
		e := &m.elements[i]
		u.path = append(u.path, e.Name)
		if err := s.element(e); err != nil {
			return err
		}
		u.path = u.path[:len(u.path)-1]
	}
	return nil
}

// A structure is a struct that is being filled.
type structure struct {
	*unmarshaler

	info   *structInfo
	target reflect.Value
	seen   []bool // by number of the field
	rest   *Message
}

// element stores one element in the field that it belongs to.
func (s *structure) element(e *Element) error {
	f := s.info.find(e)
	if f == nil {
		return s.leftOver(e)
	}
	target := s.target.FieldByIndex(f.index)
	switch first := !s.seen[f.number]; {
	case f.prefix:
		if first {
			target.SetZero()
		}
		s.seen[f.number] = true
		return s.appendSection(e, target)
	case first:
		s.seen[f.number] = true
		_, err := s.value(e, target, f.hex)
		return err
	}
	s.duplicate(e)
	return nil
}

// leftOver handles an element that belongs to no field.
func (s *structure) leftOver(e *Element) error {
	if s.info.rest != nil {
		if s.rest == nil {
			s.rest = new(Message)
			s.target.FieldByIndex(s.info.rest).Set(reflect.ValueOf(s.rest))
		}
		s.rest.elements = append(s.rest.elements, *e)
		return nil
	}
	if f := s.info.misfit(e); f != nil {
		return s.fail(e.Value, misfit(e, s.target.FieldByIndex(f.index).Type()))
	}
	if s.options.DisallowUnknown {
		return s.fail(e.Value, fmt.Errorf("unknown %s", noun(e.Kind)))
	}
	return nil
}

// value stores an element in a target whose type is of its kind. It returns false if the value was
// rejected.
func (u *unmarshaler) value(e *Element, target reflect.Value, hex bool) (bool, error) {
	if o, ok := reflect.TypeAssert[optional](target.Addr()); ok {
		value, set := o.slot()
		stored, err := u.value(e, reflect.ValueOf(value).Elem(), hex)
		*set = *set || stored
		return stored, err
	}
	switch e.Kind {
	case SectionStart:
		return true, u.section(e.Section, target, e.Name)
	case ListStart:
		return true, u.list(e.Items, target, hex)
	default:
		if err := setScalar(target, e.Value, hex); err != nil {
			return false, u.fail(e.Value, err)
		}
		return true, nil
	}
}

// list stores a list; items that do not fit are left out where the options say so.
func (u *unmarshaler) list(items []string, target reflect.Value, hex bool) error {
	if texts, ok := reflect.TypeAssert[*[]string](target.Addr()); ok { // nearly all lists are
		*texts = append(make([]string, 0, len(items)), items...)
		return nil
	}
	list := reflect.MakeSlice(target.Type(), len(items), len(items))
	n := 0
	for _, text := range items {
		if err := setScalar(list.Index(n), text, hex); err == nil {
			n++
		} else if err := u.fail(text, err); err != nil {
			return err
		}
	}
	target.Set(list.Slice(0, n))
	return nil
}

// mapping stores each element of a section under its name.
func (u *unmarshaler) mapping(m *Message, target reflect.Value) error {
	if target.IsNil() {
		target.Set(reflect.MakeMapWithSize(target.Type(), m.Len()))
	}
	kind := kindOf(target.Type().Elem())
	seen := make(map[string]bool, m.Len())
	for i := range m.list() {
		e := &m.elements[i]
		u.path = append(u.path, e.Name)
		if err := u.entry(e, target, kind, seen); err != nil {
			return err
		}
		u.path = u.path[:len(u.path)-1]
	}
	return nil
}

// entry stores one element of a section in a map whose values are of the given kind.
func (u *unmarshaler) entry(e *Element, target reflect.Value, kind Kind, seen map[string]bool) error {
	if e.Kind != kind {
		return u.fail(e.Value, misfit(e, target.Type()))
	}
	if seen[e.Name] {
		u.duplicate(e)
		return nil
	}
	seen[e.Name] = true
	value := reflect.New(target.Type().Elem()).Elem()
	stored, err := u.value(e, value, false)
	if stored && err == nil {
		target.SetMapIndex(reflect.ValueOf(e.Name).Convert(target.Type().Key()), value)
	}
	return err
}

// sections replaces a slice of structs by the sub-sections of a section.
func (u *unmarshaler) sections(m *Message, target reflect.Value) error {
	target.SetZero()
	for i := range m.list() {
		e := &m.elements[i]
		u.path = append(u.path, e.Name)
		if err := u.sectionOnly(e, target); err != nil {
			return err
		}
		u.path = u.path[:len(u.path)-1]
	}
	return nil
}

func (u *unmarshaler) sectionOnly(e *Element, target reflect.Value) error {
	if e.Kind != SectionStart {
		return u.fail(e.Value, misfit(e, target.Type()))
	}
	return u.appendSection(e, target)
}

func (u *unmarshaler) appendSection(e *Element, target reflect.Value) error {
	n := target.Len()
	target.Grow(1)
	target.SetLen(n + 1)
	return u.section(e.Section, target.Index(n), e.Name)
}
