// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// retries is how often somebody tries what cannot succeed.
func retries() time.Duration { return minutes(2) }

func authenticationScene() scene {
	return scene{
		name: "authentication", sun: true,
		situations: []situation{{
			name: "a connection's secret is wrong, and moon tries again and again",
			expected: append(slices.Concat(dark("gw-pq", "pq-net"), on("sun", dark("gw-pq", "pq-net"))),
				"warning StrongSwanAuthenticationFailed gw-pq", "warning StrongSwanAuthenticationFailed gw-pq on sun",
				"warning StrongSwanConnectionFailing gw-pq", "warning StrongSwanConnectionFailing gw-pq on sun"),
			begin: func(s *stage) {
				s.must(s.Moon.Configure(s.ctx(), "secrets { ike-gw-pq { secret = wrong } }"))
				s.terminate("--ike", "gw-pq")
			},
			every: retries(), again: func(s *stage) { s.try("pq-net") },
		}},
	}
}

func negotiationScene() scene {
	const otherProposals = "connections { gw-pq { children { pq-net { esp_proposals = aes128gcm16 } } } }"
	const ah = "connections { gw-cert { children { cert-net { ah_proposals = sha256 } } } }"
	return scene{
		name: "negotiation", sun: true,
		situations: []situation{
			{
				name: "the ESP proposals of a tunnel do not match, and moon tries again and again",
				expected: []string{
					"critical StrongSwanTunnelDown gw-pq pq-net", "critical StrongSwanTunnelDown gw-pq pq-net on sun",
					"warning StrongSwanProposalMismatch gw-pq", "warning StrongSwanProposalMismatch gw-pq on sun",
				},
				begin: func(s *stage) {
					s.must(s.Moon.Configure(s.ctx(), otherProposals))
					s.terminate("--ike", "gw-pq")
				},
				every: retries(), again: func(s *stage) { s.try("pq-net") },
				end: func(s *stage) {
					s.must(s.Sun.Configure(s.ctx(), otherProposals))
					s.up()
				},
			},
			{
				name: "both ends want AH, which the kernel cannot do, and moon tries again and again",
				expected: []string{
					"critical StrongSwanTunnelDown gw-cert cert-net", "critical StrongSwanTunnelDown gw-cert cert-net on sun",
					"warning StrongSwanInstallFailed gw-cert on sun",
					"warning StrongSwanProposalMismatch gw-cert", // is what sun answers
				},
				begin: func(s *stage) {
					s.must(s.Sun.Configure(s.ctx(), ah))
					s.must(s.Moon.Configure(s.ctx(), ah))
					s.terminate("--ike", "gw-cert")
				},
				every: retries(), again: func(s *stage) { s.try("cert-net") },
			},
		},
	}
}

const (
	day = 24 * time.Hour

	moonSubject = "C=CH, O=Laboratory, CN=moon.example"
	caSubject   = "C=CH, O=Laboratory, CN=Laboratory CA"
)

// issue makes a gateway's certificate anew, valid from and to so long after now.
func (s *stage) issue(g *lab.Gateway, from, to time.Duration) {
	s.t.Helper()
	s.must(s.IssueCertificate(s.ctx(), g, time.Now().Add(from), time.Now().Add(to)))
}

// load lets moon load its credentials, and forget those that it has if clear is given.
func (s *stage) load(args ...string) {
	s.t.Helper()
	_, err := s.Moon.Swanctl(s.ctx(), append([]string{"--load-all"}, args...)...)
	s.must(err)
}

