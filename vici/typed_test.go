// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// scripted returns a session with a server whose command streams events and then gives an answer, and
// what the session's trace is told.
func scripted(
	t *testing.T, command, event string, answer *vici.Message, events ...*vici.Message,
) (s *vici.Session, rejected map[string]string) {
	t.Helper()
	server := vicitest.NewUnstartedServer(&vicitest.Mux{
		Commands: map[string]vicitest.Command{command: func(c *vicitest.Call) (*vici.Message, error) {
			for _, m := range events {
				if err := c.EventMessage(event, m); err != nil {
					return nil, err
				}
			}
			return answer, nil
		}},
		Events: []string{event},
	})
	t.Cleanup(server.Close)
	rejected = make(map[string]string)
	dialer := vici.Dialer{DialContext: server.Dial, Trace: &vici.Trace{
		Rejected: func(field, value string) { rejected[field] = value },
	}}
	s, err := dialer.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, rejected
}

// TestListConnsProposals decodes what 6.1.0 tells of proposals.
func TestListConnsProposals(t *testing.T) {
	proposal := new(vici.Message).AddList("encr", "AES_CBC_256").AddList("integ", "HMAC_SHA2_256_128").
		AddList("prf", "PRF_HMAC_SHA2_256").AddList("ke", "CURVE_25519").AddList("ake1", "ML_KEM_768").AddList("ake7", "ML_KEM_1024", "NONE")
	child := keyed("mode", "TUNNEL", "label", "6162", "interface", "eth0", "priority", "17").
		AddSection("esp_proposals", new(vici.Message).
			AddSection("0", new(vici.Message).AddList("encr", "AES_GCM_16_256").AddList("sn", "NO_EXT_SEQ", "EXT_SEQ")).
			AddSection("1", new(vici.Message).AddList("encr", "NULL"))).
		AddSection("ah_proposals", new(vici.Message).AddSection("0", new(vici.Message).AddList("integ", "AES_CMAC_96")))
	m := new(vici.Message).AddSection("gw", keyed("dpd_timeout", "150", "ppk_id", "ppk", "ppk_required", "yes").
		AddSection("proposals", new(vici.Message).AddSection("0", proposal)).
		AddSection("local-1", keyed("ca_id", "CN=CA", "aaa_id", "aaa", "xauth_id", "x", "eap-vendor", "9", "xauth", "pam").
			AddList("cert_policy", "1.2.3").AddList("groups", "vpn")).
		AddSection("local-2", keyed("class", "any")).
		AddSection("children", new(vici.Message).AddSection("net", child)))
	s, rejected := scripted(t, "list-conns", "list-conn", nil, m)
	n := 0
	for conn, err := range s.ListConns(t.Context(), vici.ListConnsRequest{}) {
		require.NoError(t, err)
		require.Equal(t, flattenJSON(asJSON(m)), flattenNamed(*conn))
		require.Equal(t, [7][]string{{"ML_KEM_768"}, 6: {"ML_KEM_1024", "NONE"}}, conn.Proposals[0].AdditionalKE())
		require.Equal(t, "local-2", conn.Local[1].Name)
		require.Equal(t, "1", conn.Children[0].ESPProposals[1].Index)
		n++
	}
	require.Equal(t, 1, n)
	require.Empty(t, rejected)
}

// TestListConnsOldRounds reads authentication rounds whatever follows the word in their sections' names, as they are in
// daemons before 5.3.0.
func TestListConnsOldRounds(t *testing.T) {
	s, rejected := scripted(t, "list-conns", "list-conn", nil, new(vici.Message).AddSection("gw",
		new(vici.Message).AddList("local_addrs", "%any").Add("local_port", "500").
			AddSection("local", keyed("id", "moon")).AddSection("remote-eap", keyed("class", "EAP"))))
	for conn, err := range s.ListConns(t.Context(), vici.ListConnsRequest{}) {
		require.NoError(t, err)
		require.Equal(t, []vici.Auth{{Name: "local", ID: "moon"}}, conn.Local)
		require.Equal(t, []vici.Auth{{Name: "remote-eap", Class: "EAP"}}, conn.Remote)
		require.Equal(t, []string{"%any"}, conn.LocalAddrs)
	}
	require.Empty(t, rejected)
}

