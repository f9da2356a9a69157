// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func suiteDaemon(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	version, err := session.Version(ctx)
	require.NoError(t, err)
	require.Equal(t, "charon", version.Daemon)
	for _, text := range []string{version.Sysname, version.Release, version.Machine} {
		require.NotEmpty(t, text)
	}

	stats, err := session.Stats(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 16, stats.Workers.Total.Or(0))
	require.Positive(t, stats.Workers.Idle.Or(0))
	require.Equal(t, "charon", stats.Plugins[0])
	require.Contains(t, stats.Plugins, "vici")
	require.True(t, stats.IKESAs.Total.Present())
	require.True(t, stats.Mallinfo.Present())
	since, err := stats.Uptime.SinceIn(time.Local)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), since, time.Hour)

	algorithms, err := session.Algorithms(ctx)
	require.NoError(t, err)
	require.Contains(t, algorithms.Encryption, "AES_CBC")
	require.Contains(t, algorithms.KeyExchange, "CURVE_25519")
	require.Equal(t, s.since(5, 9, 6), algorithms.KDF != nil)
	require.NoError(t, session.ReloadSettings(ctx))
	require.NoError(t, session.Ping(ctx))
}

// suiteUnknown asks for what no daemon has; the session goes on.
func suiteUnknown(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	_, err := session.Call(ctx, "no-such-command", nil)
	require.ErrorIs(t, err, vici.ErrUnknownCommand)
	for _, err := range session.Stream(ctx, "list-sas", "no-such-event", nil) {
		require.ErrorIs(t, err, vici.ErrUnknownEvent)
	}
	for _, err := range session.Stream(ctx, "no-such-command", "list-sa", nil) {
		require.ErrorIs(t, err, vici.ErrUnknownCommand)
	}
	require.NoError(t, session.Ping(ctx))

	events, err := session.Events(ctx, "ike-updown", "ike-update", "alert", "no-such-event")
	require.NoError(t, err)
	want := []string{"no-such-event"}
	if !s.since(6, 0, 3) {
		want = append([]string{"alert"}, want...)
	}
	if !s.since(5, 9, 2) {
		want = append([]string{"ike-update"}, want...)
	}
	require.Equal(t, want, events.Unsupported())
}

func suiteSecrets(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	requireRefused(t, session.LoadShared(ctx, vici.LoadSharedRequest{ID: "suite-bad", Type: "nonsense", Data: []byte("x")}))
	for _, kind := range []string{"ike", "eap", "xauth", "ppk"} {
		require.NoError(t, session.LoadShared(ctx, vici.LoadSharedRequest{ID: "suite-" + kind, Type: kind, Data: []byte("\x00\xff")}))
	}
	ids, err := session.SharedIDs(ctx)
	require.NoError(t, err)
	require.Subset(t, ids, []string{"suite-ike", "suite-eap", "suite-xauth", "suite-ppk"})
	require.NotContains(t, ids, "suite-bad")
	for _, kind := range []string{"ike", "eap", "xauth", "ppk"} {
		require.NoError(t, session.UnloadShared(ctx, "suite-"+kind))
	}
	left, err := session.SharedIDs(ctx)
	require.NoError(t, err)
	require.NotContains(t, left, "suite-ike")
	require.NoError(t, session.UnloadShared(ctx, "suite-nobody-has-it"))
}

