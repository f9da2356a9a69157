// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package lab_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// testTimeout bounds what one test does with daemons.
const testTimeout = 2 * time.Minute

// What each generation must be able to do, and that nothing of it is left.
func TestGenerations(t *testing.T) {
	t.Parallel()
	for _, generation := range lab.Generations() {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			lab.Require(t, generation)
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			start := time.Now()
			l, err := lab.Open(ctx, generation)
			require.NoError(t, err)
			defer func() { require.NoError(t, l.Close()) }()
			t.Logf("strongSwan %s is up after %v", l.Version(), time.Since(start).Round(time.Millisecond))

			t.Run("site to site", siteToSite(ctx, l))
			t.Run("road warriors", roadWarriors(ctx, l))
			t.Run("other tunnels", otherTunnels(ctx, l))
			t.Run("policies and certificates", policiesAndCertificates(ctx, l))

			require.NoError(t, l.Close())
			require.Empty(t, leftovers(t, filepath.Dir(l.Moon.Dir())))
		})
	}
}

func siteToSite(ctx context.Context, l *lab.Lab) func(*testing.T) {
	return func(t *testing.T) {
		const pings = 5
		require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
		require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), pings))
		require.NoError(t, l.Sun.Ping(ctx, l.Sun.Inside(0), l.Moon.Inside(0), pings))
		requireEqualCounters(ctx, t, l, 2*pings)

		before := childIDs(ctx, t, l.Moon, "net-net")
		require.Len(t, before, 1)
		require.NoError(t, l.Moon.Rekey(ctx, "--child", "net-net"))
		require.Eventually(t, func() bool {
			after := childIDs(ctx, t, l.Moon, "net-net")
			return len(after) > 0 && after[len(after)-1] != before[0]
		}, 10*time.Second, 50*time.Millisecond, "the child is not rekeyed")
		require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), pings))

		require.NoError(t, l.Moon.Terminate(ctx, "--ike", "gw-gw"))
		require.Empty(t, sas(ctx, t, l.Moon))
		require.Error(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), 1), "traffic passes without a tunnel")
	}
}

// requireEqualCounters checks that both TUN devices have seen n packets of ping's in
// each direction, and nothing else.
func requireEqualCounters(ctx context.Context, t *testing.T, l *lab.Lab, n uint64) {
	t.Helper()
	moonReceived, moonSent, err := l.Moon.TunnelBytes(ctx)
	require.NoError(t, err)
	sunReceived, sunSent, err := l.Sun.TunnelBytes(ctx)
	require.NoError(t, err)
	const echo = 84 // bytes, with the IP header
	want := lab.Counters{Bytes: n * echo, Packets: n}
	for _, counters := range []lab.Counters{moonReceived, moonSent, sunReceived, sunSent} {
		require.Equal(t, want, counters)
	}
}

func roadWarriors(ctx context.Context, l *lab.Lab) func(*testing.T) {
	return func(t *testing.T) {
		require.NoError(t, l.Carol.Initiate(ctx, "home"))
		require.NoError(t, l.Carol.Initiate(ctx, "home-dave"))
		list := sas(ctx, t, l.Moon)
		require.Regexp(t, `rw-eap: .*\n.*\n +remote 'carol@example' @ 192\.0\.2\.3\[4500\] EAP: 'carol' \[10\.3\.0\.1\]`, list)
		require.Regexp(t, `remote 'dave@example' @ 192\.0\.2\.3\[4500\] EAP: 'dave' \[10\.3\.0\.2\]`, list)
		require.NoError(t, l.Carol.Ping(ctx, "10.3.0.1", l.Moon.Inside(0), 3))
		require.NoError(t, l.Carol.Ping(ctx, "10.3.0.2", l.Moon.Inside(0), 3))
		require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), "10.3.0.1", 3))

		pools, err := l.Moon.Swanctl(ctx, "--list-pools")
		require.NoError(t, err)
		require.Regexp(t, `rw-pool +10\.3\.0\.[01] +2 / 0 / 14`, pools)
		require.NoError(t, l.Carol.Terminate(ctx, "--ike", "home"))
		require.NoError(t, l.Carol.Terminate(ctx, "--ike", "home-dave"))
		require.Empty(t, sas(ctx, t, l.Moon))
	}
}

