// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A typedCommand is a command of the protocol and the method that stands for it.
type typedCommand struct {
	name    string
	since   string
	method  string
	call    func(context.Context, *vici.Session) error
	request string // what call sends, as Message.String shows it
	capture string // a recording, or
	reason  string // why there is none
}

// Reasons for commands without a recording.
const (
	changes = "it changes the daemon; the recordings were made by a reader"
	nothing = "its answer holds nothing but success, which other recordings show"
)

// typedCommands lists every command that daemons up to 6.1.0 have.
func typedCommands() []typedCommand {
	return slices.Concat(readingCommands(), controlCommands(), loadingCommands(), unloadingCommands())
}

func readingCommands() []typedCommand {
	id := vici.Some(uint32(7))
	return []typedCommand{
		{
			name: "version", since: "5.2.0", method: "Version", request: "{}", capture: "version",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.Version(ctx)) },
		},
		{
			name: "stats", since: "5.2.0", method: "Stats", request: "{}", capture: "stats",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.Stats(ctx)) },
		},
		{
			name: "list-sas", since: "5.2.0", method: "ListSAs", capture: "list-sas",
			request: "{noblock=yes ike=gw ike-id=7 child=net child-id=7}",
			call: func(ctx context.Context, s *vici.Session) error {
				return drain(s.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true, IKE: "gw", IKEID: id, Child: "net", ChildID: id}))
			},
		},
		{
			name: "list-policies", since: "5.2.0", method: "ListPolicies", capture: "list-policies",
			request: "{drop=yes pass=yes trap=yes child=net ike=gw}",
			call: func(ctx context.Context, s *vici.Session) error {
				return drain(s.ListPolicies(ctx, vici.ListPoliciesRequest{Drop: true, Pass: true, Trap: true, Child: "net", IKE: "gw"}))
			},
		},
		{
			name: "list-conns", since: "5.2.0", method: "ListConns", request: "{ike=gw}", capture: "list-conns",
			call: func(ctx context.Context, s *vici.Session) error {
				return drain(s.ListConns(ctx, vici.ListConnsRequest{IKE: "gw"}))
			},
		},
		{
			name: "get-conns", since: "5.2.0", method: "ConnNames", request: "{}", capture: "get-conns",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.ConnNames(ctx)) },
		},
		{
			name: "list-certs", since: "5.2.0", method: "ListCerts", capture: "list-certs",
			request: "{type=X509 flag=CA subject=C=CH, CN=Root}",
			call: func(ctx context.Context, s *vici.Session) error {
				return drain(s.ListCerts(ctx, vici.ListCertsRequest{Type: vici.CertX509, Flag: vici.CertFlagCA, Subject: "C=CH, CN=Root"}))
			},
		},
		{
			name: "list-authorities", since: "5.3.3", method: "ListAuthorities", request: "{name=ca}", capture: "list-authorities",
			call: func(ctx context.Context, s *vici.Session) error {
				return drain(s.ListAuthorities(ctx, vici.ListAuthoritiesRequest{Name: "ca"}))
			},
		},
		{
			name: "get-authorities", since: "5.3.3", method: "AuthorityNames", request: "{}", capture: "get-authorities",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.AuthorityNames(ctx)) },
		},
		{
			name: "get-keys", since: "5.5.2", method: "KeyIDs", request: "{}", capture: "get-keys",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.KeyIDs(ctx)) },
		},
		{
			name: "get-shared", since: "5.5.2", method: "SharedIDs", request: "{}", capture: "get-shared",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.SharedIDs(ctx)) },
		},
		{
			name: "get-pools", since: "5.2.0", method: "Pools", request: "{leases=yes name=rw}", capture: "get-pools",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.Pools(ctx, vici.PoolsRequest{Leases: true, Name: "rw"}))
			},
		},
		{
			name: "get-algorithms", since: "5.4.0", method: "Algorithms", request: "{}", capture: "get-algorithms",
			call: func(ctx context.Context, s *vici.Session) error { return second(s.Algorithms(ctx)) },
		},
		{
			name: "get-counters", since: "5.6.1", method: "Counters", request: "{name= all=yes}", capture: "get-counters",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.Counters(ctx, vici.CountersRequest{Name: vici.Some(""), All: true}))
			},
		},
		{
			name: "reset-counters", since: "5.6.1", method: "ResetCounters", request: "{name=gw}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error {
				return s.ResetCounters(ctx, vici.CountersRequest{Name: vici.Some("gw")})
			},
		},
	}
}

