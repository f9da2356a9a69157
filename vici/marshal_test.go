// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

type (
	level int8

	authRound struct {
		Name string `vici:",name"`
		Auth string `vici:"auth"`
	}

	everything struct {
		Text     string                         `vici:"text"`
		Data     []byte                         `vici:"data"`
		Flag     bool                           `vici:"flag"`
		Level    level                          `vici:"level"`
		Count    uint64                         `vici:"count"`
		Mark     uint32                         `vici:"mark,hex"`
		SPI      vici.Opt[uint32]               `vici:"spi,hex8"`
		Time     time.Duration                  `vici:"time"`
		Address  netip.Addr                     `vici:"address"`
		Zero     vici.Opt[uint64]               `vici:"zero"`
		No       vici.Opt[bool]                 `vici:"no"`
		Empty    vici.Opt[string]               `vici:"empty"`
		Lifetime vici.Opt[time.Duration]        `vici:"lifetime"`
		Names    []string                       `vici:"names"`
		Prefixes []netip.Prefix                 `vici:"prefixes"`
		Certs    [][]byte                       `vici:"certs"`
		Marks    []uint16                       `vici:"marks,hex"`
		Section  authRound                      `vici:"section"`
		Pointer  *authRound                     `vici:"pointer"`
		OptPart  vici.Opt[authRound]            `vici:"opt-part"`
		Map      map[string]map[string][]string `vici:"map"`
		Numbers  map[level2]vici.Opt[uint16]    `vici:"numbers"`
		Children []authRound                    `vici:"children"`
		Pointers []*authRound                   `vici:"pointers"`
		Local    []authRound                    `vici:"local*"`
		Generic  *vici.Message                  `vici:"generic"`
		OptList  vici.Opt[[]string]             `vici:"opt-list"`
		Rest     *vici.Message                  `vici:",rest"`
		Ignored  string                         `vici:"-"`
		Untagged chan int
		embedded
	}

	level2 string

	embedded struct {
		Inner string `vici:"inner"`
	}
)

func fullStruct() everything {
	return everything{
		Text: "text", Data: []byte{0, 255}, Flag: true, Level: -3, Count: 18446744073709551615,
		Mark: 0x2a, SPI: vici.Some[uint32](0xbeef), Time: -90 * time.Second, Address: netip.MustParseAddr("2001:db8::1"),
		Zero: vici.Some[uint64](0), No: vici.Some(false), Empty: vici.Some(""), Lifetime: vici.Some(time.Hour),
		Names: []string{"a", ""}, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Certs: [][]byte{{1}, {2}}, Marks: []uint16{255, 1},
		Section: authRound{Name: "section", Auth: "pubkey"}, Pointer: &authRound{Name: "pointer", Auth: "psk"},
		OptPart:  vici.Some(authRound{Name: "opt-part"}),
		Map:      map[string]map[string][]string{"b": {"x": {"1", "2"}}, "a": {}},
		Numbers:  map[level2]vici.Opt[uint16]{"two": vici.Some[uint16](2), "one": vici.Some[uint16](1)},
		Children: []authRound{{Name: "z"}, {Name: "a", Auth: "eap"}}, Pointers: []*authRound{{Name: "p"}},
		Local: []authRound{{Name: "local-2", Auth: "two"}, {Name: "local-1", Auth: "one"}}, Generic: key("g", "1"),
		OptList: vici.Some([]string{}), Rest: key("unknown", "kept").AddList("others"),
		embedded: embedded{Inner: "inner"},
	}
}

func inSection(name string, m *vici.Message) *vici.Message {
	return new(vici.Message).AddSection(name, m)
}

func fullMessage() *vici.Message {
	return new(vici.Message).
		Add("text", "text").Add("data", "\x00\xff").Add("flag", "yes").Add("level", "-3").
		Add("count", "18446744073709551615").Add("mark", "2a").Add("spi", "0000beef").Add("time", "-90").
		Add("address", "2001:db8::1").Add("zero", "0").Add("no", "no").Add("empty", "").Add("lifetime", "3600").
		AddList("names", "a", "").AddList("prefixes", "10.0.0.0/8").AddList("certs", "\x01", "\x02").
		AddList("marks", "ff", "1").
		AddSection("section", key("auth", "pubkey")).AddSection("pointer", key("auth", "psk")).
		AddSection("opt-part", new(vici.Message)).
		AddSection("map", inSection("a", new(vici.Message)).AddSection("b", new(vici.Message).AddList("x", "1", "2"))).
		AddSection("numbers", key("one", "1").Add("two", "2")).
		AddSection("children", inSection("z", new(vici.Message)).AddSection("a", key("auth", "eap"))).
		AddSection("pointers", inSection("p", new(vici.Message))).
		AddSection("local-2", key("auth", "two")).AddSection("local-1", key("auth", "one")).
		AddSection("generic", key("g", "1")).AddList("opt-list").
		Add("inner", "inner").
		Add("unknown", "kept").AddList("others")
}

