// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"crypto/x509"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// suiteOptions are the keys that load-conn and load-pool take: the section, the key ([] if it takes a list), values that
// daemons take, and after a bar values that they refuse. What follows an @ is the release that brought a key or value, and
// after a ~ the one that took it away. In place of CERTIFICATE and PUBLICKEY there are such.
//
// A mediated connection without a peer is not among them: daemons before 6.0 refuse it and crash.
const suiteOptions = `
conn local_addrs[]        192.0.2.1 %any gateway.example 192.0.2.0/24 192.0.2.1-192.0.2.9 | münchen
conn remote_addrs[]       192.0.2.2 %any gateway.example 192.0.2.0/24 192.0.2.1-192.0.2.9 | münchen
conn local_port           500 0 0x10 -1 65536 | bogus 1.5
conn remote_port          500 0 0x10 -1 65536 | bogus 1.5
conn version              2 0 1 3 | bogus
conn vips[]               0.0.0.0 :: 10.3.0.1 %any | bogus
conn pools[]              p
conn aggressive           yes no true false enabled disabled 1 0 YES | bogus
conn pull                 no yes | bogus
conn dscp                 101110 000000 1 | 9 bogus 0x3f
conn encap                yes no | bogus
conn mobike               no yes | bogus
conn dpd_delay            30 30s 2m 1h 1d 1H | bogus 1w 1.5h 1h30m
conn dpd_timeout          30 30s | bogus
conn fragmentation        yes accept force no YES | bogus true 1
conn childless            allow prefer@5.9.10 force never | bogus yes no
conn send_certreq         no yes | bogus
conn send_cert            always never ifasked | bogus yes no
conn ocsp@5.9.14          reply request both never | bogus yes
conn ppk_id               suite@example %any | münchen
conn ppk_required         yes no | bogus
conn keyingtries          0 3 4294967295 | bogus %forever
conn unique               replace no never keep | bogus yes
conn reauth_time          0 3h | bogus
conn rekey_time           14400 4h 0 -1 | bogus
conn over_time            30 | bogus
conn rand_time            30 | bogus
conn if_id_in             42 0x2a %unique %unique-dir | bogus %same 1/2
conn if_id_out            42 0x2a %unique %unique-dir | bogus %same 1/2
conn mediation            no yes | bogus
conn mediated_by          m
conn mediation_peer       m | münchen
conn no_such_key          | 1
conn Version              | 2

auth auth                 pubkey psk rsa ecdsa eap eap-mschapv2 eap-tls eap-7-1234 eap-6 xauth xauth-pam PSK pubkey-sha256 ike:rsa-sha256 |
                          bogus any ike ed25519
auth id                   suite.example suite@example 192.0.2.1 %any *@example ^a.*$ | münchen
auth ca_id                suite.example %any | münchen
auth aaa_id               suite.example %any | münchen
auth eap_id               suite.example %any | münchen
auth xauth_id             suite.example %any | münchen
auth revocation           strict ifuri relaxed STRICT | bogus yes
auth round                2 0 4294967295 | bogus
auth groups[]             suite | münchen
auth cert_policy[]        1.2.3 | münchen
auth certs[]              CERTIFICATE | bogus
auth cacerts[]            CERTIFICATE | bogus
auth pubkeys[]            PUBLICKEY | bogus
auth no_such_key          | 1

child ah_proposals[]      sha256-x25519 sha256 md5_128 aesxcbc aes256-sha256 aes256gmac default | bogus aes256gcm16 x25519
child esp_proposals[]     aes256-sha256-x25519 aes256gcm16 aes256gcm16-sha256 aes256gcm16-esn-noesn aes256 null chacha20poly1305 aes256gmac
                          aes256gcm16-modpnone aes128-sha256_96 default aes128gcm@5.9.8 aes256gcm16-none@5.9.8
                          aes256gcm16-x25519-ke1_ecp256@6.0.0 aes256gcm16-x25519-ke1_mlkem768-ke1_none@6.0.0 |
                          bogus sha256 x25519 aes256gcm16-aes256-sha256 AES256GCM16
child local_ts[]          10.1.0.0/16 dynamic 10.1.0.1-10.1.0.9 ::/0 10.1.0.0/16[tcp/https] 10.1.0.0/16[6/443] dynamic[udp/500-600]
                          10.1.0.0/16[icmp/8] 10.1.0.0/16[gre] 10.1.0.0/16[tcp/opaque] |
                          bogus dynamic[ [tcp] 10.1.0.0/16[bogus] 10.1.0.0/16[256]
child remote_ts[]         10.2.0.0/16 dynamic | bogus dynamic[
child updown              /bin/true | münchen
child hostaccess          yes no | bogus
child mode                tunnel transport transport_proxy beet pass drop iptfs@6.0.2 TUNNEL | bogus shunt
child policies            no yes | bogus
child policies_fwd_out    yes no | bogus
child replay_window       64 0 | bogus
child rekey_time          3600 1h 0 30s | bogus
child life_time           7200 0 | bogus
child rand_time           30 | bogus
child rekey_bytes         1073741824 1G 0 1000 1k 2m 18446744073709551616 | bogus 1T 1kb
child life_bytes          2147483648 2G | bogus 1T
child rand_bytes          1048576 1M | bogus 1T
child rekey_packets       1000000 0 0x10 | bogus 1k
child life_packets        2000000 | bogus 1k
child rand_packets        1000 | bogus 1k
child start_action        none clear route trap NONE trap|start@5.9.6 none|trap@5.9.6 | bogus hold trap,start
child close_action        trap none start clear route restart | bogus hold
child dpd_action          trap none start clear route restart | bogus hold
child ipcomp              yes no | bogus
child inactivity          3600 0 | bogus
child reqid               4711 0 | bogus
child mark_in             42/0xff 42 0x2a %unique %unique-dir %unique/0xff 42/ -1 | bogus %same 1/bogus %bogus
child mark_out            42/0xff 42 0x2a %unique %unique-dir %unique/0xff 42/ -1 | bogus %same 1/bogus %bogus
child mark_in_sa          yes no | bogus
child set_mark_in         %same 42 42/0xff %same/0xff | bogus %unique %unique-dir
child set_mark_out        %same 42 42/0xff %same/0xff | bogus %unique %unique-dir
child if_id_in            42 0x2a %unique %unique-dir | bogus %same 1/2
child if_id_out           42 0x2a %unique %unique-dir | bogus %same 1/2
child label@5.9.6         system_u:object_r:ipsec_spd_t:s0 a | münchen
child label_mode@5.9.6    simple system SIMPLE | bogus
child tfc_padding         mtu 0 100 | bogus
child priority            17 0 1048575 | bogus
child interface           eth0 | münchen
child hw_offload          no yes auto crypto@5.9.11 packet@5.9.11 AUTO | bogus true 1
child sha256_96           yes no | bogus
child copy_df             no yes | bogus
child copy_ecn            no yes | bogus
child copy_dscp           yes out in no | bogus true 1
child per_cpu_sas@6.0.2   yes no encap true 0 | bogus
child icmp@6.0.5          yes no | bogus
child no_such_key         | 1

pool address[]            10.9.9.1 fec0::1 10.9.9.0/24 | bogus
pool dns[]                10.9.9.1 | bogus
pool nbns[]               10.9.9.1 | bogus
pool dhcp[]               10.9.9.1 | bogus
pool netmask[]            255.255.255.0 | bogus
pool server[]             10.9.9.1 | bogus
pool subnet[]             10.9.9.0/24 | bogus
pool split_include[]      10.9.9.0/24 | bogus
pool split_exclude[]      10.9.9.0/24 | bogus
pool p_cscf[]@6.0.3       10.9.9.1 | bogus
pool 25[]                 10.9.9.1 bogus
pool no_such_key[]        | 10.9.9.1
`