func controlCommands() []typedCommand {
	id := vici.Some(uint32(7))
	return []typedCommand{
		{
			name: "reload-settings", since: "5.2.1", method: "ReloadSettings", request: "{}", reason: nothing,
			call: func(ctx context.Context, s *vici.Session) error { return s.ReloadSettings(ctx) },
		},
		{
			name: "initiate", since: "5.2.0", method: "Initiate", capture: "initiate-control-log",
			request: "{child=net ike=gw init-limits=yes loglevel=-1 timeout=1501}",
			call: func(ctx context.Context, s *vici.Session) error {
				return s.Initiate(ctx, vici.InitiateRequest{
					Child: "net", IKE: "gw", InitLimits: true, LogLevel: vici.Some(-1), Timeout: 1500*time.Millisecond + 1,
				}, nil)
			},
		},
		{
			name: "terminate", since: "5.2.0", method: "Terminate", reason: changes,
			request: "{child=net ike=gw child-id=7 ike-id=7 force=yes loglevel=2 timeout=-1}",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.Terminate(ctx, vici.TerminateRequest{
					Child: "net", IKE: "gw", ChildID: id, IKEID: id, Force: true, LogLevel: vici.Some(2), Timeout: vici.NoWait,
				}, func(*vici.ControlLog) {}))
			},
		},
		{
			name: "rekey", since: "5.5.2", method: "Rekey", reason: changes,
			request: "{child=net ike=gw child-id=7 ike-id=7 reauth=yes}",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.Rekey(ctx, vici.RekeyRequest{Child: "net", IKE: "gw", ChildID: id, IKEID: id, Reauth: true}))
			},
		},
		{
			name: "redirect", since: "5.4.0", method: "Redirect", reason: changes,
			request: "{gateway=192.0.2.9 ike=gw ike-id=7 peer-ip=192.0.2.0/24 peer-id=*@example.org}",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.Redirect(ctx, vici.RedirectRequest{
					Gateway: "192.0.2.9", IKE: "gw", IKEID: id, PeerIP: "192.0.2.0/24", PeerID: "*@example.org",
				}))
			},
		},
		{
			name: "install", since: "5.2.0", method: "Install", request: "{child=net ike=gw}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error {
				return s.Install(ctx, vici.InstallRequest{Child: "net", IKE: "gw"})
			},
		},
		{
			name: "uninstall", since: "5.2.0", method: "Uninstall", request: "{child=net}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error {
				return s.Uninstall(ctx, vici.InstallRequest{Child: "net"})
			},
		},
	}
}

