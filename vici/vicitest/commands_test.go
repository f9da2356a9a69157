// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// refused sends a command that the daemon must refuse, and returns its reason.
func refused(t *testing.T, s *vici.Session, command string, request *vici.Message) string {
	t.Helper()
	_, err := s.Call(t.Context(), command, request)
	var no *vici.CommandError
	require.ErrorAs(t, err, &no)
	return no.Message
}

func section(name string, m *vici.Message) *vici.Message {
	return new(vici.Message).AddSection(name, m)
}

// loaded is a request to load the connection gw-gw.
func loaded() *vici.Message {
	child := message("mode", "tunnel", "rekey_time", "20m", "mark_in", "42/0xff", "if_id_in", "7", "start_action", "trap").
		AddList("local_ts", "10.1.0.0/16").AddList("remote_ts", "10.2.0.0/16").
		AddList("esp_proposals", "aes256gcm16-x25519", "aes128-sha256-esn")
	return section("gw-gw", message("version", "2", "rekey_time", "60", "unique", "replace", "mobike", "no").
		AddList("local_addrs", "192.0.2.1").AddList("remote_addrs", "192.0.2.2").
		AddList("proposals", "aes256-sha384-prfsha512-ecp384-ke1_mlkem768").
		AddSection("local", message("auth", "psk", "id", "moon.example.org")).
		AddSection("remote-peer", message("auth", "eap-mschapv2", "eap_id", "%any")).
		AddSection("children", section("net-net", child)))
}

func TestLoadConn(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	s := session(t, d)
	call(t, s, "load-conn", loaded())
	require.Equal(t, "{conns=[gw-gw]}", call(t, s, "get-conns", nil).String())
	conn := collect(t, s, "list-conns", "list-conn", nil)[0].Section("gw-gw")
	require.Equal(t, "{0 {encr=[AES_CBC_256] integ=[HMAC_SHA2_384_192] prf=[PRF_HMAC_SHA2_512] "+
		"ke=[ECP_384] ake1=[ML_KEM_768]}}", conn.Section("proposals").String())
	require.Equal(t, "UNIQUE_REPLACE", value(conn, "unique"))
	require.Equal(t, "{eap_id=%any eap-type=EAP_MSCHAPV2 class=EAP groups=[] cert_policy=[] certs=[] cacerts=[]}",
		conn.Section("remote-1").String())
	child := conn.Section("children", "net-net")
	require.Equal(t, "1200", value(child, "rekey_time"))
	require.Equal(t, "{0 {encr=[AES_GCM_16_256] ke=[CURVE_25519] sn=[NO_EXT_SEQ]} "+
		"1 {encr=[AES_CBC_128] integ=[HMAC_SHA2_256_128] sn=[EXT_SEQ]}}",
		child.Section("esp_proposals").String())
	require.Len(t, collect(t, s, "list-policies", "list-policy", message("trap", "no")), 1, "start_action=trap")

	call(t, s, "initiate", message("child", "net-net"))
	sa := firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0])
	require.Equal(t, "ML_KEM_768", value(sa, "ake1"))
	c := firstSection(t, sa.Section("child-sas"))
	require.Equal(t, "0000002a/000000ff", value(c, "mark-in")+"/"+value(c, "mark-mask-in"))
	require.Equal(t, "00000007", value(c, "if-id-in"))

	require.Contains(t, refused(t, s, "unload-conn", message("name", "none")), "not found")
	call(t, s, "unload-conn", message("name", "gw-gw"))
	require.Empty(t, collect(t, s, "list-conns", "list-conn", nil))
	require.Empty(t, collect(t, s, "list-policies", "list-policy", message("trap", "")))
	require.Len(t, d.IKESAs(), 1, "SAs outlive their configuration")
}

func TestLoadConnRefusesWhatItDoesNotKnow(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{}))
	for name, m := range map[string]*vici.Message{
		"umlaut":     message("schl\u00fcssel", "1"),
		"section":    section("wrong", message()),
		"value":      message("local_addrs", "192.0.2.1"),
		"auth key":   section("local", message("colour", "red")),
		"child":      section("children", message("c", "x")),
		"child key":  section("children", section("c", message("colour", "red"))),
		"mediated":   message("mediated_by", "m"),
		"both":       message("mediated_by", "m", "mediation", "yes"),
		"no source":  section("local", section("cert", message())),
		"no file":    section("local", section("cert", message("file", "/nobody/has/it"))),
		"two":        section("local", section("cert", message("file", "/nobody/has/it", "handle", "00"))),
		"source key": section("local", section("cert", message("colour", "red"))),
	} {
		reason := refused(t, s, "load-conn", section("x", m))
		require.Regexp(t, "config discarded|parsing request failed|invalid section|unable to load|missing|given", reason, name)
	}
	require.Equal(t, "{conns=[]}", call(t, s, "get-conns", nil).String())
}

