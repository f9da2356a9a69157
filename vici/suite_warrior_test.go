// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// The tunnel of a road warrior has what the plain one lacks: EAP, a virtual IP from a pool, a post-quantum preshared key,
// marks, XFRM interfaces, and where the daemon can, additional key exchanges and SAs for each CPU.
const (
	warriorName = "suite-warrior"
	warriorUser = "suite-eve"
	warriorPool = "suite-warriors"
	warriorVIP  = "10.9.4.1"
	warriorPPK  = "suite-ppk.example"
)

// warrior is one half of the tunnel.
func (s *suite) warrior(local, remote string) vici.ConnConfig {
	c := s.conn(local, remote)
	child := &c.Children[0]
	c.Name, child.Name = warriorName, tunnelChild(warriorName)
	c.VIPs, c.Pools = nil, nil
	c.Local[0].ID, c.Remote[0].ID = "warrior-"+c.Local[0].ID, "warrior-"+c.Remote[0].ID
	c.PPKID, c.PPKRequired = warriorPPK, true
	c.IfIDIn, c.IfIDOut = "%unique-dir", "%unique-dir"
	child.MarkIn, child.MarkOut = "42/0xff", "%unique/0xffff"
	child.ESPProposals = []string{"aes256-sha256-x25519"}
	if s.since(6, 0, 0) {
		const additional = "-ke1_ecp256-ke2_ecp384-ke3_ecp521-ke4_ecp256bp-ke5_ecp384bp-ke6_x448-ke7_modp1536"
		c.Proposals[0] += additional
		child.ESPProposals[0] += additional
	}
	if s.since(6, 0, 2) {
		child.PerCPUSAs = "yes"
	}
	eap := vici.AuthConfig{Auth: "eap-mschapv2", ID: "warrior-" + suiteID(suitePeerHost)}
	if local == suiteHost {
		c.Pools, child.RemoteTS = []string{warriorPool}, nil
		eap.EAPID = "%any"
		c.Remote[0] = eap
	} else {
		c.VIPs, child.LocalTS = []string{"0.0.0.0"}, nil
		eap.EAPID = warriorUser
		c.Local[0] = eap
	}
	return c
}

// warriorSecrets are what both ends must know.
func warriorSecrets() []vici.LoadSharedRequest {
	ends := []string{"warrior-" + suiteID(suiteHost), "warrior-" + suiteID(suitePeerHost)}
	return []vici.LoadSharedRequest{
		{ID: "suite-warrior-ike", Type: "ike", Data: []byte("of the gateway"), Owners: ends},
		{ID: "suite-warrior-eap", Type: "eap", Data: []byte("of the user"), Owners: []string{warriorUser}},
		{ID: "suite-warrior-ppk", Type: "ppk", Data: []byte("an entropy of at least 256 bits!"), Owners: []string{warriorPPK}},
	}
}

// suiteWarrior takes the tunnel through its life, which the peer begins and ends.
func suiteWarrior(t *testing.T, s *suite) {
	t.Helper()
	ctx, session := suiteBound(t), s.dial(t)
	require.NoError(t, session.LoadPool(ctx, vici.PoolConfig{Name: warriorPool, Addrs: "10.9.4.0/28"}))
	require.NoError(t, session.LoadConn(ctx, s.warrior(suiteHost, suitePeerHost)))
	for _, secret := range warriorSecrets() {
		require.NoError(t, session.LoadShared(ctx, secret))
	}
	requireProposals(t, s, collectAll(t, session.ListConns(ctx, vici.ListConnsRequest{IKE: warriorName})))
	events := s.watch(t, warriorName)
	s.peer.initiate(t, warriorName)
	s.nextUpdate(t, events)
	up := events.ikeUpDown(true)
	require.Equal(t, s.since(5, 9, 8), len(up.RemoteVIPs) == 1, "before, the event can come first")
	events.childUpDown(true)
	sa := s.awaitSAs(t, warriorName, 1)[0]
	requireWarrior(t, s, sa)
	requireWarriorChild(t, s, &sa.Children[0])
	requireLease(t, session, vici.LeaseOnline)
	requireRefused(t, session.UnloadPool(ctx, warriorPool))

	s.rekeyByPeer(t, events, warriorVIP)
	child := s.rekeyByPeer(t, events, warriorVIP) // now the old one has had a key exchange, too
	require.Equal(t, sa.Children[0].MarkOut, child.MarkOut, "it stays")
	require.Equal(t, s.since(6, 0, 0), child.AdditionalKE[6] == "MODP_1536")
	s.peer.rekeyIKE(t, warriorName)
	event := nextOf[*vici.IKERekey](events)
	require.Empty(t, event.Old.RemoteVIPs, "they have moved")
	requireWarrior(t, s, &event.New)
	requireTraffic(t, child, s.installedChild(t, warriorName))

	s.peer.terminate(t, warriorName)
	requireWarriorDown(t, events, child)
	requireLease(t, session, vici.LeaseOffline)
	require.NoError(t, session.UnloadConn(ctx, warriorName))
	require.NoError(t, session.UnloadPool(ctx, warriorPool))
}