func TestMarshal(t *testing.T) {
	in := fullStruct()
	for _, v := range []any{in, &in} {
		m, err := vici.Marshal(v)
		require.NoError(t, err)
		want, err := fullMessage().MarshalBinary()
		require.NoError(t, err)
		got, err := m.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, fullMessage().String(), m.String())
		require.Equal(t, string(want), string(got))
	}
}

func TestMarshalLeavesOutZeros(t *testing.T) {
	m, err := vici.Marshal(everything{Names: []string{}})
	require.NoError(t, err)
	require.Equal(t, "{}", m.String())
	m, err = vici.Marshal(vici.Some(authRound{Auth: "psk"}))
	require.NoError(t, err)
	require.Equal(t, "{auth=psk}", m.String())
	m, err = vici.Marshal((*everything)(nil))
	require.NoError(t, err)
	require.Equal(t, "{}", m.String())
}

func TestMarshalMap(t *testing.T) {
	m, err := vici.Marshal(map[string]any{
		"ike": "gw", "timeout": -1, "force": true, "list": []string{"a"}, "absent": vici.Opt[int]{}, "nil": nil,
		"zero": vici.Some(0), "section": map[string]string{"k": "v"}, "struct": authRound{Auth: "psk"}, "message": key("m", "1"),
	})
	require.NoError(t, err)
	require.Equal(t, "{force=yes ike=gw list=[a] message {m=1} section {k=v} struct {auth=psk} timeout=-1 zero=0}", m.String())
}

func TestMarshalRefuses(t *testing.T) {
	type cyclic struct {
		Self *cyclic `vici:"self"`
	}
	cycle := new(cyclic)
	cycle.Self = cycle
	type nameless struct {
		Children []embedded `vici:"children"`
	}
	tests := map[string]struct {
		v    any
		want string
	}{
		"nil":               {nil, "vici: Marshal: a struct or map is needed, not nil"},
		"number":            {1, "int cannot be sent as a section"},
		"keys of a map":     {map[int]string{1: "a"}, "map[int]string cannot be sent as a section"},
		"value of a map":    {map[string]any{"a": 1.5}, "a: float64 cannot be sent"},
		"pointer in a map":  {map[string]any{"a": new(int)}, "a: *int cannot be sent; use vici.Opt[int]"},
		"text by pointer":   {map[string]*netip.Addr{"a": new(netip.Addr)}, "a: *netip.Addr cannot be sent; use vici.Opt[netip.Addr]"},
		"part of a second":  {everything{Time: time.Millisecond}, "vici: Marshal: time: 1ms is not a whole number of seconds"},
		"nameless sections": {nameless{Children: []embedded{{}}}, "children: vici_test.embedded has no field with the tag"},
		"nil in a slice":    {everything{Pointers: []*authRound{nil}}, "pointers: item 0 is nil"},
		"cycle":             {cycle, "nest more than 64 deep"},
		"type": {struct {
			C chan int `vici:"c"`
		}{}, "type chan int is not supported"},
		"part of one": {everything{Lifetime: vici.Some(time.Duration(1))}, "lifetime: 1ns is not a whole"},
		"deep inside": {
			map[string]any{"a": map[string][]everything{"b": {{Section: authRound{}, Lifetime: vici.Some(time.Duration(1))}}}},
			"vici: Marshal: a.b: vici_test.everything has no field with the tag",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := vici.Marshal(test.v)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "vici: ")
		})
	}
}

// Errors name the place, as those of Unmarshal do, and the sections that no field stands for.
func TestMarshalErrorsNameThePath(t *testing.T) {
	conn := vici.ConnConfig{Name: "gw", Children: []vici.ChildConfig{{Name: "net", RekeyTime: vici.Some(time.Millisecond)}}}
	_, s := yes(t)
	err := s.LoadConn(t.Context(), conn)
	var fieldErr *vici.FieldError
	require.ErrorAs(t, err, &fieldErr)
	require.Equal(t, "gw.children.net.rekey_time", fieldErr.Path)
	require.ErrorContains(t, err, "): gw.children.net.rekey_time: 1ms is not a whole number of seconds")

	conn.Children[0].RekeyTime = vici.Some(time.Second)
	conn.Local = []vici.AuthConfig{{Certs: [][]byte{make([]byte, vici.MaxValue+1)}}}
	err = s.LoadConn(t.Context(), conn)
	require.ErrorIs(t, err, vici.ErrTooLarge)
	require.ErrorAs(t, err, &fieldErr)
	require.Equal(t, "gw.local-1.certs", fieldErr.Path)
	require.NoError(t, s.Err())
}
