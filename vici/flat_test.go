// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"encoding"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A flat is what an answer or event says, as path → text, so that what a typed method returns can be compared as a
// whole with what strongSwan's own client read from the same bytes. Sections and lists that are empty are left out.
type flat map[string]string

func (f flat) put(path, text string) {
	if old, ok := f[path]; ok && old != text {
		text = "twice: " + old + " and " + text
	}
	f[path] = text
}

func (f flat) putList(path string, items []string) {
	if len(items) > 0 {
		f.put(path+"[]", strings.Join(items, " | "))
	}
}

// flattenJSON flattens a recorded message.
func flattenJSON(v any) flat {
	f := make(flat)
	f.json("", v)
	return f
}

func (f flat) json(path string, v any) {
	switch v := v.(type) {
	case string:
		if strings.HasSuffix(path, "/use-in") || strings.HasSuffix(path, "/use-out") {
			v = strings.Replace(v, "18446744073709551615", "0", 1) // what a daemon sends for -1
		}
		f.put(path, v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = fmt.Sprint(v[i])
		}
		f.putList(path, items)
	case map[string]any:
		if digits, ok := v["hex"].(string); ok && len(v) == 1 {
			f.put(path, "hex:"+digits)
			return
		}
		for name, element := range v {
			f.json(path+"/"+name, element)
		}
	default:
		f.put(path, fmt.Sprintf("%T in JSON", v))
	}
}

// flatten flattens what a typed method returned, by the tags of its struct.
func flatten(v any) flat {
	f := make(flat)
	f.section("", reflect.ValueOf(v))
	return f
}

// flattenNamed flattens structs that are sections of the message, under their names.
func flattenNamed[T any](items ...T) flat {
	f := make(flat)
	f.named("", reflect.ValueOf(items))
	return f
}

// section flattens the content of a section.
func (f flat) section(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if m, ok := reflect.TypeAssert[*vici.Message](v); ok {
			f.json(path, asJSON(m))
		} else if !v.IsNil() {
			f.section(path, v.Elem())
		}
	case reflect.Slice:
		f.named(path, v)
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			f.element(path+"/"+it.Key().String(), it.Value())
		}
	default:
		for _, sf := range reflect.VisibleFields(v.Type()) {
			f.field(path, sf, v)
		}
	}
}

func (f flat) field(path string, sf reflect.StructField, v reflect.Value) {
	tag, tagged := sf.Tag.Lookup("vici")
	name, option, _ := strings.Cut(tag, ",")
	field := v.FieldByIndex(sf.Index)
	switch {
	case !tagged && sf.Anonymous, option == "name":
	case !tagged:
		f.put(path+"/"+sf.Name, "has no tag")
	case option == "rest":
		f.section(path+"/(unknown)", field)
	case strings.HasSuffix(name, "*"):
		f.section(path, field)
	default:
		f.element(path+"/"+name, field)
	}
}

// named flattens a slice of structs that hold the name of their section.
func (f flat) named(path string, v reflect.Value) {
	for i := range v.Len() {
		item := v.Index(i)
		for _, sf := range reflect.VisibleFields(item.Type()) {
			if sf.Tag.Get("vici") == ",name" {
				f.section(path+"/"+item.FieldByIndex(sf.Index).String(), item)
			}
		}
	}
}

// element flattens a key, list or section.
func (f flat) element(path string, v reflect.Value) {
	if get := v.MethodByName("Get"); get.IsValid() { // an Opt
		if got := get.Call(nil); got[1].Bool() {
			f.element(path, got[0])
		}
		return
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		f.put(path, strconv.FormatInt(int64(x/time.Second), 10))
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		f.put(path, fmt.Sprint(string(text), errorText(err)))
	case []byte:
		f.put(path, "hex:"+hex.EncodeToString(x))
	case []string:
		f.putList(path, x)
	case string:
		if x != "" {
			f.put(path, x)
		}
	case bool:
		if x {
			f.put(path, "yes")
		}
	default:
		if v.CanUint() {
			f.put(path, strconv.FormatUint(v.Uint(), 10))
			return
		}
		f.section(path, v)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// asJSON gives a message the form of the recordings.
func asJSON(m *vici.Message) map[string]any {
	object := make(map[string]any)
	for e := range m.All() {
		if _, twice := object[e.Name]; twice {
			object[e.Name] = "twice"
			continue
		}
		switch e.Kind {
		case vici.SectionStart:
			object[e.Name] = asJSON(e.Section)
		case vici.ListStart:
			object[e.Name] = textsAsJSON(e.Items)
		default:
			object[e.Name] = textAsJSON(e.Value)
		}
	}
	return object
}
