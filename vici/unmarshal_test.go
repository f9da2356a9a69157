// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"math/big"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func TestUnmarshal(t *testing.T) {
	var got everything
	require.NoError(t, vici.Unmarshal(fullMessage(), &got))
	require.Equal(t, fullStruct(), got)

	require.NoError(t, vici.Unmarshal(fullMessage(), &got), "into a struct that is not new")
	require.Equal(t, fullStruct(), got)
}

func TestUnmarshalNothing(t *testing.T) {
	got := fullStruct()
	require.NoError(t, vici.Unmarshal(nil, &got))
	require.Equal(t, fullStruct(), got, "what the message does not have is left alone")
}

func TestUnmarshalTargets(t *testing.T) {
	m := inSection("b", key("auth", "1")).AddSection("a", key("auth", "2"))

	var list []authRound
	require.NoError(t, vici.Unmarshal(m, &list))
	require.Equal(t, []authRound{{"b", "1"}, {"a", "2"}}, list)

	byName := map[string]*authRound{"old": nil, "a": {Auth: "old"}}
	require.NoError(t, vici.Unmarshal(m, &byName))
	require.Equal(t, map[string]*authRound{"old": nil, "b": {"b", "1"}, "a": {"a", "2"}}, byName)

	var tree map[string]*vici.Message
	require.NoError(t, vici.Unmarshal(m, &tree))
	require.Equal(t, map[string]*vici.Message{"b": key("auth", "1"), "a": key("auth", "2")}, tree)

	var copied vici.Message
	require.NoError(t, vici.Unmarshal(m, &copied))
	require.Equal(t, *m, copied)

	var shared *vici.Message
	require.NoError(t, vici.Unmarshal(m, &shared))
	require.Same(t, m, shared)

	var pointer *everything
	require.NoError(t, vici.Unmarshal(fullMessage(), &pointer))
	require.Equal(t, fullStruct(), *pointer)

	var optional vici.Opt[authRound]
	require.NoError(t, vici.Unmarshal(key("auth", "psk"), &optional))
	require.Equal(t, vici.Some(authRound{Auth: "psk"}), optional)
}

// A key, a list and a section of one name go where their kind fits: a connection may be called
// "up".
func TestUnmarshalTellsKindsApart(t *testing.T) {
	var got struct {
		Up       bool        `vici:"up"`
		List     []string    `vici:"up"`
		Sections []authRound `vici:"*"`
	}
	m := inSection("up", key("auth", "of the connection")).AddSection("gw", nil).Add("up", "yes").AddList("up", "item")
	require.NoError(t, vici.Unmarshal(m, &got))
	require.True(t, got.Up)
	require.Equal(t, []string{"item"}, got.List)
	require.Equal(t, []authRound{{"up", "of the connection"}, {"gw", ""}}, got.Sections)
}

func TestUnmarshalBools(t *testing.T) {
	for text, want := range map[string]bool{
		"yes": true, "true": true, "enabled": true, "1": true, "YES": true,
		"no": false, "False": false, "disabled": false, "0": false,
	} {
		got := struct {
			B bool `vici:"b"`
		}{!want}
		require.NoError(t, vici.Unmarshal(key("b", text), &got), text)
		require.Equal(t, want, got.B, text)
	}
}

type child struct {
	Bytes  vici.Opt[uint64]        `vici:"bytes-in"`
	Small  int8                    `vici:"small"`
	Use    vici.Opt[time.Duration] `vici:"use-in"`
	Flag   bool                    `vici:"flag"`
	Addr   netip.Addr              `vici:"addr"`
	TS     []netip.Prefix          `vici:"ts"`
	Nested map[string]uint16       `vici:"nested"`
}

type conn struct {
	Name     string           `vici:",name"`
	Version  string           `vici:"version"`
	Children map[string]child `vici:"child-sas"`
}

func inChild(m *vici.Message) *vici.Message {
	return inSection("gw-gw", inSection("child-sas", inSection("net-net-1", m)))
}