// TestListPoliciesNames tells the child's name also where a daemon before 5.5.2 only names the section.
func TestListPoliciesNames(t *testing.T) {
	s, _ := scripted(t, "list-policies", "list-policy", nil,
		new(vici.Message).AddSection("bypass", keyed("mode", "PASS")),
		new(vici.Message).AddSection("gw/net", keyed("child", "net", "ike", "gw", "mode", "TUNNEL", "label", "6162")),
		new(vici.Message).AddSection("gw/", keyed("child", "", "ike", "gw", "mode", "DROP")))
	var got []vici.Policy
	for policy, err := range s.ListPolicies(t.Context(), vici.ListPoliciesRequest{Pass: true, Drop: true, Trap: true}) {
		require.NoError(t, err)
		got = append(got, *policy)
	}
	require.Equal(t, []vici.Policy{
		{Name: "bypass", Child: "bypass", Mode: "PASS"},
		{Name: "gw/net", Child: "net", IKE: "gw", Mode: "TUNNEL", Label: "6162"},
		{Name: "gw/", IKE: "gw", Mode: "DROP"},
	}, got)
}

// TestListCertsPublicKey decodes what only bare public keys have.
func TestListCertsPublicKey(t *testing.T) {
	s, rejected := scripted(t, "list-certs", "list-cert", nil,
		keyed("type", "PUBKEY", "data", "\x30\x00\xff", "subject", "moon", "not-before", "20261122182905Z", "not-after", "soon"))
	for cert, err := range s.ListCerts(t.Context(), vici.ListCertsRequest{}) {
		require.NoError(t, err)
		require.Equal(t, &vici.Cert{
			Type: vici.CertPublicKey, Data: []byte{0x30, 0, 0xff}, Subject: "moon",
			NotBefore: vici.Some(vici.CertTime{Time: time.Date(2026, time.November, 22, 18, 29, 5, 0, time.UTC)}),
		}, cert)
		text, err := cert.NotBefore.Or(vici.CertTime{}).MarshalText()
		require.NoError(t, err)
		require.Equal(t, "20261122182905Z", string(text))
	}
	require.Equal(t, map[string]string{"not-after": "soon"}, rejected)
}

// TestPoolsRejected leaves a base out that is no address, and nothing else.
func TestPoolsRejected(t *testing.T) {
	leases := new(vici.Message).AddSection("0", keyed("address", "10.3.0.1", "identity", "alice", "status", "online"))
	s, rejected := scripted(t, "get-pools", "", new(vici.Message).
		AddSection("rw", keyed("base", "10.3.0/24", "size", "14").AddSection("leases", leases)))
	got, err := s.Pools(t.Context(), vici.PoolsRequest{Leases: true})
	require.NoError(t, err)
	require.Equal(t, []vici.Pool{{
		Name: "rw", Size: vici.Some[uint32](14),
		Leases: []vici.Lease{{Index: "0", Address: netip.MustParseAddr("10.3.0.1"), Identity: "alice", Status: vici.LeaseOnline}},
	}}, got)
	require.Equal(t, map[string]string{"base": "10.3.0/24"}, rejected)
}

