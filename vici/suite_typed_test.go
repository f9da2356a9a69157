// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// typedFields returns a line, as seeFields has them, for each field that a typed method or Event.Decode can give, whether a
// daemon sent it or not: so what was never seen is seen to be so.
func typedFields(t *testing.T) map[string]bool {
	t.Helper()
	lines := make(map[string]bool)
	for message, f := range typedMessages(t) {
		for path := range f {
			lines["field "+message+" "+strings.TrimSuffix(strings.TrimPrefix(path, "/"), "[]")] = true
		}
	}
	return lines
}

// typedMessages returns what answers and events say in which nothing is missing.
func typedMessages(t *testing.T) map[string]flat {
	t.Helper()
	ike := filled[vici.IKESA](t)
	childless := ike
	childless.Children = nil
	child := ike.Children[0]
	conn := filled[vici.Conn](t)
	conn.Local[0].Name, conn.Remote[0].Name = "local-*", "remote-*"
	events := map[string]vici.EventBody{
		"log":            new(filled[vici.Log](t)),
		"control-log":    new(filled[vici.ControlLog](t)),
		"list-sa":        &ike,
		"list-conn":      &conn,
		"list-policy":    new(filled[vici.Policy](t)),
		"list-cert":      new(filled[vici.Cert](t)),
		"list-authority": new(filled[vici.Authority](t)),
		"ike-updown":     &vici.IKEUpDown{Up: true, IKE: childless},
		"ike-rekey":      &vici.IKERekey{Old: childless, New: childless},
		"child-updown":   &vici.ChildUpDown{Up: true, IKE: ike},
		"child-rekey":    &vici.ChildRekey{IKE: childless, Old: child, New: child},
		"alert":          &vici.Alert{Type: "*", IKE: &childless},
	}
	update := filled[vici.IKEUpdate](t)
	update.IKE = childless
	events["ike-update"] = &update

	messages := map[string]flat{
		"version":        flatten(filled[vici.Version](t)),
		"stats":          flatten(filled[vici.Stats](t)),
		"get-algorithms": flatten(filled[vici.Algorithms](t)),
		"get-pools":      flattenNamed(filled[vici.Pool](t)),
		"get-counters":   make(flat),
		"terminate":      flatten(filled[vici.TerminateResult](t)),
		"rekey":          flatten(filled[vici.RekeyResult](t)),
		"redirect":       flatten(filled[vici.RedirectResult](t)),
	}
	for path, text := range flattenNamed(filled[vici.Counters](t)) {
		messages["get-counters"].put("/counters"+path, text)
	}
	for name, event := range events {
		messages[name] = flattenEvent(event)
	}
	return messages
}

// filled returns a value in which nothing is zero or absent; text is an asterisk.
func filled[T any](t *testing.T) T {
	t.Helper()
	var value T
	fill(t, reflect.ValueOf(&value).Elem())
	return value
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	if get := v.MethodByName("Get"); get.IsValid() { // an Opt
		value := reflect.New(get.Type().Out(0)).Elem()
		fill(t, value)
		text, err := json.Marshal(value.Interface())
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, v.Addr().Interface()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("*")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		element := reflect.New(v.Type().Elem()).Elem()
		fill(t, element)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("*"), element)
	default:
		switch {
		case v.CanUint():
			v.SetUint(1)
		case v.CanInt():
			v.SetInt(int64(1e9)) // a second, where it is a duration
		}
	}
}