// suiteCA returns a certification authority in DER, and its key in PEM.
func suiteCA(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "suite CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func suiteKeys(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	certificate, key := suiteCA(t)
	requireRefused(t, session.LoadCert(ctx, vici.LoadCertRequest{Type: vici.CertX509, Flag: vici.CertFlagNone, Data: []byte("none")}))
	require.NoError(t, session.LoadCert(ctx, vici.LoadCertRequest{Type: vici.CertX509, Flag: vici.CertFlagCA, Data: certificate}))
	listed := func() *vici.Cert {
		all := collectAll(t, session.ListCerts(ctx, vici.ListCertsRequest{Type: vici.CertX509, Subject: "CN=suite CA"}))
		require.Len(t, all, 1)
		return all[0]
	}
	require.Equal(t, certificate, listed().Data)
	require.Equal(t, vici.CertFlagCA, listed().Flag)
	require.False(t, listed().HasPrivateKey)

	_, err := session.LoadKey(ctx, vici.LoadKeyRequest{Type: "any", Data: []byte("none")})
	requireRefused(t, err)
	id, err := session.LoadKey(ctx, vici.LoadKeyRequest{Type: "ecdsa", Data: key})
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{40}$", id)
	ids, err := session.KeyIDs(ctx)
	require.NoError(t, err)
	require.Contains(t, ids, id)
	require.True(t, listed().HasPrivateKey)
	require.NoError(t, session.UnloadKey(ctx, id))
	requireRefused(t, session.UnloadKey(ctx, id))
	require.False(t, listed().HasPrivateKey)
	if _, err = session.LoadToken(ctx, vici.LoadTokenRequest{Handle: "00ff", PIN: "0000"}); err != nil {
		requireRefused(t, err) // there is no token; a fake daemon makes one up
	}

	suiteAuthorities(t, session, certificate)
	require.NoError(t, session.FlushCerts(ctx, vici.CertX509CRL))
}

func suiteAuthorities(t *testing.T, session *vici.Session, certificate []byte) {
	t.Helper()
	ctx := suiteBound(t)
	requireRefused(t, session.LoadAuthority(ctx, vici.AuthorityConfig{Name: "suite-bad", CACert: []byte("none")}))
	require.NoError(t, session.LoadAuthority(ctx, vici.AuthorityConfig{
		Name: "suite-ca", CACert: certificate, CRLURIs: []string{"http://192.0.2.250/a.crl", "http://192.0.2.250/b.crl"},
		OCSPURIs: []string{"http://192.0.2.250/ocsp"}, CertURIBase: "http://192.0.2.250/certs/",
	}))
	all := collectAll(t, session.ListAuthorities(ctx, vici.ListAuthoritiesRequest{Name: "suite-ca"}))
	require.Equal(t, []*vici.Authority{{
		Name: "suite-ca", CACert: "CN=suite CA", CRLURIs: []string{"http://192.0.2.250/a.crl", "http://192.0.2.250/b.crl"},
		OCSPURIs: []string{"http://192.0.2.250/ocsp"}, CertURIBase: "http://192.0.2.250/certs/",
	}}, all)
	names, err := session.AuthorityNames(ctx)
	require.NoError(t, err)
	require.Contains(t, names, "suite-ca")
	require.NoError(t, session.UnloadAuthority(ctx, "suite-ca"))
	requireRefused(t, session.UnloadAuthority(ctx, "suite-ca"))
}

func suitePools(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	requireRefused(t, session.LoadPool(ctx, vici.PoolConfig{Name: "suite-bad", Addrs: "nonsense"}))
	require.NoError(t, session.LoadPool(ctx, vici.PoolConfig{Name: "suite-pool", Addrs: "10.9.0.0/28", DNS: []string{"10.9.0.1"}}))
	require.NoError(t, session.LoadPool(ctx, vici.PoolConfig{Name: "suite-range", Addrs: "10.9.1.3-10.9.1.9"}))
	pools, err := session.Pools(ctx, vici.PoolsRequest{Name: "suite-range", Leases: true})
	require.NoError(t, err)
	require.Len(t, pools, 1)
	require.Equal(t, "suite-range", pools[0].Name)
	require.Equal(t, "10.9.1.3", pools[0].Base.String())
	require.EqualValues(t, 7, pools[0].Size.Or(0))
	require.Empty(t, pools[0].Leases)

	pools, err = session.Pools(ctx, vici.PoolsRequest{})
	require.NoError(t, err)
	i := slices.IndexFunc(pools, func(p vici.Pool) bool { return p.Name == "suite-pool" })
	require.GreaterOrEqual(t, i, 0)
	require.EqualValues(t, 14, pools[i].Size.Or(0))
	require.Equal(t, vici.Some[uint32](0), pools[i].Online)
	require.Equal(t, vici.Some[uint32](0), pools[i].Offline)
	for _, name := range []string{"suite-pool", "suite-range"} {
		require.NoError(t, session.UnloadPool(ctx, name))
		requireRefused(t, session.UnloadPool(ctx, name))
	}
}