// The oldest daemons have fewer keys and values. Those of the newer ones are compared with real daemons, by the suite of
// package vici.
func TestLoadConnOld(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{Generation: vicitest.Generation52}))
	load := func(m *vici.Message) *vici.Message { return section("x", m) }
	child := func(key, value string) *vici.Message { return section("children", section("c", message(key, value))) }
	for _, m := range []*vici.Message{
		message("fragmentation", "force"), child("mode", "beet"), child("mark_in", "%unique"), child("start_action", "restart"),
		section("local", message("auth", "psk")),
	} {
		call(t, s, "load-conn", load(m))
	}
	for _, m := range []*vici.Message{
		message("fragmentation", "accept"), message("dscp", "000000"), message("childless", "allow"), message("ocsp", "both"),
		message("ppk_id", "x"), message("if_id_in", "1"), message("mediation", "no"), child("icmp", "yes"), child("mode", "iptfs"),
		child("mode", "transport_proxy"), child("label", "x"), child("set_mark_in", "1"), child("start_action", "trap|start"),
		child("policies", "yes"), child("hw_offload", "no"), section("local", message("ca_id", "x")),
		section("local", message("round", "1")), section("local", section("cert", message("file", "x"))),
		new(vici.Message).AddList("proposals", "aes256-sha256-mlkem768"),
	} {
		refused(t, s, "load-conn", load(m))
	}
}

func TestControlCommands(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	s := session(t, d)
	log := collect(t, s, "initiate", "control-log", message("child", "net-net", "ike", "gw-gw"))
	require.NotEmpty(t, log)
	require.Contains(t, value(log[0], "msg"), "IKE_SA gw-gw[1] established")
	require.NotContains(t, keys(log[0]), "thread")
	require.Contains(t, refused(t, s, "initiate", message("child", "none")), "not found")
	require.Contains(t, refused(t, s, "initiate", message("ike", "none")), "not found")
	require.Contains(t, refused(t, s, "initiate", nil), "missing")
	require.Empty(t, collect(t, s, "initiate", "control-log", message("child", "net-net", "timeout", "-1")))
	call(t, s, "initiate", message("ike", "gw-gw"))
	require.Equal(t, []string{
		"gw-gw 2 ESTABLISHED", "gw-gw 1 ESTABLISHED net-net-1 INSTALLED net-net-2 INSTALLED",
	}, d.states(s, nil))

	require.Equal(t, "{success=yes matches=1}", call(t, s, "rekey", message("child-id", "1")).String())
	require.Equal(t, "{success=yes matches=1}", call(t, s, "rekey", message("ike-id", "2", "reauth", "yes")).String())
	require.Equal(t, "no matching SAs to rekey found", refused(t, s, "rekey", message("ike", "none")))
	require.Contains(t, refused(t, s, "terminate", nil), "missing")
	require.Equal(t, "{success=yes matches=2 terminated=2}", call(t, s, "terminate", message("child", "net-net")).String())
	require.Equal(t, "{success=yes matches=2 terminated=2}", call(t, s, "terminate", message("ike", "gw-gw")).String())
	require.Equal(t, "no matching SAs to terminate found", refused(t, s, "terminate", message("ike", "gw-gw")))
	require.Empty(t, d.IKESAs())
}

func TestRedirect(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	for _, host := range []string{"203.0.113.1", "203.0.113.2", "198.51.100.1", "198.51.100.2"} {
		d.establish("gw-gw", vicitest.Peer{Responder: true, Host: host, ID: "user@" + host})
	}
	s := session(t, d)
	require.Contains(t, refused(t, s, "redirect", message("ike", "gw-gw")), "gateway")
	require.Contains(t, refused(t, s, "redirect", message("gateway", "192.0.2.9")), "selector")
	require.Contains(t, refused(t, s, "redirect", message("gateway", "192.0.2.9", "peer-ip", "x")), "parsing")
	for _, selector := range [][]string{
		{"peer-ip", "203.0.113.0/31"}, {"peer-ip", "203.0.113.2-203.0.113.9"}, {"peer-id", "*@198.51.100.1"}, {"ike-id", "4"},
	} {
		require.Equal(t, "{success=yes matches=1}", call(t, s, "redirect", message(append(selector, "gateway", "192.0.2.9")...)).String())
	}
	require.Empty(t, d.IKESAs())
}

