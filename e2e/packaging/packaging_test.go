// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package packaging

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// How long the exporter may take to notice, and how often it is asked.
const (
	timeout = 10 * time.Second
	pause   = 200 * time.Millisecond
)

func itoa(n int) string { return strconv.Itoa(n) }

// labWithGroup builds a laboratory whose daemons give their sockets to the group, as strongswan-vici.conf does.
func labWithGroup(t *testing.T, generation string) *lab.Lab {
	t.Helper()
	return lab.New(t, generation, lab.WithStrongswan("charon {\n group = users\n}"))
}

// Under the unit's restrictions, everything works that has to: with the socket where Debian and where Fedora have it,
// and over a restart of the daemon, which makes a new socket.
func TestUnit(t *testing.T) {
	u := readUnit(t)
	bin := build(t)
	for _, c := range []struct{ name, generation, address string }{
		{"debian", "5.9.8", "unix:///var/run/charon.vici"},
		{"fedora", "6.1.0", "unix:///run/strongswan/charon.vici"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := labWithGroup(t, c.generation)
			require.NoError(t, l.Moon.Initiate(t.Context(), "net-net"))
			s := start(t, u, bin, l.Moon.Dir(), socketGroup, "STRONGSWAN_EXPORTER_VICI_ADDRESS="+c.address)

			page := s.scrape()
			require.Contains(t, page, "\nstrongswan_up 1\n", s.logged())
			require.Contains(t, page, `strongswan_child_up{child="net-net",connection="gw-gw"} 1`)
			require.NotContains(t, page, "strongswan_scrape_collector_success{collector=\"sas\"} 0")
			require.Contains(t, page, "\nprocess_start_time_seconds ")
			s.requireRestricted()

			require.NoError(t, l.Moon.Stop(t.Context()))
			require.Eventually(t, func() bool { return strings.Contains(s.scrape(), "\nstrongswan_up 0\n") }, timeout, pause)
			require.NoError(t, l.Moon.Start(t.Context()))
			require.Eventually(t, func() bool { return strings.Contains(s.scrape(), "\nstrongswan_up 1\n") }, timeout, pause, s.logged())

			s.stop()
			require.FileExists(t, filepath.Join(s.stateDir, "state"))
			info, err := os.Stat(filepath.Join(s.stateDir, "state"))
			require.NoError(t, err)
			require.Zero(t, info.Mode().Perm()&0o077, "others can read the state")
		})
	}

	// Who is not in the group is told what is missing.
	t.Run("without the group", func(t *testing.T) {
		l := labWithGroup(t, "5.9.8")
		s := start(t, u, bin, l.Moon.Dir(), "")
		require.Contains(t, s.scrape(), "\nstrongswan_up 0\n")
		require.Contains(t, s.logged(), "permission denied")
		s.stop()
	})
}

// requireRestricted asks the kernel whether the restrictions are in force.
func (s *service) requireRestricted() {
	s.t.Helper()
	require.Equal(s.t, "64500 64500 64500 64500", s.status("Uid"))
	require.Equal(s.t, "100 64500", s.status("Groups"))
	require.Equal(s.t, "0000000000000000", s.status("CapEff"))
	require.Equal(s.t, "0000000000000000", s.status("CapBnd"))
	require.Equal(s.t, "1", s.status("NoNewPrivs"))
	require.Equal(s.t, "2", s.status("Seccomp"), "a filter")
}
