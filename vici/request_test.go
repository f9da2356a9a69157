// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Each of these would select more, do something else, or be refused with a riddle, since the daemon takes a text that is not
// printable ASCII for missing, and an id of 0 too.
func illegibleRequests() map[string]func(context.Context, *vici.Session) error {
	zero := vici.Some[uint32](0)
	return map[string]func(context.Context, *vici.Session) error{
		"terminate child": func(ctx context.Context, s *vici.Session) error {
			return second(s.Terminate(ctx, vici.TerminateRequest{IKE: "gw", Child: "nét"}, nil))
		},
		"terminate child-id": func(ctx context.Context, s *vici.Session) error {
			return second(s.Terminate(ctx, vici.TerminateRequest{IKE: "gw", ChildID: zero}, nil))
		},
		"rekey ike-id": func(ctx context.Context, s *vici.Session) error {
			return second(s.Rekey(ctx, vici.RekeyRequest{Child: "net", IKEID: zero}))
		},
		"redirect peer-id": func(ctx context.Context, s *vici.Session) error {
			return second(s.Redirect(ctx, vici.RedirectRequest{Gateway: "192.0.2.9", IKE: "gw", PeerID: "*@exämple.org"}))
		},
		"initiate child": func(ctx context.Context, s *vici.Session) error {
			return s.Initiate(ctx, vici.InitiateRequest{IKE: "gw", Child: "ü"}, func(*vici.ControlLog) {})
		},
		"list-sas ike": func(ctx context.Context, s *vici.Session) error {
			return drain(s.ListSAs(ctx, vici.ListSAsRequest{IKE: "münchen"}))
		},
		"list-policies child": func(ctx context.Context, s *vici.Session) error {
			return drain(s.ListPolicies(ctx, vici.ListPoliciesRequest{Trap: true, Child: "a\tb"}))
		},
		"get-counters name": func(ctx context.Context, s *vici.Session) error {
			return drain(s.CountersOf(ctx, []string{"gw", "münchen"}))
		},
		"reset-counters name": func(ctx context.Context, s *vici.Session) error {
			return s.ResetCounters(ctx, vici.CountersRequest{Name: vici.Some("münchen")})
		},
		"flush-certs type": func(ctx context.Context, s *vici.Session) error { return s.FlushCerts(ctx, "X509\x00") },
		"load-shared id": func(ctx context.Context, s *vici.Session) error {
			return s.LoadShared(ctx, vici.LoadSharedRequest{ID: "schlüssel", Type: "ike", Data: []byte("secret")})
		},
		"load-shared owners": func(ctx context.Context, s *vici.Session) error {
			return s.LoadShared(ctx, vici.LoadSharedRequest{Type: "ike", Data: []byte("secret"), Owners: []string{"moon", "s\x7fn"}})
		},
		"load-token pin": func(ctx context.Context, s *vici.Session) error {
			return second(s.LoadToken(ctx, vici.LoadTokenRequest{Handle: "0a", PIN: "gehüim"}))
		},
		"load-pool rw\n": func(ctx context.Context, s *vici.Session) error {
			return s.LoadPool(ctx, vici.PoolConfig{Name: "rw\n", Addrs: "10.3.0.0/24"})
		},
		"load-conn gw.local-1.id": func(ctx context.Context, s *vici.Session) error {
			return s.LoadConn(ctx, vici.ConnConfig{Name: "gw", Local: []vici.AuthConfig{{ID: "CN=Müller"}}})
		},
	}
}

// TestRequestIllegible sends nothing that the daemon would read as something else.
func TestRequestIllegible(t *testing.T) {
	for name, call := range illegibleRequests() {
		t.Run(name, func(t *testing.T) {
			server, s := yes(t)
			err := call(t.Context(), s)
			var op *vici.OpError
			var field *vici.FieldError
			require.ErrorAs(t, err, &op)
			require.ErrorAs(t, err, &field)
			require.Equal(t, name, op.Name+" "+field.Path)
			require.ErrorContains(t, err, "the daemon would take")
			require.NotContains(t, err.Error(), "geh", "a secret")
			require.Empty(t, server.Observe().Commands)
			require.NoError(t, s.Err(), "the session goes on")
		})
	}
}

// TestRequestBytes leaves what is not text as it is, and what this package does not know.
func TestRequestBytes(t *testing.T) {
	server, s := yes(t)
	secret := []byte("schlüssel\x00")
	require.NoError(t, s.LoadShared(t.Context(), vici.LoadSharedRequest{Type: "ike", Data: secret}))
	require.NoError(t, s.LoadConn(t.Context(), vici.ConnConfig{
		Name:  "gw",
		Local: []vici.AuthConfig{{Certs: [][]byte{{0x30, 0xff}}, Extra: new(vici.Message).AddList("new", "\xff")}},
	}))
	require.Equal(t, "{type=ike data=schlüssel\x00}", server.Requests("load-shared")[0].String())
	require.Equal(t, "{gw {local-1 {certs=[\x30\xff] new=[\xff]}}}", server.Requests("load-conn")[0].String())
	require.NoError(t, second(s.Call(t.Context(), "list-conns", key("ike", "ü"))), "a message is sent as it is")
}

// TestTerminateIllegible is what the refusal is for.
func TestTerminateIllegible(t *testing.T) {
	daemon := gateway()
	t.Cleanup(daemon.Close)
	s, err := vici.Dial(t.Context(), daemon.Address())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	before := len(collectAll(t, s.ListSAs(t.Context(), vici.ListSAsRequest{})))
	require.Positive(t, before)
	for _, request := range []vici.TerminateRequest{{IKE: "gw-gw", Child: "nét"}, {IKE: "gw-gw", ChildID: vici.Some[uint32](0)}} {
		_, err := s.Terminate(t.Context(), request, nil)
		require.Error(t, err)
		require.Len(t, collectAll(t, s.ListSAs(t.Context(), vici.ListSAsRequest{})), before, "one CHILD_SA was meant, not the IKE_SA")
	}
}