func TestUnmarshalErrors(t *testing.T) {
	list := func(name string, items ...string) *vici.Message {
		return new(vici.Message).AddList(name, items...)
	}
	const inside = "gw-gw.child-sas.net-net-1."
	tests := map[string]struct {
		m     *vici.Message
		path  string
		value string
		text  string
		is    error
	}{
		"no number":        {inChild(key("bytes-in", "many")), inside + "bytes-in", "many", "not a number", strconv.ErrSyntax},
		"negative":         {inChild(key("bytes-in", "-1")), inside + "bytes-in", "-1", "not a number", strconv.ErrSyntax},
		"too large":        {inChild(key("small", "128")), inside + "small", "128", "out of range", strconv.ErrRange},
		"too long":         {inChild(key("use-in", "9223372037")), inside + "use-in", "9223372037", "out of range", strconv.ErrRange},
		"too long ago":     {inChild(key("use-in", "-9223372037")), inside + "use-in", "-9223372037", "out of range", strconv.ErrRange},
		"empty":            {inChild(key("small", "")), inside + "small", "", "not a number", strconv.ErrSyntax},
		"no bool":          {inChild(key("flag", "maybe")), inside + "flag", "maybe", "neither yes nor no", nil},
		"no address":       {inChild(key("addr", "%any")), inside + "addr", "%any", "ParseAddr", nil},
		"item":             {inChild(list("ts", "10.0.0.0/8", "dynamic")), inside + "ts", "dynamic", "no '/'", nil},
		"list for a key":   {inChild(list("small")), inside + "small", "", "a list does not fit int8", nil},
		"key for a list":   {inChild(key("ts", "x")), inside + "ts", "x", "a key does not fit []netip.Prefix", nil},
		"section for key":  {inChild(inSection("small", nil)), inside + "small", "", "a section does not fit int8", nil},
		"key in sections":  {inSection("gw", inSection("child-sas", key("k", "v"))), "gw.child-sas.k", "v", "a key does not fit map", nil},
		"value of a map":   {inChild(inSection("nested", key("k", "65536"))), inside + "nested.k", "65536", "out of range", strconv.ErrRange},
		"key for sections": {key("k", "v"), "k", "v", "a key does not fit []vici_test.conn", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var strict []conn
			err := vici.Unmarshal(test.m, &strict)
			var fieldErr *vici.FieldError
			require.ErrorAs(t, err, &fieldErr)
			require.Equal(t, test.path, fieldErr.Path)
			require.Equal(t, test.value, fieldErr.Value)
			require.ErrorContains(t, err, test.text)
			require.ErrorContains(t, err, test.path+": ")
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}

			var rejected []string
			var lenient []conn
			options := vici.UnmarshalOptions{Rejected: func(e *vici.FieldError) { rejected = append(rejected, e.Path) }}
			require.NoError(t, options.Unmarshal(test.m, &lenient))
			require.Equal(t, []string{test.path}, rejected)
		})
	}
}

// What is rejected costs itself and nothing beside it.
func TestUnmarshalRejectsAndGoesOn(t *testing.T) {
	m := key("bytes-in", "many").Add("small", "7").Add("small", "8").Add("flag", "maybe").
		AddList("ts", "dynamic", "10.0.0.0/8", "x").AddSection("nested", key("a", "x").Add("b", "2").Add("b", "3")).Add("use-in", "5")
	var rejected []string
	options := vici.UnmarshalOptions{Rejected: func(e *vici.FieldError) { rejected = append(rejected, e.Error()) }}
	var got child
	require.NoError(t, options.Unmarshal(m, &got))
	require.Equal(t, child{
		Small: 7, Use: vici.Some(5 * time.Second), TS: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Nested: map[string]uint16{"b": 2},
	}, got)
	require.Equal(t, []string{
		`bytes-in: "many": not a number: invalid syntax`,
		`small: "8": duplicate key`,
		`flag: "maybe": neither yes nor no`,
		`ts: "dynamic": netip.ParsePrefix("dynamic"): no '/'`,
		`ts: "x": netip.ParsePrefix("x"): no '/'`,
		`nested.a: "x": not a number: invalid syntax`,
		`nested.b: "3": duplicate key`,
	}, rejected)
}

func TestUnmarshalDuplicatesAreNoError(t *testing.T) {
	m := key("small", "1").Add("small", "2").AddSection("nested", key("a", "1").Add("a", "2")).AddSection("nested", key("b", "1")).
		AddList("ts", "10.0.0.0/8").AddList("ts")
	var got child
	require.NoError(t, vici.Unmarshal(m, &got))
	require.Equal(t, child{
		Small: 1, Nested: map[string]uint16{"a": 1}, TS: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}, got)
}