// Each in a laboratory of its own, for the exporter lists certificates once a minute only, whatever haste is.
func certificateScene() scene {
	return scene{name: "certificate", situations: []situation{
		{
			name:     "the gateway's certificate has five days left, and so has one whose key is elsewhere",
			expected: []string{"critical StrongSwanCertificateExpiring " + moonSubject, "warning StrongSwanCertificateExpiring " + moonSubject},
			begin: func(s *stage) {
				s.issue(s.Moon, -360*day, 5*day)
				s.load("--clear")
			},
			end: func(s *stage) { // the old one stays loaded
				s.issue(s.Moon, -day, 365*day)
				s.load()
			},
		},
		{
			name: "the peer's certificate has expired, and moon tries again and again",
			expected: append(dark("gw-cert", "cert-net"), "warning StrongSwanCertificateRejected gw-cert",
				"warning StrongSwanAuthenticationFailed gw-cert", "warning StrongSwanConnectionFailing gw-cert"),
			begin: func(s *stage) {
				s.issue(s.Sun, -2*day, -day)
				s.restartLoaded(s.Sun)
				for _, child := range []string{"net-net", "host-host", "twin-net", "pq-net"} {
					s.must(s.Moon.Initiate(s.ctx(), child))
				}
			},
			every: retries(), again: func(s *stage) { s.try("cert-net") },
		},
	}}
}

func authorityScene() scene {
	return scene{name: "authority", situations: []situation{{
		name:     "the CA's certificate has thirty days left",
		expected: []string{"warning StrongSwanCAExpiring " + caSubject},
		begin: func(s *stage) {
			s.must(s.IssueCA(s.ctx(), time.Now().Add(-day), time.Now().Add(30*day)))
			s.load("--clear")
		},
	}}}
}

func revocationScene() scene {
	return scene{name: "revocation", situations: []situation{{
		name:     "the revocation list has a day of thirty left",
		expected: []string{"info StrongSwanCRLExpiring " + caSubject},
		begin: func(s *stage) {
			s.must(s.IssueCRL(s.ctx(), time.Now().Add(-29*day), time.Now().Add(day)))
			s.load("--clear")
		},
	}}}
}

// A pool of twenty addresses, and a limit of peers that three tunnels and carol reach. Carol connects as often as it takes, under
// the same name.
const poolSize = 20

func poolScene() scene {
	connect := func(s *stage, child string, times int) {
		for range times {
			s.must(s.Carol.Initiate(s.ctx(), child))
		}
	}
	return scene{
		name: "pool", args: []string{"--collector.peers", "--collector.peers.limit=4"},
		options: []lab.Option{
			lab.WithSwanctl(fmt.Sprintf("pools { rw-pool { addrs = 10.3.0.1-10.3.0.%d } }", poolSize), lab.Moon),
			lab.WithSwanctl("connections { rw-eap { unique = never } }", lab.Moon),
			lab.WithStrongswan("charon { reuse_ikesa = no }", lab.Carol),
			lab.WithPlugin("eap-radius", lab.Moon), lab.WithStrongswan(deadRADIUS, lab.Moon),
		},
		situations: []situation{
			{
				name:     "95 % of a pool are taken",
				expected: []string{"warning StrongSwanPoolNearlyFull rw-pool"},
				begin:    func(s *stage) { connect(s, "home", poolSize-1) },
				end:      func(s *stage) { s.must(s.Carol.Terminate(s.ctx(), "--ike", "home")) },
			},
			{
				name: "all addresses of a pool are taken, the last by a user who is one more than the limit of peers",
				expected: []string{
					"warning StrongSwanPoolNearlyFull rw-pool", "critical StrongSwanPoolExhausted rw-pool", "info StrongSwanPeersDropped",
				},
				begin: func(s *stage) {
					connect(s, "home", poolSize-1)
					connect(s, "home-dave", 1)
				},
				end: func(s *stage) {
					s.must(s.Carol.Terminate(s.ctx(), "--ike", "home"))
					s.must(s.Carol.Terminate(s.ctx(), "--ike", "home-dave"))
				},
			},
			{
				name:     "the RADIUS server does not answer, and users try again and again",
				expected: []string{"critical StrongSwanRADIUSNotResponding"},
				begin: func(s *stage) {
					s.must(s.Moon.Configure(s.ctx(), "connections { rw-eap { remote { auth = eap-radius } } }"))
				},
				every: retries(), again: func(s *stage) { _ = s.Carol.Initiate(s.ctx(), "home") }, // it cannot succeed
			},
		},
	}
}

// deadRADIUS asks a server that swallows every question.
const deadRADIUS = `
charon {
	plugins {
		eap-radius {
			retransmit_timeout = 0.2
			retransmit_tries = 2
			servers {
				dead {
					address = 192.0.2.53
					secret = nobody-knows
				}
			}
		}
	}
}`
