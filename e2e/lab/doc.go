// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package lab is a laboratory of real strongSwan gateways for tests: network
// namespaces with a real charon in each, real IKE and real ESP between them, of
// four generations of strongSwan ([Generations]). It takes about a second to
// build and leaves nothing behind.
//
//	func TestTunnel(t *testing.T) {
//		l := lab.New(t, "6.1.0", lab.WithChildRekey(12*time.Second, lab.Moon))
//		require.NoError(t, l.Moon.Initiate(t.Context(), "net-net"))
//		require.NoError(t, l.Moon.Ping(t.Context(), l.Moon.Inside(0), l.Sun.Inside(0), 5))
//		// l.Moon.Address() is the address of the daemon's VICI socket.
//	}
//
// # Topology
//
// Moon is the gateway to observe, sun its peer, carol a road warrior. What is
// drawn is all there is; no packet leaves it.
//
//	 10.1.0.0/16                              10.2.0.0/16
//	┌─────┴─────┐        ┌────────┐          ┌─────┴─────┐
//	│   moon    ├────────┤ bridge ├──────────┤    sun    │
//	│ 192.0.2.1 │        └───┬────┘          │ 192.0.2.2 │
//	└───────────┘      ┌─────┴─────┐         └───────────┘
//	                   │   carol   │
//	                   │ 192.0.2.3 │
//	                   └─────┬─────┘
//	          virtual addresses of 10.3.0.0/28
//
// These connections are loaded and down, until a test initiates a child. Network
// n is 10.1.n.0/24 behind moon, 10.2.n.0/24 behind sun; [Gateway.Inside] has an
// address in it.
//
//	connection      child            network  what it is
//	gw-gw           net-net          0        IKEv2, pre-shared key
//	                host-host        0        one host of each, within net-net
//	gw-twin (moon)  twin-net         1        equal to gw-gw, whose IKE_SA it joins
//	gw-cert         cert-net         2        certificates
//	gw-v1           v1-net           3        IKEv1 ([Lab.HasIKEv1])
//	gw-pq           pq-net           4        X25519 and ML-KEM ([Lab.HasPostQuantum])
//	gw-trap         trap-net         5        has its trap policy installed
//	[OddConnection] [OddChild]       6        names that need quoting everywhere
//	shunts          pass-local       6        PASS policy, installed
//	                drop-smtp        7        DROP policy, installed
//	rw-eap (moon)   rw-net           0        road warriors: EAP-MSCHAPv2, rw-pool
//	home (carol)    home             0        user carol, to rw-eap
//	home-dave       home-dave        0        user dave, to rw-eap
//
// Moon has its own certificate, its CA's, two that nobody uses (a key on a
// brainpool curve; a negative serial number and five days left), a CRL, and an
// authority with crl_uris. All that is configured stands in the directory config,
// in strongSwan's own language; tests change it with [WithSwanctl],
// [WithStrongswan] and [Gateway.Configure] in that language too.
//
// ESP is done in user space (plugin kernel-libipsec) over a TUN device ipsec0, so
// no kernel module is needed and [Gateway.TunnelBytes] can say how much really
// went through. A delay ([WithDelay]) is made in user space too, because many
// kernels lack netem. The daemons' name server swallows every question, so a
// connection with a name in remote_addrs shows what a dead one does.
//
// # Lifetime and concurrency
//
// All of a laboratory belongs to the process that made it and has the process id
// in its name, so that any number may run at a time. It is removed by the end of
// the test, and when the process panics, is interrupted or killed: a keeper, a
// small process beside it, waits for that. Whatever a killed keeper leaves, the
// next laboratory removes. Methods of [Lab] and [Gateway] can be called from
// several goroutines, as the daemons can.
//
// # By hand
//
// The laboratory needs root, and trees with the daemons, which
//
//	scripts/lab-setup
//
// makes once (two minutes). Then
//
//	go run ./e2e/lab/up 6.1.0
//
// builds a laboratory, says where its sockets and logs are, and runs swanctl on a
// gateway for each line that is typed (moon --initiate --child net-net) until its
// input ends or it is interrupted.
package lab
