// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

// LoadConn gives the daemon a connection (command load-conn, since 5.2.0). One with the same name that was loaded
// over VICI is updated or replaced. Children with a start action are started.
func (s *Session) LoadConn(ctx context.Context, conn ConnConfig) error {
	if err := conn.setNames(); err != nil {
		return s.opError("call", "load-conn", err)
	}
	request := struct {
		Conns []ConnConfig `vici:"*"`
	}{[]ConnConfig{conn}}
	return s.callInto(ctx, "load-conn", request, nil)
}

// UnloadConn removes a connection that was loaded over VICI (command unload-conn, since 5.2.0).
func (s *Session) UnloadConn(ctx context.Context, name string) error {
	return s.callInto(ctx, "unload-conn", byName{Some(name)}, nil)
}

// An AuthorityConfig is a certification authority as [Session.LoadAuthority] takes it. The certificate is one of
// CACert, File and Handle.
type AuthorityConfig struct {
	Name   string `vici:",name"`
	CACert []byte `vici:"cacert"` // the certificate, PEM or DER
	File   string `vici:"file"`   // path of it, as the daemon sees it; since 5.5.2

	Handle string      `vici:"handle"` // of it on a token (CKA_ID), in hex digits; since 5.5.2
	Slot   Opt[uint32] `vici:"slot"`   // of the token; absent means any; since 5.5.2
	Module string      `vici:"module"` // name of the PKCS#11 module; empty means any; since 5.5.2

	CRLURIs     []string `vici:"crl_uris"`      // where revocation lists are
	OCSPURIs    []string `vici:"ocsp_uris"`     // whom to ask about revocation
	CertURIBase string   `vici:"cert_uri_base"` // where certificates can be had by their hash

	Extra *Message `vici:",rest"` // keys that this package does not know
}

// LoadAuthority tells the daemon about a certification authority (command load-authority, since 5.3.3). One with the
// same name is replaced.
func (s *Session) LoadAuthority(ctx context.Context, authority AuthorityConfig) error {
	request := struct {
		Authorities []AuthorityConfig `vici:"*"`
	}{[]AuthorityConfig{authority}}
	return s.callInto(ctx, "load-authority", request, nil)
}

// UnloadAuthority removes a certification authority that was loaded over VICI (command unload-authority, since
// 5.3.3).
func (s *Session) UnloadAuthority(ctx context.Context, name string) error {
	return s.callInto(ctx, "unload-authority", byName{Some(name)}, nil)
}

// A PoolConfig is a pool of virtual IP addresses and other attributes for peers as [Session.LoadPool] takes it.
// Attributes are addresses, for some types subnets too.
type PoolConfig struct {
	Name         string   `vici:",name"`
	Addrs        string   `vici:"addrs"` // a subnet such as "10.3.0.0/24", or a range such as "10.3.0.1-10.3.0.9"
	Address      []string `vici:"address"`
	DNS          []string `vici:"dns"`
	NBNS         []string `vici:"nbns"`
	DHCP         []string `vici:"dhcp"`
	Netmask      []string `vici:"netmask"`
	Server       []string `vici:"server"`
	Subnet       []string `vici:"subnet"`
	SplitInclude []string `vici:"split_include"`
	SplitExclude []string `vici:"split_exclude"`
	PCSCF        []string `vici:"p_cscf"` // since 6.0.3

	// Extra holds attributes that this package does not know: lists whose name is the number of the attribute's type.
	Extra *Message `vici:",rest"`
}

// LoadPool gives the daemon a pool of virtual IP addresses (command load-pool, since 5.2.0). One with the same name
// is updated, if possible.
func (s *Session) LoadPool(ctx context.Context, pool PoolConfig) error {
	request := struct {
		Pools []PoolConfig `vici:"*"`
	}{[]PoolConfig{pool}}
	return s.callInto(ctx, "load-pool", request, nil)
}

// UnloadPool removes a pool that was loaded over VICI (command unload-pool, since 5.2.0). The daemon refuses while
// leases of it are online.
func (s *Session) UnloadPool(ctx context.Context, name string) error {
	return s.callInto(ctx, "unload-pool", byName{Some(name)}, nil)
}

// ReloadSettings makes the daemon and its plugins read strongswan.conf again (command reload-settings, since 5.2.1).
func (s *Session) ReloadSettings(ctx context.Context) error {
	return s.callInto(ctx, "reload-settings", nil, nil)
}

type byName struct {
	Name Opt[string] `vici:"name"` // sent also if empty
}
