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

// allScenes returns everything that is played, in the order of the protocol.
func allScenes() []scene {
	return []scene{
		restScene(), restartsScene(), rekeyingScene(), reauthScene(false), reauthScene(true), busyScene(), threadsScene(),
		tunnelsScene(), uplinkScene(), silenceScene(), overdueScene(),
		authenticationScene(), negotiationScene(), certificateScene(), authorityScene(), revocationScene(),
		poolScene(), floodScene(), daemonScene(),
	}
}

// quiet is how long nothing must fire after something harmless: longer than the longest time that an alert on tunnels looks back.
func quiet() time.Duration { return minutes(36) }

// allDark returns the alerts of all tunnels that lead to sun.
func allDark() []string {
	return append([]string{"critical StrongSwanAllTunnelsDown"}, slices.Concat(
		dark("gw-gw", "net-net", "host-host"), dark("gw-twin", "twin-net"), dark("gw-cert", "cert-net"), dark("gw-pq", "pq-net"))...)
}

// dark returns the alerts of a connection that is down with its children.
func dark(connection string, children ...string) []string {
	alerts := []string{"critical StrongSwanConnectionDown " + connection}
	for _, child := range children {
		alerts = append(alerts, "critical StrongSwanTunnelDown "+connection+" "+child)
	}
	return alerts
}

// on returns the same alerts of another gateway.
func on(gateway string, alerts []string) []string {
	others := make([]string, len(alerts))
	for i, alert := range alerts {
		others[i] = alert + " on " + gateway
	}
	return others
}

// Nothing is wrong.
func restScene() scene {
	return scene{name: "rest", situations: []situation{
		{
			name:  "all tunnels up, one on demand and the road warriors at rest, shunts installed",
			lasts: quiet(),
		},
		{
			name:  "the on-demand tunnel comes up and goes down",
			lasts: minutes(12),
			begin: func(s *stage) {
				s.must(s.Moon.Initiate(s.ctx(), "trap-net"))
				s.terminate("--ike", "gw-trap")
			},
			proof: func(s *stage) {
				s.requireAtLeast(1, "strongswan_child_sas_terminated_total", "connection", "gw-trap", "child", "trap-net")
			},
		},
		{
			name:  "a road warrior comes and goes",
			lasts: minutes(12),
			begin: func(s *stage) {
				s.must(s.Carol.Initiate(s.ctx(), "home"))
				s.must(s.Carol.Terminate(s.ctx(), "--ike", "home"))
			},
			proof: func(s *stage) { s.requireAtLeast(1, "strongswan_ike_sas_terminated_total", "connection", "rw-eap") },
		},
		{
			name:  "the daemon's counters are reset (reset-counters)",
			lasts: minutes(20),
			begin: func(s *stage) {
				_, err := s.Moon.Swanctl(s.ctx(), "--counters", "--reset", "--all")
				s.must(err)
			},
		},
	}}
}

// Everything is restarted once, and works again in time.
func restartsScene() scene {
	return scene{name: "restarts", situations: []situation{
		{
			name:  "the exporter is restarted",
			lasts: quiet(),
			begin: (*stage).restartExporter,
		},
		{
			name:  "the daemon is restarted, loaded, and its tunnels come up again within minutes",
			lasts: quiet(),
			begin: func(s *stage) {
				s.restartLoaded(s.Moon)
				s.up()
			},
		},
		{
			name:  "the peer is restarted, and the tunnels come up again within minutes",
			lasts: quiet(),
			begin: func(s *stage) {
				s.restartLoaded(s.Sun)
				s.up()
			},
		},
	}}
}

// everyday is how long rekeying and reauthentication are watched, in real time.
const everyday = 2 * time.Minute

// patientLifetimes leave time for another try. An IKE_SA that is being rekeyed puts off its CHILD_SAs', for up to 15 s.
const patientLifetimes = `
ike-defaults {
	over_time = 60s
}
child-defaults {
	life_time = 60s
	rand_time = 1s
}`

// Both ends rekey, so that collisions happen. It carries traffic meanwhile.
func rekeyingScene() scene {
	const child, ike = 12 * time.Second, 50 * time.Second
	return scene{
		name: "rekeying", real: true,
		options: []lab.Option{lab.WithChildRekey(child), lab.WithIKERekey(ike, lab.Moon), lab.WithSwanctl(patientLifetimes)},
		situations: []situation{{
			name:  fmt.Sprintf("CHILD_SAs are rekeyed every %v for %v by both ends, IKE_SAs every %v", child, everyday, ike),
			lasts: everyday,
			begin: (*stage).carryTraffic,
			proof: func(s *stage) {
				s.requireAtLeast(0.75*everyday.Seconds()/child.Seconds(),
					"strongswan_child_sas_rekeyed_total", "connection", "gw-gw", "child", "net-net")
				s.requireAtLeast(2, "strongswan_ike_sas_rekeyed_total", "connection", "gw-gw")
				s.requireAtLeast(everyday.Seconds(), "strongswan_child_received_packets_total", "connection", "gw-gw", "child", "net-net")
			},
		}},
	}
}

// carryTraffic sends some packets to and fro, from now on.
func (s *stage) carryTraffic() {
	s.inBackground(s.Moon, "ping", "-n", "-q", "-i", "0.2", "-I", s.Moon.Inside(0), s.Sun.Inside(0))
}

func reauthScene(breakFirst bool) scene {
	const interval = 25 * time.Second
	// Broken first, a tunnel is down for a moment indeed, so that an alert may be pending.
	s := scene{name: "reauthentication", real: !breakFirst, options: []lab.Option{lab.WithReauth(interval, lab.Moon)}}
	manner := "make before break"
	if breakFirst {
		manner = "break before make"
		s.name += "-break"
		s.options = append(s.options, lab.WithStrongswan("charon { make_before_break = no }"))
	}
	s.situations = []situation{{
		name:  fmt.Sprintf("IKE_SAs are reauthenticated every %v for %v, %s", interval, everyday, manner),
		lasts: everyday,
		begin: (*stage).carryTraffic,
		proof: func(s *stage) {
			s.requireAtLeast(0.75*everyday.Seconds()/interval.Seconds(), "strongswan_ike_sas_terminated_total", "connection", "gw-gw")
		},
	}}
	return s
}