func TestInstall(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	c := gateway()
	c.Children = append(c.Children, vicitest.Child{Name: "pass", Mode: "PASS"}, vicitest.Child{Name: "drop", Mode: "DROP"})
	d.Load(c)
	s := session(t, d)
	for _, child := range []string{"net-net", "pass", "drop"} {
		call(t, s, "install", message("child", child))
	}
	require.Contains(t, refused(t, s, "install", message("child", "net-net")), "already")
	require.Contains(t, refused(t, s, "install", message("child", "none")), "none")
	require.Contains(t, refused(t, s, "install", nil), "missing")
	for _, kind := range []string{"trap", "pass", "drop"} {
		require.Len(t, collect(t, s, "list-policies", "list-policy", message(kind, "yes")), 1)
	}
	require.Empty(t, collect(t, s, "list-policies", "list-policy", nil), "nothing asked for")
	require.Len(t, collect(t, s, "list-policies", "list-policy", message("trap", "", "drop", "", "pass", "", "ike", "gw-gw")), 3)
	call(t, s, "uninstall", message("child", "pass", "ike", "gw-gw"))
	require.Contains(t, refused(t, s, "uninstall", message("child", "pass")), "not found")
	require.Contains(t, refused(t, s, "uninstall", nil), "missing")
}

func TestPools(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	s := session(t, d)
	call(t, s, "load-pool", section("rw", message("addrs", "10.3.0.0/30").AddList("dns", "10.1.0.53")))
	call(t, s, "load-pool", section("range", message("addrs", "10.4.0.1-10.4.0.9")))
	require.Contains(t, refused(t, s, "load-pool", section("x", message())), "addrs")
	require.Contains(t, refused(t, s, "load-pool", section("x", message("addrs", "10.3.0.0/33"))), "x")
	require.Contains(t, refused(t, s, "load-pool", section("x", message("addrs", "10.5.0.0/24", "colour", "red"))), "invalid attribute")
	require.Equal(t, "{range {base=10.4.0.1 size=9 online=0 offline=0}}", call(t, s, "get-pools", message("name", "range")).String())

	c := gateway()
	c.Pools = []string{"rw"}
	d.Load(c)
	alice, _ := d.establish("gw-gw", vicitest.Peer{Responder: true, EAPID: "alice"})
	d.establish("gw-gw", vicitest.Peer{Responder: true, EAPID: "bob"})
	full, _ := d.establish("gw-gw", vicitest.Peer{Responder: true, EAPID: "carol"})
	sa, err := d.IKESA(full)
	require.NoError(t, err)
	require.Empty(t, sa.RemoteVIPs, "the pool has two addresses")
	require.Contains(t, refused(t, s, "unload-pool", message("name", "rw")), "2 online leases")
	require.NoError(t, d.Down(alice))
	require.Equal(t, "{rw {base=10.3.0.1 size=2 online=1 offline=1 leases {"+
		"0 {address=10.3.0.1 identity=alice status=offline} 1 {address=10.3.0.2 identity=bob status=online}}}}",
		call(t, s, "get-pools", message("leases", "yes", "name", "rw")).String())
	back, _ := d.establish("gw-gw", vicitest.Peer{Responder: true, EAPID: "alice"})
	_, err = d.Reauthenticate(back)
	require.NoError(t, err)
	require.Equal(t, "2", value(call(t, s, "get-pools", message("name", "rw")).Section("rw"), "online"))
	require.Contains(t, refused(t, s, "load-pool", section("x", message("addrs", "10.3.0.9-10.3.0.1"))), "no range")
	call(t, s, "unload-pool", message("name", "range"))
	require.Contains(t, refused(t, s, "unload-pool", message("name", "range")), "not found")
	require.Contains(t, refused(t, s, "unload-pool", nil), "missing")
}

