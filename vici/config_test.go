// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// TestConfigKeys compares the fields of configurations with the keys that daemons up to 6.1.0 accept.
func TestConfigKeys(t *testing.T) {
	for _, c := range []struct {
		config reflect.Type
		keys   string
	}{
		{reflect.TypeFor[vici.ConnConfig](), `local_addrs remote_addrs local_port remote_port proposals vips version aggressive pull dscp
			encap mobike dpd_delay dpd_timeout fragmentation childless send_certreq send_cert ocsp ppk_id ppk_required keyingtries
			unique reauth_time rekey_time over_time rand_time pools if_id_in if_id_out mediation mediated_by mediation_peer
			local* remote* children`},
		{reflect.TypeFor[vici.AuthConfig](), `auth id aaa_id ca_id eap_id xauth_id revocation round groups certs cacerts pubkeys
			cert_policy cert* cacert*`},
		{reflect.TypeFor[vici.CertSource](), `handle slot module file`},
		{reflect.TypeFor[vici.ChildConfig](), `ah_proposals esp_proposals local_ts remote_ts updown hostaccess mode policies
			policies_fwd_out replay_window rekey_time life_time rand_time rekey_bytes life_bytes rand_bytes rekey_packets life_packets
			rand_packets start_action close_action dpd_action ipcomp inactivity reqid mark_in mark_out mark_in_sa set_mark_in
			set_mark_out if_id_in if_id_out label label_mode tfc_padding priority interface hw_offload sha256_96 copy_df copy_ecn
			copy_dscp per_cpu_sas icmp`},
		{reflect.TypeFor[vici.AuthorityConfig](), `cacert cert_uri_base crl_uris ocsp_uris file handle slot module`},
		{reflect.TypeFor[vici.PoolConfig](), `addrs address dns nbns dhcp netmask server subnet split_include split_exclude p_cscf`},
	} {
		var tags []string
		for _, f := range reflect.VisibleFields(c.config) {
			if tag := f.Tag.Get("vici"); !strings.HasPrefix(tag, ",") {
				tags = append(tags, tag)
			}
		}
		slices.Sort(tags)
		require.Equal(t, slices.Sorted(slices.Values(strings.Fields(c.keys))), tags, c.config)
	}
}

// TestLoadConnForms sends a value of each form: what is set, what is absent, and what is set to zero.
func TestLoadConnForms(t *testing.T) {
	conn := vici.ConnConfig{
		Name: "gw", Version: vici.Some[uint8](2), LocalAddrs: []string{"192.0.2.1", "%any"}, RemotePort: vici.Some[uint16](4500),
		Encap: true, MOBIKE: vici.Some(false), DPDDelay: 30 * time.Second, KeyingTries: vici.Some[uint32](0),
		RekeyTime: vici.Some[time.Duration](0), ReauthTime: vici.Some(3 * time.Hour),
		Local: []vici.AuthConfig{
			{Auth: "pubkey", Certs: [][]byte{{0x30, 0}, {0x30, 0xff}}, CertSources: []vici.CertSource{{Name: "cert1", File: "/a.pem"}}},
			{Name: "local-xauth", Auth: "xauth", Round: vici.Some[uint32](2)},
		},
		Remote: []vici.AuthConfig{{CACertSources: []vici.CertSource{{Name: "cacert1", Handle: "0a", Slot: vici.Some[uint32](0)}}}},
		Children: []vici.ChildConfig{
			{Name: "net", RekeyBytes: vici.Some[uint64](1 << 40), Policies: vici.Some(false), StartAction: "trap"},
			{Name: "lan", Mode: "pass", Extra: new(vici.Message).Add("new_key", "1")},
		},
		Extra: new(vici.Message).Add("quantum", "yes"),
	}
	server, s := yes(t)
	require.NoError(t, s.LoadConn(t.Context(), conn))
	require.Equal(t, "{gw {version=2 local_addrs=[192.0.2.1 %any] remote_port=4500 encap=yes mobike=no dpd_delay=30 keyingtries=0"+
		" reauth_time=10800 rekey_time=0"+
		" local-1 {auth=pubkey certs=[0\x00 0\xff] cert1 {file=/a.pem}} local-xauth {round=2 auth=xauth}"+
		" remote-1 {cacert1 {handle=0a slot=0}}"+
		" children {net {start_action=trap rekey_bytes=1099511627776 policies=no} lan {mode=pass new_key=1}}"+
		" quantum=yes}}", server.Requests("load-conn")[0].String())
	require.Empty(t, conn.Local[0].Name, "the caller's configuration is not changed")
}

// TestLoadConnNames numbers what has no name: a section without one is refused by the daemon.
func TestLoadConnNames(t *testing.T) {
	sources := []vici.CertSource{{File: "/a.pem"}, {Name: "cert-ec", File: "/b.pem"}, {File: "/c.pem"}}
	conn := vici.ConnConfig{
		Name:  "gw",
		Local: []vici.AuthConfig{{CertSources: sources}, {Name: "LOCAL-second"}},
		Remote: []vici.AuthConfig{
			{}, {CertSources: sources[:1], CACertSources: []vici.CertSource{{Handle: "0a"}, {Handle: "0b"}}},
		},
	}
	server, s := yes(t)
	require.NoError(t, s.LoadConn(t.Context(), conn))
	require.Equal(t, "{gw {local-1 {cert-1 {file=/a.pem} cert-ec {file=/b.pem} cert-3 {file=/c.pem}} LOCAL-second {}"+
		" remote-1 {} remote-2 {cert-1 {file=/a.pem} cacert-1 {handle=0a} cacert-2 {handle=0b}}}}", server.Requests("load-conn")[0].String())
	require.Empty(t, sources[0].Name, "the caller's configuration is not changed")
}

// TestLoadConnMisnamed sends no section under a name that makes it something else.
func TestLoadConnMisnamed(t *testing.T) {
	for path, conn := range map[string]vici.ConnConfig{
		"gw.remote-9": {Local: []vici.AuthConfig{{}, {Name: "remote-9"}}},
		"gw.local":    {Remote: []vici.AuthConfig{{Name: "local"}}},
		"gw.mine":     {Local: []vici.AuthConfig{{Name: "mine"}}},
		"gw.local-2.cacert1": {
			Local: []vici.AuthConfig{{}, {CertSources: []vici.CertSource{{Name: "cacert1", File: "/a.pem"}}}},
		},
		"gw.remote.cert": {
			Remote: []vici.AuthConfig{{Name: "remote", CACertSources: []vici.CertSource{{Name: "cert", File: "/a.pem"}}}},
		},
	} {
		t.Run(path, func(t *testing.T) {
			server, s := yes(t)
			conn.Name = "gw"
			err := s.LoadConn(t.Context(), conn)
			var field *vici.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, path, field.Path)
			require.ErrorContains(t, err, "vici: call load-conn (")
			require.ErrorContains(t, err, "the name must begin with")
			require.Empty(t, server.Observe().Commands)
		})
	}
}
