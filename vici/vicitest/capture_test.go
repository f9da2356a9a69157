// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// recorded returns the messages in a recording of a real daemon: events of a name, or, where it
// is empty, answers.
func recorded(t *testing.T, release, file, event string) []*vici.Message {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "captures", release, file))
	require.NoError(t, err)
	var all []*vici.Message
	packets := vici.NewPacketReader(bytes.NewReader(data), 0)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all, "nothing in %s", file)
			return all
		}
		require.NoError(t, err)
		if p.Type == vici.EventPacket && string(p.Name) == event || p.Type == vici.CmdResponse && event == "" {
			m, err := vici.ParseMessage(p.Body)
			require.NoError(t, err)
			all = append(all, m)
		}
	}
}

var recordedReleases = []string{"5.9.8", "6.0.6"}

// everything is an IKE_SA with a child in which no key is left out.
func everything(now time.Time) vicitest.IKESA {
	suite := vicitest.Suite{
		Encryption: "AES_CBC", EncryptionBits: 256, Integrity: "HMAC_SHA2_256_128", IntegrityBits: 256,
		PRF: "PRF_HMAC_SHA2_256", KE: "CURVE_25519", AKE: []string{"ML_KEM_768", "ML_KEM_1024"}, ESN: true,
	}
	childSuite := suite
	childSuite.PRF = ""
	used := vicitest.Traffic{Bytes: 1, Packets: 1, Last: now}
	return vicitest.IKESA{
		Name: "all", Version: 2, State: vicitest.IKEEstablished,
		Local:  vicitest.Endpoint{Host: "192.0.2.1", Port: 500, ID: "a"},
		Remote: vicitest.Endpoint{Host: "192.0.2.2", Port: 500, ID: "b"}, RemoteEAPID: "c",
		Initiator: true, InitiatorSPI: 1, ResponderSPI: 2,
		NATLocal: true, NATRemote: true, NATFake: true, NATAny: true, IfIDIn: 1, IfIDOut: 2, Suite: suite, PPK: true,
		Established: now, RekeyAt: now, ReauthAt: now, LocalVIPs: []string{"10.0.0.1"}, RemoteVIPs: []string{"10.0.0.2"},
		TasksQueued: []string{"A"}, TasksActive: []string{"B"}, TasksPassive: []string{"C"},
		Children: []*vicitest.ChildSA{{
			Name: "net", ReqID: 1, State: vicitest.ChildInstalled, Mode: "TUNNEL", Label: "00", Protocol: "ESP", Encap: true,
			SPIIn: 1, SPIOut: 2, CPIIn: 3, CPIOut: 4, MarkIn: vicitest.Mark{Value: 1, Mask: 2}, MarkOut: vicitest.Mark{Value: 1, Mask: 2},
			IfIDIn: 5, IfIDOut: 6, PerCPU: true, CPU: 1, Suite: childSuite, In: used, Out: used,
			RekeyAt: now, ExpireAt: now, Installed: now, LocalTS: []string{"10.0.0.0/8"}, RemoteTS: []string{"10.0.0.0/8"},
		}},
	}
}

// keys returns the names at a message's level, in order.
func keys(m *vici.Message) []string {
	var names []string
	for e := range m.All() {
		names = append(names, e.Name)
	}
	return names
}

// firstSection returns the first section of a message, whatever its name.
func firstSection(t *testing.T, m *vici.Message) *vici.Message {
	t.Helper()
	for e := range m.All() {
		if e.Kind == vici.SectionStart {
			return e.Section
		}
	}
	require.FailNow(t, "no section", "in %s", m)
	return nil
}

// requireOrder checks that real keys all occur among ours, in the same order.
func requireOrder(t *testing.T, ours, realOnes []string) {
	t.Helper()
	at := 0
	for _, name := range realOnes {
		i := slices.Index(ours[at:], name)
		require.GreaterOrEqual(t, i, 0, "real daemons send %q after %v; we send %v", name, realOnes[:slices.Index(realOnes, name)], ours)
		at += i + 1
	}
}

func TestKeysOfSAsComeInTheRealOrder(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			d.Add(everything(time.Now()))
			ours := firstSection(t, collect(t, session(t, d), "list-sas", "list-sa", nil)[0])
			oursChild := firstSection(t, ours.Section("child-sas"))
			children := 0
			for _, file := range []string{
				"commands/list-sas.bin", "list-sas/halfopen.bin", "list-sas/after-collision.bin", "list-sas/rekeying.bin",
			} {
				for _, m := range recorded(t, release, file, "list-sa") {
					sa := firstSection(t, m)
					ours := keys(ours)
					if _, xauth := sa.Value("remote-xauth-id"); xauth {
						ours[slices.Index(ours, "remote-eap-id")] = "remote-xauth-id"
					}
					requireOrder(t, ours, keys(sa))
					for child := range sa.Section("child-sas").All() {
						requireOrder(t, keys(oursChild), keys(child.Section))
						children++
					}
				}
			}
			require.Positive(t, children)
		})
	}
}