// suiteProposals are words of proposals for IKE beyond those that are usual.
const suiteProposals = `
conn proposals[] aes256-sha256-x25519-esn aes256-sha256-x25519 default
	aes-sha1-modp1024 aes128ctr-sha384-ecp256 aes192-sha512-ecp384 3des-md5-modp768 camellia256-sha1_160-modp2048s256
	camellia128ctr-sha-modp1536 aes256gcm16-prfsha384-curve448 aes128gcm64-sha256-ecp521 aes256ccm16-prfsha512-x448
	aes192ccm96-prfaesxcbc-ecp224 aes128gmac-prfsha1-ecp192 chacha20poly1305-prfaescmac-modp4096
	blowfish256-aesxcbc-modp8192 serpent192-aescmac-modp6144 twofish128-camelliaxcbc-modp3072 cast128-md5_128-modp1024s160
	des-sha2_256-modp2048s224 null-sha2_384-ecp256bp aes256-sha256_96-prfmd5-ecp512bp aes256-sha2_512-ecp224bp
	aes256-aes128-sha256-sha384-x25519-ecp384bp aes256--sha256-x25519 aes256-sha256-x25519-modpnone
	camellia128ccm12-prfcamelliaxcbc-modpnull aes256-sha256-ntru128~6.0.0 aes256-sha256-newhope128~6.0.0
	aes256gcm-prfsha256-x25519@5.9.8 aes256-sha256-mlkem768@6.0.0 aes256-sha256-x25519-ke1_mlkem1024@6.0.0
	aes256-sha256-x25519-ke7_ecp256@6.0.0 aes256-sha256-x25519-ke1_mlkem512-ke1_none@6.0.0 |
	bogus aes256 aes256-sha256 aes256-x25519 sha256-x25519 aes256-prfsha256-x25519 aes256-sha256_96-x25519
	aes256gcm16-x25519 aes256gcm16-prfsha256 aes256gcm16-aes256-sha256-x25519 aes256-aes128gmac-x25519 aes256-sha256-none
	aes512-sha256-x25519 aesgcm-sha256-x25519 aes256-sha224-x25519 aes256-sha256-modp512 aes256-sha256-prfsha2_256-x25519
	aes256-sha256-x25519-ke0_ecp256 aes256-sha256-x25519-ke8_ecp256 aes256-sha256-ke1_ecp256 aes256-sha256-kyber768
	AES256-SHA256-X25519 aes256-sha256-x25519! default-aes256 esn
`