func TestPoolSizes(t *testing.T) {
	for addresses, want := range map[string]string{
		"10.3.0.0/28":           "{base=10.3.0.1 size=14 online=0 offline=0}",
		"fd03::/120":            "{base=fd03::1 size=254 online=0 offline=0}",
		"10.9.0.1":              "{base=10.9.0.1 size=1 online=0 offline=0}",
		"10.9.0.1/32":           "{base=10.9.0.1 size=1 online=0 offline=0}",
		"10.8.0.0/31":           "{base=10.8.0.0 size=1 online=0 offline=0}",
		"10.7.0.0-10.9.255.255": "{base=10.7.0.0 size=196608 online=0 offline=0}",
		"fd00::-fd00:1::":       "{base=fd00:: size=2147483647 online=0 offline=0}",
		"fd00::/64":             "{base=fd00::1 size=2147483647 online=0 offline=0}",
	} {
		d := newDaemon(t, vicitest.Config{})
		require.NoError(t, d.LoadPool("p", addresses))
		require.Equal(t, want, call(t, session(t, d), "get-pools", nil).Section("p").String(), addresses)
	}
}

func TestCounters(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	ike, child := d.establish("gw-gw", vicitest.Peer{Responder: true})
	_, err := d.RekeyChild(child, vicitest.Rekeying{})
	require.NoError(t, err)
	_, err = d.RekeyIKE(ike, vicitest.Rekeying{Responder: true})
	require.NoError(t, err)
	d.Count("", "invalid-spi", 3)
	s := session(t, d)
	global := call(t, s, "get-counters", nil).Section("counters", "")
	named := call(t, s, "get-counters", message("name", "gw-gw")).Section("counters", "gw-gw")
	for key, want := range map[string][2]string{
		"ike-init-in-req":      {"1", "0"}, // before the configuration is known
		"ike-auth-in-req":      {"1", "1"},
		"child-rekey":          {"1", "1"},
		"create-child-out-req": {"1", "1"},
		"create-child-in-req":  {"1", "1"},
		"ike-rekey-resp":       {"1", "1"},
		"ike-rekey-init":       {"0", "0"},
		"invalid-spi":          {"3", "0"},
	} {
		require.Equal(t, want, [2]string{value(global, key), value(named, key)}, key)
	}
	require.Equal(t, []string{"gw-gw"}, keys(call(t, s, "get-counters", message("all", "yes")).Section("counters")))
	call(t, s, "reset-counters", message("name", "gw-gw"))
	require.Equal(t, "no counters found for this connection", refused(t, s, "get-counters", message("name", "gw-gw")))
	call(t, s, "reset-counters", message("all", "yes"))
	require.Equal(t, "3", value(call(t, s, "get-counters", nil).Section("counters", ""), "invalid-spi"))
	call(t, s, "reset-counters", nil)
	require.Equal(t, "0", value(call(t, s, "get-counters", nil).Section("counters", ""), "invalid-spi"))
	require.Panics(t, func() { d.Count("", "no-such-counter", 1) })
}

func TestCountersWithoutThePlugin(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{NoCounters: true}))
	require.NotEmpty(t, refused(t, s, "get-counters", nil))
	require.NotEmpty(t, refused(t, s, "reset-counters", nil))
	plugins, _ := call(t, s, "stats", nil).Items("plugins")
	require.NotContains(t, plugins, "counters")
}

func TestStatsWithoutMallinfo(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{NoMallinfo: true}))
	require.NotContains(t, keys(call(t, s, "stats", nil)), "mallinfo")
}