// TestUnknownFamilies keeps counters and kinds of algorithms of daemons to come.
func TestUnknownFamilies(t *testing.T) {
	s, _ := scripted(t, "get-counters", "", new(vici.Message).
		AddSection("counters", new(vici.Message).AddSection("", keyed("invalid", "1", "followup-ke-in-req", "2"))))
	all, err := s.Counters(t.Context(), vici.CountersRequest{})
	require.NoError(t, err)
	require.Equal(t, vici.Some[uint64](1), all[0].Invalid)
	require.Equal(t, "{followup-ke-in-req=2}", all[0].Extra.String())

	s, _ = scripted(t, "get-algorithms", "", new(vici.Message).
		AddSection("dh", keyed("MODP_2048", "gmp")).AddSection("teleporter", keyed("BEAM", "scotty")))
	algorithms, err := s.Algorithms(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"MODP_2048": "gmp"}, algorithms.KeyExchange)
	require.Equal(t, "{teleporter {BEAM=scotty}}", algorithms.Extra.String())
	require.Nil(t, algorithms.XOF)
}

// TestStatsHeaps decodes the heaps of a daemon on Windows.
func TestStatsHeaps(t *testing.T) {
	s, _ := scripted(t, "stats", "", new(vici.Message).AddSection("mem",
		keyed("total", "30", "allocs", "3").AddSection("C Runtime", keyed("total", "20", "allocs", "2"))))
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, vici.Some(vici.Mem{
		Total: vici.Some[uint64](30), Allocs: vici.Some[uint64](3),
		Heaps: []vici.Heap{{Name: "C Runtime", Total: vici.Some[uint64](20), Allocs: vici.Some[uint64](2)}},
	}), stats.Mem)
}

// TestControlLog hands the log over in order, and the result also with a refusal.
func TestControlLog(t *testing.T) {
	s, rejected := scripted(t, "terminate", "control-log",
		keyed("success", "no", "errmsg", "1 of 2 failed", "matches", "2", "terminated", "1"),
		keyed("group", "IKE", "level", "1", "ikesa-name", "gw", "ikesa-uniqueid", "7", "msg", "deleting\nit"),
		keyed("group", "NET", "level", "x", "msg", "sent"))
	var log []vici.ControlLog
	result, err := s.Terminate(t.Context(), vici.TerminateRequest{IKE: "gw"}, func(entry *vici.ControlLog) {
		log = append(log, *entry)
	})
	var refused *vici.CommandError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "1 of 2 failed", refused.Message)
	require.Equal(t, vici.TerminateResult{Matches: vici.Some[uint32](2), Terminated: vici.Some[uint32](1)}, result)
	require.Equal(t, []vici.ControlLog{
		{LogEntry: vici.LogEntry{
			Group: "IKE", Level: vici.Some[uint32](1), IKEName: "gw", IKEID: vici.Some[uint32](7), Message: "deleting\nit",
		}},
		{LogEntry: vici.LogEntry{Group: "NET", Message: "sent"}},
	}, log)
	require.Equal(t, map[string]string{"level": "x"}, rejected)
	require.NoError(t, s.Err())
}

// TestControlLogMalformed leaves out a line that cannot be read, hands over the others, and reports it when the command has
// ended, unless there is worse to report.
func TestControlLogMalformed(t *testing.T) {
	refused := keyed("success", "no", "errmsg", "1 of 2 failed", "terminated", "1")
	for name, answer := range map[string]*vici.Message{"done": keyed("success", "yes", "terminated", "1"), "refused": refused} {
		t.Run(name, func(t *testing.T) {
			server, s := muttering(t, answer)
			var log []string
			result, err := s.Terminate(t.Context(), vici.TerminateRequest{IKE: "gw"}, func(l *vici.ControlLog) {
				log = append(log, l.Message)
			})
			if name == "done" {
				require.ErrorIs(t, err, vici.ErrMalformed)
				require.ErrorContains(t, err, "vici: call terminate (")
				require.ErrorContains(t, err, "event control-log: ")
			} else {
				var commandErr *vici.CommandError
				require.ErrorAs(t, err, &commandErr)
			}
			require.Equal(t, []string{"before", "after"}, log)
			require.Equal(t, vici.Some[uint32](1), result.Terminated)
			version, err := s.Version(t.Context())
			require.NoError(t, err, "the session knows where it stands")
			require.Equal(t, "6.0.6", version.Version)
			require.Empty(t, server.Observe().Registrations)
		})
	}
}