// A suiteOption is a key with values.
type suiteOption struct {
	section, key   string
	list           bool
	since          string
	taken, refused []suiteValue
}

// A suiteValue is a value with the releases that have it.
type suiteValue struct{ text, since, until string }

// parseOptions reads suiteOptions; lines that begin with a space continue the one before.
func parseOptions(t *testing.T) []suiteOption {
	t.Helper()
	var options []suiteOption
	table := strings.NewReplacer("\n ", " ", "\n\t", " ").Replace(suiteOptions + suiteProposals)
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		require.Greater(t, len(words), 2, line)
		o := suiteOption{section: words[0]}
		o.key, o.since, _ = strings.Cut(words[1], "@")
		o.key, o.list = strings.CutSuffix(o.key, "[]")
		values := &o.taken
		for _, word := range words[2:] {
			if word == "|" {
				values = &o.refused
				continue
			}
			*values = append(*values, o.value(word))
		}
		options = append(options, o)
	}
	return options
}

// value reads a value, which can have an @ in itself.
func (o *suiteOption) value(word string) suiteValue {
	v := suiteValue{text: word, since: o.since}
	if text, since, ok := strings.Cut(word, "@"); ok && strings.ContainsAny(since[:1], "56") {
		v.text, v.since = text, since
	}
	v.text, v.until, _ = strings.Cut(v.text, "~")
	return v
}

// has tells whether the daemon has what those releases have.
func (s *suite) has(t *testing.T, since, until string) bool {
	t.Helper()
	return (since == "" || s.since(parseRelease(t, since)...)) && (until == "" || !s.since(parseRelease(t, until)...))
}

func parseRelease(t *testing.T, text string) []int {
	t.Helper()
	var r [3]int
	_, err := fmt.Sscanf(text, "%d.%d.%d", &r[0], &r[1], &r[2])
	require.NoError(t, err, text)
	return r[:]
}

// suiteLoader builds requests of options.
type suiteLoader struct {
	session      *vici.Session
	placeholders map[string]string
}

func newSuiteLoader(t *testing.T, s *suite) *suiteLoader {
	t.Helper()
	certificate, _ := suiteCA(t)
	parsed, err := x509.ParseCertificate(certificate)
	require.NoError(t, err)
	return &suiteLoader{session: s.dial(t), placeholders: map[string]string{
		"CERTIFICATE": string(certificate), "PUBLICKEY": string(parsed.RawSubjectPublicKeyInfo),
	}}
}

