// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// secondPath is a connection to the networks of gw-cert.
const secondPath = `
connections {
	gw-second : ike-defaults {
		local {
			auth = psk
			id = gw-second.%[1]s.example
		}
		remote {
			auth = psk
			id = gw-second.%[2]s.example
		}
		children {
			second-net : child-defaults {
				local_ts = 10.%[3]d.2.0/24
				remote_ts = 10.%[4]d.2.0/24
			}
		}
	}
}
secrets {
	ike-second {
		secret = second-path
		id-0 = gw-second.moon.example
		id-1 = gw-second.sun.example
	}
}`

func tunnelsScene() scene {
	return scene{
		name: "tunnels", more: []string{"second-net"},
		options: []lab.Option{
			lab.WithSwanctl(fmt.Sprintf(secondPath, "moon", "sun", 1, 2), lab.Moon),
			lab.WithSwanctl(fmt.Sprintf(secondPath, "sun", "moon", 2, 1), lab.Sun),
		},
		situations: []situation{
			{
				name:     "one tunnel of a connection is down",
				expected: []string{"critical StrongSwanTunnelDown gw-gw net-net"},
				begin:    func(s *stage) { s.terminate("--child", "net-net") },
				end:      (*stage).up,
			},
			{
				name:     "a connection is down, a site is dark",
				expected: dark("gw-pq", "pq-net"),
				begin:    func(s *stage) { s.terminate("--ike", "gw-pq") },
				end:      (*stage).up,
			},
			{
				name:     "one of two tunnels to the same network is down",
				expected: []string{"critical StrongSwanTunnelDown gw-second second-net", "warning StrongSwanRedundancyLost 10.1.2.0/24 10.2.2.0/24"},
				begin:    func(s *stage) { s.terminate("--child", "second-net") },
				end:      (*stage).up,
			},
			{
				name:     "a tunnel flaps: every two minutes it goes down and comes up",
				expected: []string{"warning StrongSwanTunnelFlapping gw-gw net-net"},
				every:    minutes(2),
				again: func(s *stage) {
					s.terminate("--child", "net-net")
					s.must(s.Moon.Initiate(s.ctx(), "net-net"))
				},
			},
		},
	}
}

// impatience lets a daemon give up a peer as the rules give up: 165 s become less by haste.
func impatience() string {
	return fmt.Sprintf("charon { retransmit_timeout = %f }", 4/float64(*haste))
}

func uplinkScene() scene {
	return scene{
		name: "uplink",
		options: []lab.Option{
			lab.WithStrongswan(impatience()),
			lab.WithSwanctl(`
connections {
	gw-gw {
		dpd_delay = 1s
	}
	gw-twin {
		dpd_delay = 1s
	}
	gw-pq {
		dpd_delay = 1s
	}
	gw-cert {
		dpd_delay = 1s
		keyingtries = 0
		children {
			cert-net {
				close_action = start
			}
		}
	}
}`, lab.Moon),
		},
		situations: []situation{
			{
				name:     "the peer of all tunnels goes away; moon tries one connection again and again",
				expected: append(allDark(), "warning StrongSwanRetransmitTimeouts gw-cert"),
				begin:    func(s *stage) { s.must(s.Sun.Stop(s.ctx())) },
				end: func(s *stage) {
					s.must(s.Sun.Start(s.ctx()))
					s.must(s.Sun.LoadAll(s.ctx()))
					s.up()
				},
			},
			{
				name:     "the uplink is cut",
				expected: allDark(),
				begin:    func(s *stage) { s.must(s.Moon.Unplug(s.ctx())) },
				end: func(s *stage) {
					s.must(s.Moon.Plug(s.ctx()))
					s.up()
				},
			},
		},
	}
}

func silenceScene() scene {
	var stop func()
	return scene{name: "silence", situations: []situation{{
		name:     "a tunnel is up, packets go in, none comes out; others are idle or work",
		expected: []string{"warning StrongSwanTunnelSilent gw-gw net-net"},
		begin: func(s *stage) {
			// An address behind sun that nobody has. In the other tunnel somebody answers.
			stop = s.inBackground(s.Moon, "ping", "-n", "-q", "-i", "0.2", "-I", s.Moon.Inside(0), "10.2.0.77")
			s.inBackground(s.Moon, "ping", "-n", "-q", "-i", "0.2", "-I", s.Moon.Inside(4), s.Sun.Inside(4))
		},
		end: func(*stage) { stop() },
	}}}
}