func TestUnmarshalUnknown(t *testing.T) {
	m := inSection("gw", key("version", "2").Add("new-key", "1").AddList("new-list", "x").AddSection("new", key("a", "b")))
	var got []conn
	require.NoError(t, vici.Unmarshal(m, &got))
	require.Equal(t, []conn{{Name: "gw", Version: "2"}}, got)

	for _, rejected := range []bool{false, true} {
		var seen []string
		options := vici.UnmarshalOptions{DisallowUnknown: true}
		if rejected {
			options.Rejected = func(e *vici.FieldError) { seen = append(seen, e.Error()) }
		}
		err := options.Unmarshal(m, &got)
		if !rejected {
			require.EqualError(t, err, `gw.new-key: "1": unknown key`)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []string{`gw.new-key: "1": unknown key`, "gw.new-list: unknown list", "gw.new: unknown section"}, seen)
	}

	var kept struct {
		Version string        `vici:"version"`
		Rest    *vici.Message `vici:",rest"`
	}
	options := vici.UnmarshalOptions{DisallowUnknown: true}
	require.NoError(t, options.Unmarshal(m.Section("gw"), &kept))
	require.Equal(t, "2", kept.Version)
	require.Equal(t, "{new-key=1 new-list=[x] new {a=b}}", kept.Rest.String())
}

type unexported struct {
	hidden string `vici:"hidden"`
}

type byPointer struct{ *embedded }

// Types whose text methods belong to the pointer work as values and in an Opt.
func TestUnmarshalTextTypes(t *testing.T) {
	type numbers struct {
		A big.Int           `vici:"a"`
		B vici.Opt[big.Int] `vici:"b"`
		C vici.Opt[big.Int] `vici:"c"`
	}
	var n numbers
	m := key("a", "36893488147419103232").Add("b", "0")
	require.NoError(t, vici.Unmarshal(m, &n))
	require.Equal(t, "36893488147419103232", n.A.String())
	require.True(t, n.B.Present())
	require.False(t, n.C.Present())
	back, err := vici.Marshal(n)
	require.NoError(t, err)
	require.Equal(t, m.String(), back.String())
}

func TestUnmarshalIntoWhatCannotWork(t *testing.T) {
	require.Empty(t, unexported{}.hidden)
	var number int
	var nothing *conn
	tests := map[string]struct {
		v    any
		want string
	}{
		"nil":              {nil, "needs a pointer to a struct, map or slice of structs, not <nil>"},
		"no pointer":       {conn{}, "not vici_test.conn"},
		"nil pointer":      {nothing, "not *vici_test.conn"},
		"number":           {&number, "not *int"},
		"strings":          {new([]string), "not *[]string"},
		"address":          {new(netip.Addr), "not *netip.Addr"},
		"keys of a map":    {new(map[int]string), "not *map[int]string"},
		"unexported":       {new(unexported), "field hidden with tag `vici:\"hidden\"`: it is not exported"},
		"embedded pointer": {new(byPointer), "embedded by pointer"},
		"option": {new(struct {
			A int `vici:"a,octal"`
		}), `unknown option "octal"`},
		"hex text": {new(struct {
			A string `vici:"a,hex"`
		}), `option "hex" is for integers`},
		"name that is none": {new(struct {
			A int `vici:",name"`
		}), "it must be a string"},
		"rest that is none": {new(struct {
			A map[string]string `vici:",rest"`
		}), "it must be a *vici.Message"},
		"rest of structs": {new(struct {
			A *conn `vici:",rest"`
		}), "it must be a *vici.Message"},
		"prefix of a string": {new(struct {
			A string `vici:"a*"`
		}), "it must be a slice of structs"},
		"float": {new(struct {
			A float64 `vici:"a"`
		}), "type float64 is not supported"},
		"interface": {new(struct {
			A any `vici:"a"`
		}), "type interface {} is not supported"},
		"pointer to string": {new(struct {
			A *string `vici:"a"`
		}), "type *string is not supported; use vici.Opt[string]"},
		"pointer to a number": {new(struct {
			A *int `vici:"a"`
		}), "type *int is not supported; use vici.Opt[int]"},
		"pointer to a text type": {new(struct {
			A *netip.Addr `vici:"a"`
		}), "type *netip.Addr is not supported; use vici.Opt[netip.Addr]"},
		"pointer to a text type by pointer": {new(struct {
			A *big.Int `vici:"a"`
		}), "type *big.Int is not supported; use vici.Opt[big.Int]"},
		"pointer to a list": {new(struct {
			A *[]string `vici:"a"`
		}), "type *[]string is not supported; use vici.Opt[[]string]"},
		"list of pointers": {new(struct {
			A []*netip.Addr `vici:"a"`
		}), "type []*netip.Addr is not supported"},
		"twice": {new(struct {
			A string `vici:"a"`
			B int    `vici:"a"`
		}), "another field has the same tag"},
		"two names": {new(struct {
			A string `vici:",name"`
			B string `vici:",name"`
		}), "another field has the same tag"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time from memory
				err := vici.Unmarshal(key("a", "1"), test.v)
				require.ErrorContains(t, err, "vici: ")
				require.ErrorContains(t, err, test.want)
			}
		})
	}
}