// add adds an option with a value to the section that it belongs to.
func (l *suiteLoader) add(m *vici.Message, o *suiteOption, value string) {
	if text, ok := l.placeholders[value]; ok {
		value = text
	}
	if o.list {
		m.AddList(o.key, value)
		return
	}
	m.Add(o.key, value)
}

// load loads a connection, or a pool, that has nothing but one option.
func (l *suiteLoader) load(t *testing.T, o *suiteOption, value string) error {
	t.Helper()
	const name = "suite-option"
	section := new(vici.Message)
	l.add(section, o, value)
	if o.key == "mediated_by" {
		section.Add("mediation_peer", "m")
	}
	command := "load-conn"
	switch o.section {
	case "pool":
		command = "load-pool"
		section.Add("addrs", "10.9.9.0/24")
	case "auth":
		section = new(vici.Message).AddSection("local", section)
	case "child":
		section = new(vici.Message).AddSection("children", new(vici.Message).AddSection(name, section))
	}
	_, err := l.session.Call(suiteBound(t), command, new(vici.Message).AddSection(name, section))
	return err
}

// suiteEachOption loads each option by itself, with each of its values: the daemon takes those that its release has, and no
// others.
func suiteEachOption(t *testing.T, s *suite) {
	t.Helper()
	l := newSuiteLoader(t, s)
	for _, o := range parseOptions(t) {
		for _, v := range o.taken {
			err := l.load(t, &o, v.text)
			if s.has(t, v.since, v.until) {
				require.NoError(t, err, "%s %s=%s", o.section, o.key, v.text)
			} else {
				requireRefused(t, err, "%s %s=%s", o.section, o.key, v.text)
			}
		}
		for _, v := range o.refused {
			requireRefused(t, l.load(t, &o, v.text), "%s %s=%s", o.section, o.key, v.text)
		}
		l.requireForm(t, &o)
	}
	require.NoError(t, l.session.UnloadConn(suiteBound(t), "suite-option"))
	require.NoError(t, l.session.UnloadPool(suiteBound(t), "suite-option"))
}

// requireForm insists that a list is not taken for a value, nor a value for a list.
func (l *suiteLoader) requireForm(t *testing.T, o *suiteOption) {
	t.Helper()
	if len(o.taken) > 0 {
		other := *o
		other.list = !o.list
		requireRefused(t, l.load(t, &other, o.taken[0].text), "%s %s in the wrong form", o.section, o.key)
	}
}

// suiteEveryOption loads a connection with every key that the daemon's release has, by the typed method, and reads it back.
func suiteEveryOption(t *testing.T, s *suite) {
	t.Helper()
	ctx, l := suiteBound(t), newSuiteLoader(t, s)
	var conn vici.ConnConfig
	require.NoError(t, vici.Unmarshal(l.everything(t, s), &conn))
	require.Nil(t, conn.Extra, "keys without a field")
	conn.Name = "suite-everything"
	require.NoError(t, l.session.LoadConn(ctx, conn))
	all := collectAll(t, l.session.ListConns(ctx, vici.ListConnsRequest{IKE: conn.Name}))
	require.Len(t, all, 1)
	requireEverything(t, s, all[0])
	require.NoError(t, l.session.UnloadConn(ctx, conn.Name))
}

// everything is the content of a connection with the first value of each key.
func (l *suiteLoader) everything(t *testing.T, s *suite) *vici.Message {
	t.Helper()
	sections := make(map[string]*vici.Message)
	for _, section := range []string{"conn", "auth", "child", "pool"} {
		sections[section] = new(vici.Message)
	}
	for _, o := range parseOptions(t) {
		if len(o.taken) > 0 && s.has(t, o.since, "") {
			l.add(sections[o.section], &o, o.taken[0].text)
		}
	}
	rounds := func(end string) {
		sections["conn"].AddSection(end+"-1", sections["auth"]).
			AddSection(end+"-2", keyed("auth", "eap-7-1234", "round", "3")).
			AddSection(end+"-3", keyed("auth", "xauth-pam", "round", "4"))
	}
	rounds("local")
	rounds("remote")
	return sections["conn"].AddSection("children", new(vici.Message).AddSection("suite-everything", sections["child"]))
}