// requireProposals insists on the additional key exchanges, where they are told.
func requireProposals(t *testing.T, s *suite, conns []*vici.Conn) {
	t.Helper()
	require.Len(t, conns, 1)
	if s.since(6, 1, 0) {
		for _, proposals := range [][]vici.Proposal{conns[0].Proposals, conns[0].Children[0].ESPProposals} {
			require.Len(t, proposals, 1)
			require.Equal(t, [7][]string{
				{"ECP_256"}, {"ECP_384"}, {"ECP_521"}, {"ECP_256_BP"}, {"ECP_384_BP"}, {"CURVE_448"}, {"MODP_1536"},
			}, proposals[0].AdditionalKE())
		}
	}
}

// requireWarrior insists on what is known of the IKE_SA.
func requireWarrior(t *testing.T, s *suite, sa *vici.IKESA) {
	t.Helper()
	require.Equal(t, warriorName, sa.Name)
	require.Equal(t, "warrior-"+suiteID(suitePeerHost), sa.RemoteID)
	require.Equal(t, warriorUser, sa.RemoteEAPID)
	require.Equal(t, []string{warriorVIP}, sa.RemoteVIPs)
	require.True(t, sa.PPK)
	require.True(t, sa.NATRemote && sa.NATAny, "ESP is in UDP")
	require.NotZero(t, sa.IfIDIn.Or(0))
	require.Equal(t, sa.IfIDIn.Or(0)+1, sa.IfIDOut.Or(0))
	if s.since(6, 0, 0) {
		require.Equal(t, [7]string{"ECP_256", "ECP_384", "ECP_521", "ECP_256_BP", "ECP_384_BP", "CURVE_448", "MODP_1536"}, sa.AdditionalKE)
	}
}

func requireWarriorChild(t *testing.T, s *suite, child *vici.ChildSA) {
	t.Helper()
	require.True(t, child.Encap)
	require.Equal(t, vici.Some[uint32](42), child.MarkIn)
	require.Equal(t, vici.Some[uint32](0xff), child.MarkMaskIn)
	require.NotZero(t, child.MarkOut.Or(0))
	require.Equal(t, vici.Some[uint32](0xffff), child.MarkMaskOut)
	require.NotZero(t, child.IfIDIn.Or(0), "the IKE_SA's")
	require.Equal(t, s.since(6, 0, 2), child.PerCPUSAs)
	require.Equal(t, "HMAC_SHA2_256_128", child.Integrity)
	require.Equal(t, []string{warriorVIP + "/32"}, child.RemoteTS)
	require.Equal(t, s.since(5, 9, 6), child.Label == "737569746500")
}

// requireWarriorDown insists on the end being reported, with all traffic.
func requireWarriorDown(t *testing.T, events *suiteEvents, child *vici.ChildSA) {
	t.Helper()
	require.Equal(t, warriorUser, events.ikeUpDown(false).RemoteEAPID)
	gone := events.childUpDown(false)
	require.Equal(t, child.UniqueID, gone.UniqueID)
	requireTraffic(t, child, gone)
}

// requireLease insists that the pool has one lease, in that state.
func requireLease(t *testing.T, session *vici.Session, status string) {
	t.Helper()
	var pool vici.Pool
	awaitTrue(t, func() bool { // the event of the end comes before
		pools, err := session.Pools(suiteBound(t), vici.PoolsRequest{Name: warriorPool, Leases: true})
		require.NoError(t, err)
		require.Len(t, pools, 1)
		pool = pools[0]
		require.Len(t, pool.Leases, 1)
		return pool.Leases[0].Status == status
	})
	require.Equal(t, warriorVIP, pool.Leases[0].Address.String())
	require.Equal(t, warriorUser, pool.Leases[0].Identity)
	require.Equal(t, vici.Some[uint32](1), map[string]vici.Opt[uint32]{vici.LeaseOnline: pool.Online, vici.LeaseOffline: pool.Offline}[status])
	require.EqualValues(t, 14, pool.Size.Or(0))
}