// testCA returns a CA certificate as PEM, with its key as DER.
func testCA(t *testing.T) (certificate string, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	require.NoError(t, err)
	key, err = x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

func TestCertificatesAndKeys(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	s := session(t, d)
	ca, key := testCA(t)
	call(t, s, "load-cert", message("type", "x509", "data", ca))
	require.Contains(t, refused(t, s, "load-cert", message("type", "x509", "data", "no")), "parsing")
	require.Contains(t, refused(t, s, "load-cert", message("type", "paper", "data", ca)), "type")
	require.Contains(t, refused(t, s, "load-cert", message("type", "x509")), "data")
	d.AddCertificate(vicitest.Certificate{Type: "X509_CRL", Data: []byte{1}})
	d.AddCertificate(vicitest.Certificate{
		Type: "PUBKEY", Data: []byte{2}, Subject: "k", NotAfter: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	listed := collect(t, s, "list-certs", "list-cert", nil)
	require.Len(t, listed, 3)
	require.Equal(t, "{type=PUBKEY data=\x02 subject=k not-after=20260102030405Z}", listed[0].String())
	require.Equal(t, []string{"type", "flag", "data"}, keys(listed[1]))
	require.Equal(t, "CA", value(listed[1], "flag"), "basic constraints decide")
	for request, want := range map[[2]string]int{
		{"type", "x509ca"}: 1, {"type", "X509"}: 1, {"flag", "none"}: 2, {"type", "paper"}: 0, {"flag", "x"}: 0, {"subject", "k"}: 1,
		{"type", "x509crl"}: 1, {"type", "x509ac"}: 0, {"type", "x509aa"}: 0, {"type", "x509ocsp"}: 0,
	} {
		require.Len(t, collect(t, s, "list-certs", "list-cert", message(request[:]...)), want, request)
	}
	id := value(call(t, s, "load-key", message("type", "any", "data", string(key))), "id")
	require.Len(t, id, 40)
	require.Equal(t, "{keys=["+id+"]}", call(t, s, "get-keys", nil).String())
	require.Equal(t, "yes", value(collect(t, s, "list-certs", "list-cert", message("type", "X509"))[0], "has_privkey"))
	require.NotEmpty(t, refused(t, s, "load-key", message("type", "any", "data", "no")))
	require.NotEmpty(t, refused(t, s, "load-key", message("type", "rot13", "data", "")))
	call(t, s, "flush-certs", nil)
	require.Len(t, collect(t, s, "list-certs", "list-cert", nil), 2, "only what was fetched is flushed")
	call(t, s, "unload-key", message("id", id))
	require.NotEmpty(t, refused(t, s, "unload-key", message("id", id)))
	require.Len(t, value(call(t, s, "load-token", message("handle", "00ff")), "id"), 40)
	require.NotEmpty(t, refused(t, s, "load-token", message("handle", "x")))
	call(t, s, "clear-creds", nil)
	require.Empty(t, collect(t, s, "list-certs", "list-cert", nil))
}

func TestSharedSecrets(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{}))
	for _, id := range []string{"one", "two"} {
		call(t, s, "load-shared", message("type", "IKE", "data", "secret", "id", id).AddList("owners", "a"))
	}
	call(t, s, "load-shared", message("type", "eap", "data", "secret"))
	require.Equal(t, "{keys=[two one]}", call(t, s, "get-shared", nil).String())
	require.NotEmpty(t, refused(t, s, "load-shared", message("type", "spoken", "data", "secret")))
	require.NotEmpty(t, refused(t, s, "load-shared", message("type", "ike")))
	call(t, s, "unload-shared", message("id", "one"))
	call(t, s, "unload-shared", message("id", "one")) // also if unknown
	require.Equal(t, "{keys=[two]}", call(t, s, "get-shared", nil).String())
}

func TestAuthorities(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{}))
	ca, _ := testCA(t)
	authority := message("cacert", ca, "cert_uri_base", "http://c/").AddList("crl_uris", "http://a/", "http://b/")
	call(t, s, "load-authority", section("ca", authority))
	require.Equal(t, "{authorities=[ca]}", call(t, s, "get-authorities", nil).String())
	require.Equal(t, "{ca {cacert=CN=CA crl_uris=[http://a/ http://b/] ocsp_uris=[] cert_uri_base=http://c/}}",
		collect(t, s, "list-authorities", "list-authority", message("name", "ca"))[0].String())
	require.Empty(t, collect(t, s, "list-authorities", "list-authority", message("name", "none")))
	require.NotEmpty(t, refused(t, s, "load-authority", section("x", message("cacert", "no"))))
	require.NotEmpty(t, refused(t, s, "load-authority", section("x", message("colour", "red"))))
	require.NotEmpty(t, refused(t, s, "load-authority", section("x", message())))
	call(t, s, "unload-authority", message("name", "ca"))
	require.NotEmpty(t, refused(t, s, "unload-authority", message("name", "ca")))
}

func TestOtherCommands(t *testing.T) {
	s := session(t, newDaemon(t, vicitest.Config{Generation: vicitest.Generation59}))
	call(t, s, "reload-settings", nil)
	require.NotNil(t, call(t, s, "get-algorithms", nil).Section("dh"))
}