// briefly is the configuration of a CHILD_SA that is to be rekeyed after 15 minutes of the rules' time and ends after 35.
func briefly() string {
	return fmt.Sprintf(`
connections {
	gw-cert {
		children {
			cert-net {
				rekey_time = %ds
				rand_time = 0s
				life_time = %ds
			}
		}
	}
}`, int(minutes(15).Seconds()), int(minutes(35).Seconds()))
}

// The peer accepts the first CHILD_SA, which has no key exchange of its own, and refuses each rekeying.
func overdueScene() scene {
	return scene{
		name: "overdue",
		options: []lab.Option{
			lab.WithSwanctl("connections { gw-cert { children { cert-net { esp_proposals = aes256gcm16 } } } }", lab.Sun),
		},
		situations: []situation{{
			name: "the peer refuses to rekey a CHILD_SA, which expires",
			expected: []string{
				"warning StrongSwanChildRekeyOverdue gw-cert cert-net", "critical StrongSwanTunnelExpiring gw-cert cert-net",
				"critical StrongSwanTunnelDown gw-cert cert-net", "warning StrongSwanProposalMismatch gw-cert",
			},
			begin: func(s *stage) {
				s.must(s.Moon.Configure(s.ctx(), briefly()))
				s.terminate("--ike", "gw-cert")
				s.up()
			},
			// The daemon itself tries again within 15 s, which are minutes of the rules' time.
			every: minutes(1), again: func(s *stage) { _ = s.Moon.Rekey(s.ctx(), "--child", "cert-net") }, // at last there is none
			end: func(s *stage) {
				s.must(s.Moon.Configure(s.ctx(), "connections { gw-cert { children { cert-net { esp_proposals = aes256gcm16 } } } }"))
				s.up()
			},
		}},
	}
}

// busyFile keeps the IKE_SA of gw-gw busy while it is there, from when host-host comes up.
const busyFile = "busy"

// busyOptions let host-host come up on demand, and what else is to be set for moon's gw-gw.
func busyOptions(more string) []lab.Option {
	return []lab.Option{
		lab.WithSwanctl("ike-defaults { mobike = no }"),
		lab.WithSwanctl(fmt.Sprintf(`
connections {
	gw-gw {
		%s
		children {
			host-host {
				updown = "sh -c 'while test -e /lab/%s; do sleep 0.1; done'"
				start_action = trap
			}
		}
	}
}`, more, busyFile), lab.Moon),
	}
}

func busyScene() scene {
	return scene{
		name: "busy", down: []string{"host-host"}, options: busyOptions("rekey_time = 60s\nrand_time = 0s\nover_time = 1h"),
		situations: []situation{
			{
				name:  "the exporter is restarted while an IKE_SA is busy, and finds its tunnels only later",
				lasts: quiet(),
				begin: func(s *stage) {
					s.occupy()
					s.restartExporter()
					<-time.After(minutes(10))
					s.release()
				},
			},
			{
				name:     "a thread never lets go of an IKE_SA, whose rekeying becomes due",
				expected: []string{"warning StrongSwanSweepIncomplete", "warning StrongSwanIKERekeyOverdue gw-gw"},
				begin:    (*stage).occupy,
			},
		},
	}
}

func threadsScene() scene {
	return scene{
		name: "threads", down: []string{"host-host"}, options: busyOptions(""),
		situations: []situation{{
			name:     "all threads but one are kept by those who wait for an IKE_SA that is busy for minutes",
			expected: []string{"warning StrongSwanWorkersSaturated"},
			begin: func(s *stage) {
				s.occupy()
				s.exhaustThreads()
			},
		}},
	}
}

// occupy returns when moon's IKE_SA of gw-gw is busy.
func (s *stage) occupy() {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.Moon.Dir(), busyFile), nil, 0o600))
	session := dial(s.ctx(), s.t, s.Moon)
	s.must(session.Initiate(s.ctx(), vici.InitiateRequest{Child: "host-host", Timeout: vici.NoWait}, nil))
	await(s.t, func() bool { return isBusy(s.ctx(), s.t, session) }, "moon is busy")
}

