// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A rejection collects what the trace is told.
type rejections struct{ seen []string }

func (r *rejections) trace() *vici.Trace {
	return &vici.Trace{Rejected: func(field, value string) { r.seen = append(r.seen, field+"="+value) }}
}

// decodeSA decodes a list-sa event and returns what was rejected, too.
func decodeSA(t testing.TB, m *vici.Message) (*vici.IKESA, []string) {
	t.Helper()
	body, err := m.MarshalBinary()
	require.NoError(t, err)
	var r rejections
	sa := new(vici.IKESA)
	require.NoError(t, sa.DecodeListSA(body, r.trace()))
	return sa, r.seen
}

// keys makes a message of "key=value" pairs; "key=[a b]" is a list.
func keys(text string) *vici.Message {
	m := new(vici.Message)
	for pair := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(pair, "=")
		if list, ok := strings.CutPrefix(value, "["); ok {
			m.AddList(name, strings.Split(strings.TrimSuffix(list, "]"), ",")...)
		} else {
			m.Add(name, value)
		}
	}
	return m
}

const fullIKE = `uniqueid=4294967295 version=2 state=ESTABLISHED local-host=192.0.2.1 local-port=500 local-id=gw remote-host=%any6
	remote-port=65535 remote-id=%any remote-xauth-id=xauth remote-eap-id=eap initiator=yes initiator-spi=0123456789abcdef
	responder-spi=ffffffffffffffff nat-local=yes nat-remote=yes nat-fake=yes nat-any=yes if-id-in=0000002a if-id-out=ffffffff
	encr-alg=AES_CBC encr-keysize=256 integ-alg=HMAC_SHA2_256_128 integ-keysize=128 prf-alg=PRF_HMAC_SHA2_256 dh-group=CURVE_25519
	ake1=a1 ake2=a2 ake3=a3 ake4=a4 ake5=a5 ake6=a6 ake7=a7 ppk=yes established=0 rekey-time=-5 reauth-time=86400
	local-vips=[10.0.0.1] remote-vips=[10.0.0.2,2001:db8::2] tasks-queued=[IKE_REKEY] tasks-active=[IKE_DPD,CHILD_REKEY]
	tasks-passive=[IKE_DELETE]`

const fullChild = `name=net uniqueid=1 reqid=2 state=INSTALLED mode=TUNNEL label=73656c protocol=ESP encap=yes spi-in=c0ffee00
	spi-out=0000000a cpi-in=ab12 cpi-out=ffff mark-in=00000001 mark-mask-in=00000002 mark-out=00000003 mark-mask-out=00000004
	if-id-in=00000005 if-id-out=00000006 per-cpu-sas=yes cpu=7 encr-alg=AES_GCM_16 encr-keysize=128 integ-alg=none integ-keysize=0
	prf-alg=old dh-group=ECP_256 ake1=ML_KEM_768 esn=1 bytes-in=18446744073709551615 packets-in=1 use-in=0 bytes-out=2 packets-out=3
	use-out=4 rekey-time=-1 life-time=3960 install-time=12 local-ts=[10.1.0.0/16] remote-ts=[10.2.0.0/16[tcp/https]]`