func otherTunnels(ctx context.Context, l *lab.Lab) func(*testing.T) {
	return func(t *testing.T) {
		children := map[int]string{0: "net-net", 1: "twin-net", 2: "cert-net", 5: "trap-net", 6: lab.OddChild}
		if l.HasIKEv1() {
			children[3] = "v1-net"
		}
		if l.HasPostQuantum() {
			children[4] = "pq-net"
		}
		for _, child := range children {
			if child != "twin-net" {
				require.NoError(t, l.Moon.Initiate(ctx, child))
			}
		}
		require.NoError(t, l.Moon.Initiate(ctx, "twin-net"))
		require.NoError(t, l.Moon.Initiate(ctx, "host-host"))
		for network := range children {
			require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(network), l.Sun.Inside(network), 2))
		}
		require.NoError(t, l.Moon.Ping(ctx, "10.1.0.9", "10.2.0.9", 2))

		list := sas(ctx, t, l.Moon)
		require.NotRegexp(t, `(?m)^gw-twin: `, list, "twin-net is to join the IKE_SA of gw-gw")
		require.Contains(t, list, lab.OddConnection+": #")
		require.Equal(t, l.HasIKEv1(), strings.Contains(list, "IKEv1"))
		require.Equal(t, l.HasPostQuantum(), strings.Contains(list, "ML_KEM_768"))
	}
}

func policiesAndCertificates(ctx context.Context, l *lab.Lab) func(*testing.T) {
	return func(t *testing.T) {
		policies, err := l.Moon.Swanctl(ctx, "--list-pols")
		require.NoError(t, err)
		require.Regexp(t, `(?m)^gw-trap/trap-net, .*TUNNEL$`, policies)
		require.Regexp(t, `(?m)^shunts/pass-local, .*PASS$`, policies)
		require.Regexp(t, `(?m)^shunts/drop-smtp, .*DROP$`, policies)

		certificates, err := l.Moon.Swanctl(ctx, "--list-certs")
		require.NoError(t, err)
		require.Contains(t, certificates, "CN=brainpool.example")
		require.Regexp(t, `(?s)CN=negative\.example.*serial: +ed:99`, certificates)
		require.Contains(t, certificates, "0b:ad:c0:de", "the CRL")
		authorities, err := l.Moon.Swanctl(ctx, "--list-authorities")
		require.NoError(t, err)
		require.Contains(t, authorities, "http://192.0.2.2/lab.crl")

		secrets, err := l.Secrets()
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(secrets), 9, "five pre-shared keys, two passwords, a private key of some lines")
	}
}

// sas returns what swanctl lists.
func sas(ctx context.Context, t *testing.T, g *lab.Gateway) string {
	t.Helper()
	output, err := g.Swanctl(ctx, "--list-sas")
	require.NoError(t, err)
	return output
}

// childIDs returns the unique ids of the CHILD_SAs of a child, as they are listed.
func childIDs(ctx context.Context, t *testing.T, g *lab.Gateway, child string) []string {
	t.Helper()
	var ids []string
	pattern := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(child) + `: #(\d+),`)
	for _, match := range pattern.FindAllStringSubmatch(sas(ctx, t, g), -1) {
		ids = append(ids, match[1])
	}
	return ids
}

// leftovers returns what there is of the laboratory that has this directory: its
// network namespaces, its processes, mounts that any process sees, the directory.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	name := filepath.Base(dir)
	left, err := filepath.Glob("/run/netns/" + name + "*")
	require.NoError(t, err)
	if _, err := os.Stat(dir); err == nil {
		left = append(left, dir)
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, process := range processes {
		// What is gone while we look is not left either.
		commandLine, _ := os.ReadFile(process + "/cmdline")
		mounts, _ := os.ReadFile(process + "/mountinfo")
		if strings.Contains(string(commandLine), name) || strings.Contains(string(mounts), name) {
			left = append(left, process+" "+strings.ReplaceAll(string(commandLine), "\x00", " "))
		}
	}
	return left
}