// What a gateway like the recorded one gives must have the very keys of the recording, no more and no less.
func TestSiteToSiteTunnelHasTheRealKeys(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			d.Load(gateway())
			_, err := d.Establish("gw-gw", vicitest.Peer{NAT: true})
			require.NoError(t, err)
			d.CarryAll(1)
			ours := firstSection(t, collect(t, session(t, d), "list-sas", "list-sa", nil)[0])
			for _, m := range recorded(t, release, "commands/list-sas.bin", "list-sa") {
				if m.Section("gw-gw") == nil {
					continue
				}
				sa := firstSection(t, m)
				require.Equal(t, keys(sa), keys(ours))
				require.Equal(t, keys(firstSection(t, sa.Section("child-sas"))), keys(firstSection(t, ours.Section("child-sas"))))
			}
		})
	}
}

func TestConnectionsHaveTheRealKeys(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			d.Load(gateway())
			ours := collect(t, session(t, d), "list-conns", "list-conn", nil)[0]
			for _, m := range recorded(t, release, "commands/list-conns.bin", "list-conn") {
				if m.Section("gw-gw") == nil {
					continue
				}
				require.Equal(t, m.Section("gw-gw", "children", "net-net").String(), ours.Section("gw-gw", "children", "net-net").String())
				require.Equal(t, keys(m.Section("gw-gw")), keys(ours.Section("gw-gw")))
				require.Equal(t, m.Section("gw-gw", "local-1").String(), ours.Section("gw-gw", "local-1").String())
			}
		})
	}
}

// The other answers of a fake and a real daemon have the same keys at each level that does not
// depend on what is loaded.
func TestAnswersHaveTheRealKeys(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			require.NoError(t, d.LoadPool("rw-pool", "10.3.0.0/28"))
			d.Load(gateway())
			_, err := d.Establish("gw-gw", vicitest.Peer{Responder: true, ID: "alice@example.org"})
			require.NoError(t, err)
			s := session(t, d)
			for file, c := range map[string]struct {
				command string
				request *vici.Message
				levels  [][]string
			}{
				"version": {"version", nil, [][]string{nil}},
				"stats": {"stats", nil, [][]string{
					nil, {"uptime"}, {"workers"}, {"workers", "active"}, {"queues"}, {"ikesas"}, {"mallinfo"},
				}},
				"get-pools":            {"get-pools", nil, [][]string{{"rw-pool"}}},
				"get-pools-leases":     {"get-pools", message("leases", "yes"), [][]string{{"rw-pool"}, {"rw-pool", "leases", "0"}}},
				"get-counters":         {"get-counters", nil, [][]string{nil, {"counters"}, {"counters", ""}}},
				"get-counters-all":     {"get-counters", message("all", "yes"), [][]string{nil, {"counters", "gw-gw"}}},
				"get-counters-unknown": {"get-counters", message("name", "nosuchconn"), [][]string{nil, {"counters"}}},
				"get-algorithms":       {"get-algorithms", nil, [][]string{nil}},
				"get-conns":            {"get-conns", nil, [][]string{nil}},
				"get-keys":             {"get-keys", nil, [][]string{nil}},
				"get-shared":           {"get-shared", nil, [][]string{nil}},
				"get-authorities":      {"get-authorities", nil, [][]string{nil}},
			} {
				ours, err := s.Call(t.Context(), c.command, c.request)
				if file != "get-counters-unknown" {
					require.NoError(t, err)
				}
				realOne := recorded(t, release, "commands/"+file+".bin", "")[0]
				for _, level := range c.levels {
					require.Equal(t, keys(realOne.Section(level...)), keys(ours.Section(level...)), "%s %v", file, level)
				}
			}
		})
	}
}

func TestPoliciesHaveTheRealForm(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			d.Load(vicitest.Connection{Name: "gw-trap", Children: []vicitest.Child{
				{Name: "trapped", StartAction: "trap", LocalTS: []string{"10.71.0.0/24"}, RemoteTS: []string{"10.72.0.0/24"}},
			}})
			ours := collect(t, session(t, d), "list-policies", "list-policy", message("trap", "yes"))
			require.Len(t, ours, 1)
			var found bool
			for _, m := range recorded(t, release, "commands/list-policies.bin", "list-policy") {
				if m.Section("gw-trap/trapped") != nil {
					require.Equal(t, m.String(), ours[0].String())
					found = true
				}
			}
			require.True(t, found)
		})
	}
}
