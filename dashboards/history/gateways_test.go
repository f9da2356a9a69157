// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"math"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// zurich is a head office with branches, partners and users.
func zurich(now time.Time) *gateway {
	g := newGateway("gw-zurich", vicitest.Config{Generation: vicitest.Generation61, Seed: 1}, now)
	for i, city := range []string{
		"berlin", "geneva", "hamburg", "lyon", "madrid", "milan", "munich", "oslo", "paris", "prague", "rome", "warsaw",
	} {
		c := siteToSite("branch-"+city, fmt.Sprintf("198.51.100.%d", i+1), city+".example.org")
		c.Children = []vicitest.Child{child("lan", fmt.Sprintf("10.20.%d.0/24", i))}
		if i%4 == 0 {
			c.Children = append(c.Children, child("voice", fmt.Sprintf("10.40.%d.0/24", i)))
		}
		g.addSite(c, outages()[c.Name]...)
	}
	datacenter := siteToSite("datacenter-frankfurt", "203.0.113.10", "fra.example.org")
	datacenter.Proposals = []vicitest.Proposal{postQuantum()}
	datacenter.Children = []vicitest.Child{child("storage", "10.60.0.0/16"), child("backup", "10.62.0.0/24")}
	g.addSite(datacenter)
	legacy := siteToSite("partner-legacy", "203.0.113.20", "203.0.113.20")
	legacy.Version, legacy.Proposals = 1, []vicitest.Proposal{weak()}
	legacy.Children = []vicitest.Child{child("erp", "172.16.5.0/24")}
	g.addSite(legacy)
	onDemand := siteToSite("branch-on-demand", "203.0.113.30", "on-demand.example.org")
	onDemand.Children = []vicitest.Child{child("lan", "10.70.0.0/24")}
	onDemand.Children[0].StartAction = "trap"
	g.Load(onDemand)
	g.Load(shunts())
	g.addCrowd("roadwarriors-staff", "10.3.0.0/24", 24)
	g.addCrowd("roadwarriors-contractors", "10.4.0.0/28", 14)
	return g
}

// vienna has two ways to the same data centre, of which one is lost, and a partner with limits of all kinds.
func vienna(now time.Time) *gateway {
	g := newGateway("gw-vienna", vicitest.Config{Generation: vicitest.Generation61, Seed: 2}, now)
	for i, city := range []string{"bratislava", "brno", "budapest", "graz", "linz", "zagreb"} {
		c := siteToSite("branch-"+city, fmt.Sprintf("198.51.101.%d", i+1), city+".example.org")
		c.Children = []vicitest.Child{child("lan", fmt.Sprintf("10.80.%d.0/24", i))}
		g.addSite(c)
	}
	partner := siteToSite("partner-bank", "203.0.113.50", "vpn.bank.example.com")
	partner.ReauthTime = 2 * time.Hour
	partner.Children = []vicitest.Child{child("payments", "172.16.9.0/24")}
	partner.Children[0].RekeyBytes, partner.Children[0].RekeyPackets = 1<<36, 1<<28
	g.addSite(partner)
	for i, name := range []string{"datacenter-a", "datacenter-b"} {
		c := siteToSite(name, fmt.Sprintf("203.0.113.%d", 40+i), name+".example.org")
		c.Proposals = []vicitest.Proposal{postQuantum()}
		c.Children = []vicitest.Child{child("servers", "10.90.0.0/16")}
		g.addSite(c, outages()[name]...)
	}
	return g
}

// lisbon is for users only, with a daemon that reports no alerts. It runs on Windows, with its keys on a smart card that hangs
// for some minutes.
func lisbon(now time.Time) *gateway {
	g := newGateway("gw-lisbon", vicitest.Config{Generation: vicitest.Generation60, Seed: 3, NoMallinfo: true}, now)
	g.tokenHangs = [2]time.Duration{150 * time.Minute, 156 * time.Minute}
	g.Fault("version", amended(windowsVersion))
	g.Fault("stats", amended(windowsMemory))
	c := siteToSite("branch-porto", "198.51.102.1", "porto.example.org")
	c.Children = []vicitest.Child{child("lan", "10.95.0.0/24")}
	g.addSite(c, outages()[c.Name]...)
	g.addCrowd("roadwarriors-support", "10.5.0.0/24", 30)
	return g
}