func suiteConnections(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	bad := s.conn(suiteHost, suitePeerHost)
	bad.Extra = new(vici.Message).Add("no_such_key", "1")
	requireRefused(t, session.LoadConn(ctx, bad))
	require.NoError(t, session.LoadConn(ctx, s.conn(suiteHost, suitePeerHost)))
	require.NoError(t, session.LoadShared(ctx, suiteSecret()))
	s.peer.load(t, s)

	names, err := session.ConnNames(ctx)
	require.NoError(t, err)
	require.Contains(t, names, suiteName)
	all := collectAll(t, session.ListConns(ctx, vici.ListConnsRequest{IKE: suiteName}))
	require.Len(t, all, 1)
	c := all[0]
	require.Equal(t, suiteName, c.Name)
	require.Equal(t, "IKEv2", c.Version)
	require.Equal(t, []string{suiteHost}, c.LocalAddrs)
	require.Equal(t, []string{suitePeerHost}, c.RemoteAddrs)
	require.Equal(t, vici.Some(4*time.Hour), c.RekeyTime)
	require.Equal(t, vici.Some(6*time.Hour), c.ReauthTime)
	require.Equal(t, vici.Some(20*time.Minute), c.DPDDelay)
	require.Equal(t, "UNIQUE_NO", c.Unique)
	require.Len(t, c.Local, 1)
	require.Equal(t, "pre-shared key", c.Local[0].Class)
	require.Equal(t, suiteID(suiteHost), c.Local[0].ID)
	require.Equal(t, suiteID(suitePeerHost), c.Remote[0].ID)
	require.Len(t, c.Children, 1)
	child := c.Children[0]
	require.Equal(t, suiteChild, child.Name)
	require.Equal(t, "TUNNEL", child.Mode)
	require.Equal(t, vici.Some(time.Hour), child.RekeyTime)
	require.Equal(t, []string{"10.1.4.0/24"}, child.LocalTS)
	require.Equal(t, []string{"10.2.4.0/24"}, child.RemoteTS)
	none := "none"
	if !s.since(5, 9, 6) {
		none = "clear"
	}
	require.Equal(t, none, child.DPDAction)
	if s.since(6, 1, 0) {
		require.Equal(t, []string{"AES_CBC_256"}, c.Proposals[0].Encryption)
		require.Equal(t, []string{"CURVE_25519"}, child.ESPProposals[0].KeyExchange)
	} else {
		require.Empty(t, c.Proposals)
	}
	require.Equal(t, s.since(6, 0, 3), c.LocalPort.Present())
	requireRefused(t, session.UnloadConn(ctx, "suite-nobody-has-it"))
}

// suiteClear takes all that was loaded out of the daemon.
func suiteClear(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	require.NoError(t, session.UnloadConn(ctx, suiteName))
	requireRefused(t, session.UnloadConn(ctx, suiteName))
	require.Empty(t, collectAll(t, session.ListConns(ctx, vici.ListConnsRequest{IKE: suiteName})))
	require.NoError(t, session.ClearCreds(ctx))
	ids, err := session.SharedIDs(ctx)
	require.NoError(t, err)
	require.Empty(t, ids)
	ids, err = session.KeyIDs(ctx)
	require.NoError(t, err)
	require.Empty(t, ids)
	require.Empty(t, collectAll(t, session.ListCerts(ctx, vici.ListCertsRequest{Subject: "CN=suite CA"})))
}