func fullSA() *vici.IKESA {
	return &vici.IKESA{
		Name: "gw-gw", UniqueID: vici.Some[uint32](4294967295), Version: "2", State: vici.StateEstablished,
		LocalHost: "192.0.2.1", LocalPort: vici.Some[uint16](500), LocalID: "gw",
		RemoteHost: "%any6", RemotePort: vici.Some[uint16](65535), RemoteID: "%any",
		RemoteXAuthID: "xauth", RemoteEAPID: "eap", Initiator: true,
		InitiatorSPI: vici.Some(vici.IKESPI(0x0123456789abcdef)), ResponderSPI: vici.Some(vici.IKESPI(0xffffffffffffffff)),
		NATLocal: true, NATRemote: true, NATFake: true, NATAny: true,
		IfIDIn: vici.Some[uint32](42), IfIDOut: vici.Some[uint32](0xffffffff),
		Suite: vici.Suite{
			Encryption: "AES_CBC", EncryptionBits: vici.Some[uint32](256),
			Integrity: "HMAC_SHA2_256_128", IntegrityBits: vici.Some[uint32](128),
			PRF: "PRF_HMAC_SHA2_256", KeyExchange: "CURVE_25519", AdditionalKE: [7]string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"},
		},
		PPK:         true,
		Established: vici.Some(time.Duration(0)), RekeyTime: vici.Some(-5 * time.Second), ReauthTime: vici.Some(24 * time.Hour),
		LocalVIPs: []string{"10.0.0.1"}, RemoteVIPs: []string{"10.0.0.2", "2001:db8::2"},
		TasksQueued: []string{"IKE_REKEY"}, TasksActive: []string{"IKE_DPD", "CHILD_REKEY"}, TasksPassive: []string{"IKE_DELETE"},
		Children: []vici.ChildSA{{
			Key: "net-1", Name: "net", UniqueID: vici.Some[uint32](1), ReqID: vici.Some[uint32](2),
			State: vici.StateInstalled, Mode: "TUNNEL", Label: "73656c", Protocol: "ESP", Encap: true,
			SPIIn: vici.Some(vici.SPI(0xc0ffee00)), SPIOut: vici.Some(vici.SPI(10)),
			CPIIn: vici.Some[uint16](0xab12), CPIOut: vici.Some[uint16](0xffff),
			MarkIn: vici.Some[uint32](1), MarkMaskIn: vici.Some[uint32](2), MarkOut: vici.Some[uint32](3), MarkMaskOut: vici.Some[uint32](4),
			IfIDIn: vici.Some[uint32](5), IfIDOut: vici.Some[uint32](6), PerCPUSAs: true, CPU: vici.Some[uint32](7),
			Suite: vici.Suite{
				Encryption: "AES_GCM_16", EncryptionBits: vici.Some[uint32](128), Integrity: "none", IntegrityBits: vici.Some[uint32](0),
				PRF: "old", KeyExchange: "ECP_256", AdditionalKE: [7]string{"ML_KEM_768"},
			},
			ESN:     true,
			BytesIn: vici.Some[uint64](18446744073709551615), PacketsIn: vici.Some[uint64](1), UseIn: vici.Some(time.Duration(0)),
			BytesOut: vici.Some[uint64](2), PacketsOut: vici.Some[uint64](3), UseOut: vici.Some(4 * time.Second),
			RekeyTime: vici.Some(-time.Second), LifeTime: vici.Some(66 * time.Minute), InstallTime: vici.Some(12 * time.Second),
			LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16[tcp/https]"},
		}},
	}
}

func withChildren(ike, children *vici.Message) *vici.Message {
	return inSection("gw-gw", ike.AddSection("child-sas", children))
}

func TestDecodeIKESA(t *testing.T) {
	sa, rejected := decodeSA(t, withChildren(keys(fullIKE), inSection("net-1", keys(fullChild))))
	require.Empty(t, rejected)
	require.Equal(t, fullSA(), sa)
	require.Equal(t, "0123456789abcdef", sa.InitiatorSPI.String())
	require.Equal(t, "0000000a", sa.Children[0].SPIOut.String())
}

// A field that the full example leaves at zero would be a field that no test reads.
func TestFullSASetsEveryField(t *testing.T) {
	sa := fullSA()
	for _, v := range []reflect.Value{reflect.ValueOf(*sa), reflect.ValueOf(sa.Children[0])} {
		for i := range v.NumField() {
			require.False(t, v.Field(i).IsZero(), v.Type().Field(i).Name)
		}
	}
}

func TestDecodeAlmostEmptySA(t *testing.T) {
	sa, rejected := decodeSA(t, withChildren(new(vici.Message), inSection("", nil)))
	require.Empty(t, rejected)
	require.Equal(t, &vici.IKESA{Name: "gw-gw", Children: []vici.ChildSA{{}}}, sa)

	sa, _ = decodeSA(t, inSection("", nil))
	require.Equal(t, new(vici.IKESA), sa)
}

// Before 5.5.2 the section is called like the child, and several may have one name.
func TestDecodeChildrenOfOneName(t *testing.T) {
	sa, rejected := decodeSA(t, withChildren(keys("uniqueid=1"),
		inSection("net", keys("uniqueid=1 state=REKEYED")).AddSection("net", keys("uniqueid=2 state=INSTALLED"))))
	require.Empty(t, rejected)
	require.Equal(t, []vici.ChildSA{
		{Key: "net", Name: "net", UniqueID: vici.Some[uint32](1), State: vici.StateRekeyed},
		{Key: "net", Name: "net", UniqueID: vici.Some[uint32](2), State: vici.StateInstalled},
	}, sa.Children)
}