func loadingCommands() []typedCommand {
	return []typedCommand{
		{
			name: "load-conn", since: "5.2.0", method: "LoadConn", reason: changes,
			request: "{gw {remote_addrs=[192.0.2.2] local-1 {auth=psk} remote-1 {auth=psk id=sun} children {net {remote_ts=[10.2.0.0/16]}}}}",
			call: func(ctx context.Context, s *vici.Session) error {
				return s.LoadConn(ctx, vici.ConnConfig{
					Name: "gw", RemoteAddrs: []string{"192.0.2.2"},
					Local:    []vici.AuthConfig{{Auth: "psk"}},
					Remote:   []vici.AuthConfig{{Auth: "psk", ID: "sun"}},
					Children: []vici.ChildConfig{{Name: "net", RemoteTS: []string{"10.2.0.0/16"}}},
				})
			},
		},
		{
			name: "load-cert", since: "5.2.0", method: "LoadCert", request: "{type=X509 flag=CA data=DER}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error {
				return s.LoadCert(ctx, vici.LoadCertRequest{Type: vici.CertX509, Flag: vici.CertFlagCA, Data: []byte("DER")})
			},
		},
		{
			name: "load-key", since: "5.2.0", method: "LoadKey", request: "{type=any data=DER}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.LoadKey(ctx, vici.LoadKeyRequest{Type: "any", Data: []byte("DER")}))
			},
		},
		{
			name: "load-token", since: "5.5.2", method: "LoadToken", reason: changes,
			request: "{handle=0a slot=0 module=hsm pin=1234}",
			call: func(ctx context.Context, s *vici.Session) error {
				return second(s.LoadToken(ctx, vici.LoadTokenRequest{Handle: "0a", Slot: vici.Some[uint32](0), Module: "hsm", PIN: "1234"}))
			},
		},
		{
			name: "load-shared", since: "5.2.0", method: "LoadShared", reason: changes,
			request: "{id=psk type=ike data=secret owners=[moon sun]}",
			call: func(ctx context.Context, s *vici.Session) error {
				return s.LoadShared(ctx, vici.LoadSharedRequest{
					ID: "psk", Type: "ike", Data: []byte("secret"), Owners: []string{"moon", "sun"},
				})
			},
		},
		{
			name: "load-authority", since: "5.3.3", method: "LoadAuthority", reason: changes,
			request: "{ca {cacert=DER crl_uris=[http://192.0.2.1/crl]}}",
			call: func(ctx context.Context, s *vici.Session) error {
				return s.LoadAuthority(ctx, vici.AuthorityConfig{
					Name: "ca", CACert: []byte("DER"), CRLURIs: []string{"http://192.0.2.1/crl"},
				})
			},
		},
		{
			name: "load-pool", since: "5.2.0", method: "LoadPool", reason: changes,
			request: "{rw {addrs=10.3.0.0/24 dns=[192.0.2.53] 25=[192.0.2.54]}}",
			call: func(ctx context.Context, s *vici.Session) error {
				return s.LoadPool(ctx, vici.PoolConfig{
					Name: "rw", Addrs: "10.3.0.0/24", DNS: []string{"192.0.2.53"},
					Extra: new(vici.Message).AddList("25", "192.0.2.54"),
				})
			},
		},
	}
}

func unloadingCommands() []typedCommand {
	return []typedCommand{
		{
			name: "unload-conn", since: "5.2.0", method: "UnloadConn", request: "{name=}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.UnloadConn(ctx, "") },
		},
		{
			name: "unload-key", since: "5.5.2", method: "UnloadKey", request: "{id=0a0b}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.UnloadKey(ctx, "0a0b") },
		},
		{
			name: "unload-shared", since: "5.5.2", method: "UnloadShared", request: "{id=psk}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.UnloadShared(ctx, "psk") },
		},
		{
			name: "unload-authority", since: "5.3.3", method: "UnloadAuthority", request: "{name=ca}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.UnloadAuthority(ctx, "ca") },
		},
		{
			name: "unload-pool", since: "5.2.0", method: "UnloadPool", request: "{name=rw}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.UnloadPool(ctx, "rw") },
		},
		{
			name: "flush-certs", since: "5.5.1", method: "FlushCerts", request: "{type=X509_CRL}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.FlushCerts(ctx, vici.CertX509CRL) },
		},
		{
			name: "clear-creds", since: "5.2.0", method: "ClearCreds", request: "{}", reason: changes,
			call: func(ctx context.Context, s *vici.Session) error { return s.ClearCreds(ctx) },
		},
	}
}

func second[T any](_ T, err error) error { return err }

// drain reads a stream to its end.
func drain[T any](stream iter.Seq2[T, error]) error {
	for _, err := range stream {
		if err != nil {
			return err
		}
	}
	return nil
}