// release ends what occupy began.
func (s *stage) release() {
	s.t.Helper()
	s.must(os.Remove(filepath.Join(s.Moon.Dir(), busyFile)))
	session := dial(s.ctx(), s.t, s.Moon)
	await(s.t, func() bool { return !isBusy(s.ctx(), s.t, session) }, "moon is busy no more")
	s.terminate("--child", "host-host")
}

// exhaustThreads lets clients wait in the daemon, as impatient scripts do, until one thread is idle at best.
func (s *stage) exhaustThreads() {
	s.t.Helper()
	const looks = 8
	session := dial(s.ctx(), s.t, s.Moon)
	best := func() (most int) {
		for range looks {
			most = max(most, idleWorkers(s.ctx(), s.t, session))
			<-time.After(pollInterval)
		}
		return most
	}
	for idle := best(); idle > 1; idle = best() {
		client := dial(s.ctx(), s.t, s.Moon)
		go func() {
			for _, err := range client.ListSAs(s.ctx(), vici.ListSAsRequest{}) {
				_ = err // nobody reads what they wait for
			}
		}()
		await(s.t, func() bool { return best() < idle }, "another thread waits")
	}
}

func floodScene() scene {
	const handshakes = 60
	return scene{
		name: "flood",
		options: []lab.Option{
			lab.WithStrongswan("charon {\n dos_protection = no\n half_open_timeout = 120\n}", lab.Moon),
			lab.WithStrongswan("charon { reuse_ikesa = no }", lab.Carol),
		},
		situations: []situation{{
			name:     fmt.Sprintf("%d users begin, and the gateway's answers are lost", handshakes),
			expected: []string{"warning StrongSwanHalfOpenHigh"},
			begin: func(s *stage) {
				s.run(s.Moon, "ip", "route", "add", "blackhole", s.Carol.Outer+"/32")
				session := dial(s.ctx(), s.t, s.Carol)
				for range handshakes {
					s.must(session.Initiate(s.ctx(), vici.InitiateRequest{Child: "home", Timeout: vici.NoWait}, nil))
				}
			},
			end: func(s *stage) {
				s.must(s.Carol.Stop(s.ctx()))
				s.run(s.Moon, "ip", "route", "delete", "blackhole", s.Carol.Outer+"/32")
			},
		}},
	}
}

// run runs a program in a gateway's network.
func (s *stage) run(g *lab.Gateway, name string, args ...string) {
	s.t.Helper()
	s.must(g.Command(s.ctx(), name, args...).Run())
}

func daemonScene() scene {
	return scene{name: "daemon", situations: []situation{
		{
			name:     "the daemon is stopped",
			expected: []string{"critical StrongSwanDown"},
			begin:    func(s *stage) { s.must(s.Moon.Stop(s.ctx())) },
			end: func(s *stage) {
				s.must(s.Moon.Start(s.ctx()))
				s.must(s.Moon.LoadAll(s.ctx()))
				s.up()
			},
		},
		{
			name:     "the daemon is restarted, and its connections are not loaded",
			expected: []string{"critical StrongSwanNothingLoaded"},
			begin:    func(s *stage) { s.restart(s.Moon) },
			end: func(s *stage) {
				s.must(s.Moon.LoadAll(s.ctx()))
				s.up()
			},
		},
		{
			name:     "the daemon dies every ten minutes, and is started and loaded at once",
			expected: []string{"warning StrongSwanRestarting"},
			every:    minutes(10),
			again: func(s *stage) {
				s.must(s.Moon.Kill(s.ctx()))
				s.must(s.Moon.Start(s.ctx()))
				s.must(s.Moon.LoadAll(s.ctx()))
				s.up()
			},
		},
		{
			name:     "the exporter is stopped",
			expected: []string{"critical StrongSwanExporterDown"},
			begin:    func(s *stage) { s.exporters[lab.Moon].end(s.t) },
			end:      func(s *stage) { s.watchGateway(s.Moon) },
		},
	}}
}