// outages are the story.
func outages() map[string][]outage {
	const forGood = 2 * storyLength
	return map[string][]outage{
		"branch-madrid": {{storyLength - 100*time.Minute, forGood, "retransmit-send-timeout", false}},
		"branch-oslo":   {{2 * time.Hour, 2*time.Hour + 12*time.Minute, "retransmit-send-timeout", false}},
		"branch-rome": {
			{80 * time.Minute, 95 * time.Minute, "retransmit-send-timeout", false},
			{4 * time.Hour, 4*time.Hour + 20*time.Minute, "proposal-mismatch-ike", false},
		},
		"branch-porto": {{3 * time.Hour, 3*time.Hour + 8*time.Minute, "", true}},
		"datacenter-b": {{storyLength - 35*time.Minute, forGood, "peer-auth-failed", false}},
	}
}

func (g *gateway) addSite(c vicitest.Connection, dark ...outage) {
	g.Load(c)
	g.sites = append(g.sites, site{connection: c.Name, outages: dark})
}

// addCrowd loads a road-warrior connection with a pool of its own.
func (g *gateway) addCrowd(name, addresses string, most int) {
	if err := g.LoadPool(name, addresses); err != nil {
		panic(err) // the addresses stand in this file
	}
	c := siteToSite(name, "%any", "")
	c.Remote = []vicitest.Auth{{EAPID: "%any", EAPType: "EAP_MSCHAPV2", Class: "EAP"}}
	c.Unique, c.Pools = "replace", []string{name}
	c.Children = []vicitest.Child{child("access", "dynamic")}
	g.Load(c)
	g.crowds = append(g.crowds, crowd{connection: name, most: most})
}

func siteToSite(name, host, id string) vicitest.Connection {
	return vicitest.Connection{
		Name: name, LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{host}, Version: 2,
		RekeyTime: 4*time.Hour - time.Duration(len(name))*3*time.Minute, DPDDelay: 30 * time.Second,
		Local:  []vicitest.Auth{{ID: "gateway.example.org", Class: "public key", Certs: []string{gatewaySubject}}},
		Remote: []vicitest.Auth{{ID: id, Class: "public key", CACerts: []string{caSubject}}},
	}
}

func child(name, remote string) vicitest.Child {
	rekey := time.Hour - time.Duration(len(remote))*time.Minute
	return vicitest.Child{
		Name: name, RekeyTime: rekey, LifeTime: rekey + 10*time.Minute, DPDAction: "start",
		LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{remote},
	}
}

func shunts() vicitest.Connection {
	return vicitest.Connection{Name: "shunts", RemoteAddrs: []string{"127.0.0.1"}, Children: []vicitest.Child{
		{Name: "local-lan", Mode: "PASS", StartAction: "trap", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.1.0.0/16"}},
		{Name: "no-telnet", Mode: "DROP", StartAction: "trap", RemoteTS: []string{"0.0.0.0/0[tcp/telnet]"}},
	}}
}

func postQuantum() vicitest.Proposal {
	p := vicitest.Proposal{Encryption: []string{"AES_GCM_16_256"}, PRF: []string{"PRF_HMAC_SHA2_384"}, KE: []string{"CURVE_25519"}}
	p.AKE[0] = []string{"ML_KEM_768"}
	return p
}

func weak() vicitest.Proposal {
	return vicitest.Proposal{
		Encryption: []string{"AES_CBC_128"}, Integrity: []string{"HMAC_SHA1_96"}, PRF: []string{"PRF_HMAC_SHA1"}, KE: []string{"MODP_1024"},
	}
}

// busyness is a morning: from 0.3 to 1 and a little back, with a break.
func busyness(passed time.Duration) float64 {
	h := passed.Hours()
	morning := 1 / (1 + math.Exp(-3*(h-1)))
	lunch := 0.35 * math.Exp(-8*(h-4.2)*(h-4.2))
	return 0.3 + 0.7*(morning-lunch)
}

// person names the n-th user.
func person(n int) string {
	people := [...]string{
		"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kilian", "laura",
		"mallory", "nina", "oscar", "peggy", "quentin", "rupert", "sybil", "trent", "ursula", "victor", "wendy", "zoe",
	}
	name := people[n%len(people)]
	if round := n / len(people); round > 0 {
		name = fmt.Sprintf("%s.%d", name, round+1)
	}
	return name
}
