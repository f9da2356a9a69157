// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A demo is a small gateway: a head office with branches, partners and road warriors.
type demo struct {
	o      options
	d      *vicitest.Daemon
	random *rand.Rand
	began  time.Time

	churned, happened int       // so far
	carriedAt         time.Time // up to when traffic was carried
	users             int       // road warriors that came so far
}

func newDemo(o options, d *vicitest.Daemon, now time.Time) *demo {
	return &demo{o: o, d: d, random: rand.New(rand.NewPCG(o.seed, 1)), began: now, carriedAt: now}
}

// Children of the demonstration's connections, with the networks behind them.
const (
	lanChild   = "lan"
	voiceChild = "voice"
)

// load fills the daemon.
func (s *demo) load() error {
	pools := []struct{ name, addresses string }{
		{"staff", "10.3.0.0/24"},
		{"staff-ipv6", "fd03::/112"},
		{"contractors", "10.4.0.0/28"}, // 14 addresses, of which 13 are in use
	}
	for _, p := range pools {
		if err := s.d.LoadPool(p.name, p.addresses); err != nil {
			return err
		}
	}
	for i, name := range cities[:12] {
		s.d.Load(s.branch(i, name))
	}
	for _, c := range s.specials() {
		s.d.Load(c)
	}
	return s.connect()
}

// branch is a site-to-site connection.
func (s *demo) branch(i int, city string) vicitest.Connection {
	c := s.siteToSite("branch-"+city, ip4(198, 51, 100<<8|i+1), city+".example.org")
	c.Children = []vicitest.Child{s.child(lanChild, ip4(10, 20, i<<8)+"/24")}
	if i%3 == 0 {
		c.Children = append(c.Children, s.child(voiceChild, ip4(10, 40, i<<8)+"/24"))
	}
	return c
}

func (s *demo) siteToSite(name, host, id string) vicitest.Connection {
	return vicitest.Connection{
		Name:        name,
		LocalAddrs:  []string{"192.0.2.1"},
		RemoteAddrs: []string{host},
		Version:     2,
		RekeyTime:   s.varied(4 * s.o.rekeyInterval),
		DPDDelay:    30 * time.Second,
		Local:       []vicitest.Auth{{ID: "gateway.example.org", Class: "public key", Certs: []string{gatewaySubject}}},
		Remote:      []vicitest.Auth{{ID: id, Class: "public key", CACerts: []string{caSubject}}},
	}
}

func (s *demo) child(name, remote string) vicitest.Child {
	interval := s.varied(s.o.rekeyInterval)
	return vicitest.Child{
		Name: name, RekeyTime: interval, LifeTime: 2 * interval, DPDAction: "start",
		LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{remote},
	}
}

// varied changes an interval by up to a tenth, so that not everything happens at once.
func (s *demo) varied(d time.Duration) time.Duration {
	if d < time.Second {
		return d
	}
	return d - d/10 + time.Duration(s.random.Int64N(int64(d/5)))
}

// specials are the connections that are not like the others.
func (s *demo) specials() []vicitest.Connection {
	datacenter := s.siteToSite("datacenter-frankfurt", "203.0.113.10", "fra.example.org")
	datacenter.Proposals = []vicitest.Proposal{postQuantum()}
	datacenter.Children = []vicitest.Child{
		s.child("storage", "10.60.0.0/16"), s.child("management", "10.61.0.0/24"), s.child("backup", "10.62.0.0/24"),
	}
	legacy := s.siteToSite("partner-legacy", "203.0.113.20", "203.0.113.20")
	legacy.Version = 1
	legacy.Proposals = []vicitest.Proposal{weak()}
	legacy.Children = []vicitest.Child{s.child("erp", "172.16.5.0/24")}
	onDemand := s.siteToSite("branch-on-demand", "203.0.113.30", "on-demand.example.org")
	onDemand.Children = []vicitest.Child{s.child(lanChild, "10.70.0.0/24")}
	onDemand.Children[0].StartAction = "trap"
	return []vicitest.Connection{datacenter, legacy, onDemand, shunts(), s.roadWarriors("staff"), s.roadWarriors("contractors")}
}

func shunts() vicitest.Connection {
	return vicitest.Connection{Name: "shunts", RemoteAddrs: []string{"127.0.0.1"}, Children: []vicitest.Child{
		{Name: "local-lan", Mode: "PASS", StartAction: "trap", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.1.0.0/16"}},
		{Name: "no-telnet", Mode: "DROP", StartAction: "trap", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"0.0.0.0/0[tcp/telnet]"}},
	}}
}

// roadWarriors is a connection for whoever is in the pool's group.
func (s *demo) roadWarriors(group string) vicitest.Connection {
	c := s.siteToSite("roadwarriors-"+group, "%any", "")
	c.Remote = []vicitest.Auth{{EAPID: "%any", EAPType: "EAP_MSCHAPV2", Class: "EAP"}}
	c.Unique = "replace"
	c.Pools = []string{group, group + "-ipv6"}
	c.Children = []vicitest.Child{s.child("access", "dynamic")}
	c.Children[0].DPDAction = "none"
	return c
}

func postQuantum() vicitest.Proposal {
	p := vicitest.Proposal{
		Encryption: []string{"AES_GCM_16_256"}, PRF: []string{"PRF_HMAC_SHA2_384"}, KE: []string{"CURVE_25519"},
	}
	p.AKE[0] = []string{"ML_KEM_768"}
	return p
}

func weak() vicitest.Proposal {
	return vicitest.Proposal{
		Encryption: []string{"AES_CBC_128"}, Integrity: []string{"HMAC_SHA1_96"}, PRF: []string{"PRF_HMAC_SHA1"}, KE: []string{"MODP_1024"},
	}
}

// Connections that are down in the beginning, and numbers of road warriors.
const (
	downBranch        = "branch-madrid"
	unreachableBranch = "branch-lisbon"
	staffOnline       = 18
	contractorsOnline = 13
)

// connect brings up what is to be up.
func (s *demo) connect() error {
	names := []string{"datacenter-frankfurt", "partner-legacy"}
	for _, city := range cities[:12] {
		if name := "branch-" + city; name != downBranch && name != unreachableBranch {
			names = append(names, name)
		}
	}
	for i, name := range names {
		if _, err := s.d.Establish(name, vicitest.Peer{Responder: i%3 == 2, NAT: i%5 == 4}); err != nil {
			return err
		}
	}
	if _, err := s.d.HalfOpen(unreachableBranch, ""); err != nil {
		return err
	}
	for i := range s.o.halfOpen {
		if _, err := s.d.HalfOpen("", ip4(203, 0, i+1)); err != nil {
			return err
		}
	}
	for range contractorsOnline {
		if err := s.arrive("contractors"); err != nil {
			return err
		}
	}
	for range staffOnline {
		if err := s.arrive("staff"); err != nil {
			return err
		}
	}
	return nil
}

// arrive lets the next road warrior come.
func (s *demo) arrive(group string) error {
	n := s.users
	s.users++
	_, err := s.d.Establish("roadwarriors-"+group, vicitest.Peer{
		Responder: true, NAT: true, Host: ip4(100, 64, n+1),
		ID: "device-" + place(n) + ".example.org", EAPID: person(n) + "@example.org",
	})
	return err
}