func TestDecodeHostileIKEValues(t *testing.T) {
	for _, pair := range []string{
		"uniqueid=", "uniqueid=-1", "uniqueid=+1", "uniqueid=4294967296", "uniqueid=0x1", "uniqueid=1_0", "uniqueid=1.0", "uniqueid=a",
		"uniqueid=\xb2", "local-port=65536", "remote-port=http", "initiator-spi=0x12", "initiator-spi=10000000000000000", "responder-spi=",
		"if-id-in=g", "if-id-in=100000000", "encr-keysize=many", "initiator=maybe", "nat-local=", "ppk=2",
		"established=", "established=-", "established=--1", "established=9223372037", "established=18446744073709551615",
		"rekey-time=-9223372037", "rekey-time=1e3", "reauth-time=99999999999999999999",
	} {
		t.Run(pair, func(t *testing.T) {
			sa, rejected := decodeSA(t, inSection("gw", keys("version=1 "+pair+" state=ESTABLISHED")))
			require.Equal(t, []string{pair}, rejected)
			require.Equal(t, &vici.IKESA{Name: "gw", Version: "1", State: vici.StateEstablished}, sa)
		})
	}
}

func TestDecodeHostileChildValues(t *testing.T) {
	for _, pair := range []string{
		"bytes-in=18446744073709551616", "bytes-out=-1", "packets-in=", "packets-out=1k", "spi-in=100000000", "spi-out=-1", "cpi-in=10000",
		"mark-mask-out=zz", "use-in=-1", "use-out=", "use-out=18446744073709551616", "use-in=9223372037", "install-time=x", "esn=2", "cpu=first",
	} {
		t.Run(pair, func(t *testing.T) {
			sa, rejected := decodeSA(t, withChildren(keys("version=1"), inSection("net-1", keys("name=net "+pair+" mode=TUNNEL"))))
			require.Equal(t, []string{pair}, rejected)
			require.Equal(t, vici.ChildSA{Key: "net-1", Name: "net", Mode: "TUNNEL"}, sa.Children[0])
		})
	}
}

func TestDecodeLastUse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "17": 17 * time.Second,
		"18446744073709551615": 0, // the packet came between two readings of the clock
		"18446744073709548016": 0, // the clock was set back by an hour
		"9223372036854775808":  0,
	} {
		sa, rejected := decodeSA(t, withChildren(new(vici.Message), inSection("net-1", key("use-in", text).Add("use-out", text))))
		require.Empty(t, rejected)
		require.Equal(t, vici.Some(want), sa.Children[0].UseIn, text)
		require.Equal(t, vici.Some(want), sa.Children[0].UseOut, text)
	}
}

func TestDecodeFlagsThatSayNo(t *testing.T) {
	sa, rejected := decodeSA(t, inSection("gw", keys("initiator=no nat-local=0")))
	require.Empty(t, rejected)
	require.False(t, sa.Initiator)
	require.False(t, sa.NATLocal)
}

// Of a duplicate the first counts, and the second is told.
func TestDecodeDuplicates(t *testing.T) {
	ike, child := keys(fullIKE), keys(fullChild)
	for e := range ike.All() {
		duplicate(ike, e)
	}
	for e := range child.All() {
		duplicate(child, e)
	}
	sa, rejected := decodeSA(t, withChildren(ike, inSection("net-1", child)))
	require.Equal(t, fullSA(), sa)
	for e := range keys(fullIKE + " " + fullChild).All() {
		second := "999"
		if e.Value == "yes" || e.Name == "esn" {
			second = "yes"
		} else if e.Kind == vici.ListStart {
			second = ""
		}
		require.Contains(t, rejected, e.Name+"="+second)
	}
	require.Len(t, rejected, (ike.Len()-1+child.Len())/2)
}

func duplicate(m *vici.Message, e vici.Element) {
	switch {
	case e.Kind == vici.ListStart:
		m.AddList(e.Name, "second")
	case e.Value == "yes", e.Name == "esn":
		m.Add(e.Name, "yes")
	default:
		m.Add(e.Name, "999")
	}
}