// muttering returns a session with a server whose terminate command says two lines, with two others between them that cannot
// be read.
func muttering(t *testing.T, answer *vici.Message) (*vicitest.Server, *vici.Session) {
	t.Helper()
	garbled, err := vici.AppendPacket(nil, vici.EventPacket, "control-log", []byte{byte(vici.SectionEnd)})
	require.NoError(t, err)
	server := vicitest.NewUnstartedServer(&vicitest.Mux{
		Commands: map[string]vicitest.Command{
			"terminate": func(c *vicitest.Call) (*vici.Message, error) {
				return answer, errors.Join(c.EventMessage("control-log", key("msg", "before")), c.Raw(garbled), c.Raw(garbled),
					c.EventMessage("control-log", key("msg", "after")))
			},
			"version": vicitest.Answer(keyed("version", "6.0.6")),
		},
		Events: []string{"control-log"},
	})
	t.Cleanup(server.Close)
	s, err := (&vici.Dialer{DialContext: server.Dial}).Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return server, s
}

// TestTypedTooLong refuses, before anything is sent, what a message cannot hold.
func TestTypedTooLong(t *testing.T) {
	s, _ := scripted(t, "load-cert", "", keyed("success", "yes"))
	tooLong := make([]byte, vici.MaxValue+1)
	require.ErrorIs(t, s.LoadCert(t.Context(), vici.LoadCertRequest{Data: tooLong}), vici.ErrTooLarge)
	var op *vici.OpError
	require.ErrorAs(t, s.LoadConn(t.Context(), vici.ConnConfig{Name: "gw", DPDDelay: time.Millisecond}), &op)
	require.Equal(t, "load-conn", op.Name)
	require.NoError(t, s.LoadCert(t.Context(), vici.LoadCertRequest{Data: tooLong[1:]}))
}

// TestTypedMalformed reports answers and events that are no messages, and goes on.
func TestTypedMalformed(t *testing.T) {
	garbage := []byte{byte(vici.SectionEnd)}
	event, err := vici.AppendPacket(nil, vici.EventPacket, "list-conn", garbage)
	require.NoError(t, err)
	server := vicitest.NewUnstartedServer(&vicitest.Mux{
		Commands: map[string]vicitest.Command{
			"list-conns": func(c *vicitest.Call) (*vici.Message, error) { return nil, c.Raw(event) },
			"get-pools":  vicitest.Answer(nil),
			"get-conns":  vicitest.Answer(new(vici.Message).AddList("conns", "gw")),
		},
		Events: []string{"list-conn"},
	})
	t.Cleanup(server.Close)
	server.Fault("get-pools", vicitest.OnAnswer(vicitest.Malformed()))
	s, err := (&vici.Dialer{DialContext: server.Dial}).Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })

	_, err = s.Pools(t.Context(), vici.PoolsRequest{})
	require.ErrorIs(t, err, vici.ErrMalformed)
	require.ErrorIs(t, drain(s.ListConns(t.Context(), vici.ListConnsRequest{})), vici.ErrMalformed)
	names, err := s.ConnNames(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"gw"}, names)
}

// TestListLeftEarly leaves each listing at its first element and uses the session again.
func TestListLeftEarly(t *testing.T) {
	daemon := gateway()
	t.Cleanup(daemon.Close)
	s, err := vici.Dial(t.Context(), daemon.Address())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for range 3 {
		for conn, err := range s.ListConns(t.Context(), vici.ListConnsRequest{}) {
			require.NoError(t, err)
			require.Equal(t, "gw-gw", conn.Name)
			break
		}
		for sa, err := range s.ListSAs(t.Context(), vici.ListSAsRequest{}) {
			require.NoError(t, err)
			require.Equal(t, "gw-gw", sa.Name)
			break
		}
	}
	require.Empty(t, daemon.Observe().Registrations)
}