func requireEverything(t *testing.T, s *suite, c *vici.Conn) {
	t.Helper()
	require.Equal(t, "UNIQUE_REPLACE", c.Unique)
	require.Equal(t, "suite@example", c.PPKID)
	require.True(t, c.PPKRequired)
	require.Len(t, c.Local, 3)
	for _, rounds := range [][]vici.Auth{c.Local, c.Remote} {
		require.Equal(t, "public key", rounds[0].Class)
		require.Equal(t, "GOOD", rounds[0].Revocation)
		require.Equal(t, []string{"CN=suite CA"}, rounds[0].CACerts)
		require.Equal(t, []string{"1.2.3"}, rounds[0].CertPolicies)
		require.Equal(t, "(7)/1234", rounds[1].EAPType+"/"+rounds[1].EAPVendor)
		require.Equal(t, "XAuth/pam", rounds[2].Class+"/"+rounds[2].XAuth)
	}
	child := c.Children[0]
	require.Equal(t, "eth0", child.Interface)
	require.Equal(t, vici.Some[uint32](17), child.Priority)
	require.Equal(t, vici.Some[uint64](1<<30), child.RekeyBytes)
	if s.since(5, 9, 6) {
		require.Equal(t, "73797374656d5f753a6f626a6563745f723a69707365635f7370645f743a733000", child.Label)
	}
	if s.since(6, 1, 0) {
		require.Equal(t, []vici.Proposal{{
			Index: "0", Encryption: []string{"AES_CBC_256"}, Integrity: []string{"HMAC_SHA2_256_128"}, KeyExchange: []string{"CURVE_25519"},
			ESN: []string{"NO_EXT_SEQ"},
		}}, child.ESPProposals)
		require.Equal(t, []string{"EXT_SEQ"}, c.Proposals[0].ESN)
		require.Equal(t, []vici.Proposal{{
			Index: "0", Integrity: []string{"HMAC_SHA2_256_128"}, KeyExchange: []string{"CURVE_25519"},
			ESN: []string{"NO_EXT_SEQ"},
		}}, child.AHProposals)
	}
}

// suiteCertSources names files and tokens that are not there. The daemon says so, which it does not of keys that it does
// not know.
func suiteCertSources(t *testing.T, s *suite) {
	t.Helper()
	session := s.dial(t)
	refusal := func(keys ...string) string {
		local := new(vici.Message).AddSection("cacert-1", keyed(keys...))
		_, err := session.Call(suiteBound(t), "load-conn",
			new(vici.Message).AddSection("suite-option", new(vici.Message).AddSection("local", local)))
		var refused *vici.CommandError
		require.ErrorAs(t, err, &refused)
		return refused.Message
	}
	require.Contains(t, refusal("file", "/suite/nobody-has-it.pem"), "unable to load")
	require.Contains(t, refusal("handle", "0a", "slot", "0", "module", "suite"), "unable to load")
	require.Contains(t, refusal("handle", "0a", "slot", "bogus"), "invalid value")
	require.Contains(t, refusal("handle", "0a", "no_such_key", "1"), "unknown option")
	require.Contains(t, refusal("slot", "0"), "missing")
}

// TestSuiteHasEveryKey holds that the suite loads each key that the configurations have, so that its spelling is compared with
// that of daemons.
func TestSuiteHasEveryKey(t *testing.T) {
	keys := make(map[string][]string)
	for _, o := range parseOptions(t) {
		if len(o.taken) > 0 {
			keys[o.section] = append(keys[o.section], o.key)
		}
	}
	elsewhere := []string{"local*", "remote*", "children", "cert*", "cacert*", "addrs"}
	for section, config := range map[string]reflect.Type{
		"conn": reflect.TypeFor[vici.ConnConfig](), "auth": reflect.TypeFor[vici.AuthConfig](),
		"child": reflect.TypeFor[vici.ChildConfig](), "pool": reflect.TypeFor[vici.PoolConfig](),
	} {
		for _, f := range reflect.VisibleFields(config) {
			if tag := f.Tag.Get("vici"); !strings.HasPrefix(tag, ",") && !slices.Contains(elsewhere, tag) {
				require.Contains(t, keys[section], tag)
			}
		}
	}
}