// What newer daemons add, and known names where they do not belong, is passed over.
func TestDecodeUnknownAndMisplaced(t *testing.T) {
	noise := func(m *vici.Message) *vici.Message {
		return m.Add("new-key", "1").AddList("new-list", "a").AddSection("new-section", inSection("child-sas", inSection("x", nil))).
			AddSection("uniqueid", key("uniqueid", "9")).AddList("state", "CREATED").
			Add("local-vips", "10.9.9.9").Add("local-ts", "10.9.9.9").AddSection("remote-ts", nil).Add("child-sas", "9").AddList("child-sas", "9")
	}
	children := new(vici.Message).Add("key", "1").AddList("list", "a").
		AddSection("net-1", noise(keys(fullChild)).AddSection("child-sas", inSection("deeper", nil)))
	m := new(vici.Message).Add("up", "yes").AddList("up", "yes").
		AddSection("gw-gw", noise(keys(fullIKE)).AddSection("child-sas", children).Add("after", "1")).
		AddSection("second", keys("uniqueid=9")).Add("end", "1")
	sa, rejected := decodeSA(t, m)
	require.Empty(t, rejected)
	require.Equal(t, fullSA(), sa)
}

func TestDecodeIKESARefuses(t *testing.T) {
	var sa vici.IKESA
	require.ErrorIs(t, sa.DecodeListSA(nil, nil), vici.ErrMalformed)
	require.ErrorContains(t, sa.DecodeListSA([]byte("\x03\x02up\x00\x03yes"), nil), "list-sa without an IKE_SA")
	full, err := withChildren(keys(fullIKE), inSection("net-1", keys(fullChild))).MarshalBinary()
	require.NoError(t, err)
	for cut := range len(full) {
		require.ErrorIs(t, sa.DecodeListSA(full[:cut], nil), vici.ErrMalformed, cut)
	}
	require.NoError(t, sa.DecodeListSA(full, nil))
	require.Equal(t, fullSA(), &sa)
}

// randomSA leaves out keys at random and has up to four children.
func randomSA(r *rand.Rand) *vici.Message {
	some := func(m *vici.Message) *vici.Message {
		picked := new(vici.Message)
		for e := range m.All() {
			switch {
			case r.IntN(2) == 0:
			case e.Kind == vici.ListStart:
				picked.AddList(e.Name, e.Items[:r.IntN(len(e.Items)+1)]...)
			default:
				picked.Add(e.Name, e.Value)
			}
		}
		return picked
	}
	children := new(vici.Message)
	for i := range r.IntN(5) {
		children.AddSection(fmt.Sprintf("child-%d", i), some(keys(fullChild)))
	}
	return inSection(fmt.Sprintf("sa-%d", r.IntN(100)), some(keys(fullIKE)).AddSection("child-sas", children))
}

// A struct that is reused must not show anything of the SA before.
func TestReuseLeaksNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var reused vici.IKESA
	for range 2000 {
		body, err := randomSA(r).MarshalBinary()
		require.NoError(t, err)
		var fresh vici.IKESA
		require.NoError(t, fresh.DecodeListSA(body, nil))
		require.NoError(t, reused.DecodeListSA(body, nil))
		if !reflect.DeepEqual(fresh.Clone(), reused.Clone()) {
			require.Equal(t, fresh.Clone(), reused.Clone())
		}
	}
}

func TestCloneIsIndependent(t *testing.T) {
	full, err := withChildren(keys(fullIKE), inSection("net-1", keys(fullChild))).MarshalBinary()
	require.NoError(t, err)
	other := strings.NewReplacer("10.", "99.", "INSTALLED", "DELETED", "IKE_", "ISAKMP_", "net", "NET").Replace
	replaced, err := withChildren(keys(other(fullIKE)), inSection("net-1", keys(other(fullChild)))).MarshalBinary()
	require.NoError(t, err)

	var sa vici.IKESA
	require.NoError(t, sa.DecodeListSA(full, nil))
	kept := sa.Clone()
	require.NoError(t, sa.DecodeListSA(replaced, nil))
	require.Equal(t, "NET", sa.Children[0].Name)
	require.Equal(t, fullSA(), kept)
	clear(full)
	require.Equal(t, fullSA(), kept)
}

func TestRemoteIdentity(t *testing.T) {
	sa := vici.IKESA{RemoteID: "id"}
	require.Equal(t, "id", sa.RemoteIdentity())
	sa.RemoteXAuthID = "xauth"
	require.Equal(t, "xauth", sa.RemoteIdentity())
	sa.RemoteEAPID = "eap"
	require.Equal(t, "eap", sa.RemoteIdentity())
}
