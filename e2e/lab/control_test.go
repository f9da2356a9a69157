// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// newest is the generation for what does not depend on it.
const newest = "6.1.0"

// holdVariable makes the test binary hold a laboratory open instead of testing.
const holdVariable = "STRONGSWAN_LAB_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdVariable) != "" {
		os.Exit(hold())
	}
	os.Exit(m.Run())
}

// hold opens a laboratory, says where it is and waits to be ended.
func hold() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
	defer stop()
	l, err := lab.Open(ctx, newest)
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	fmt.Fprintln(os.Stdout, filepath.Dir(l.Moon.Dir()))
	<-ctx.Done()
	return 0
}

// However the process of a laboratory ends, the laboratory is removed.
func TestRemovedWithItsProcess(t *testing.T) {
	t.Parallel()
	lab.Require(t, newest)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			holder := exec.CommandContext(t.Context(), os.Args[0])
			holder.Env = append(os.Environ(), holdVariable+"=1")
			output, err := holder.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, holder.Start())
			lines := bufio.NewScanner(output)
			require.True(t, lines.Scan())
			dir := lines.Text()
			require.NotEmpty(t, leftovers(t, dir), dir)

			require.NoError(t, holder.Process.Signal(signal))
			_ = holder.Wait() // ended by a signal
			require.Eventually(t, func() bool { return len(leftovers(t, dir)) == 0 },
				10*time.Second, 50*time.Millisecond)
		})
	}
}

// What a killed keeper left is removed by the next laboratory.
func TestStaleIsRemoved(t *testing.T) {
	t.Parallel()
	lab.Require(t, newest)
	dead := exec.CommandContext(t.Context(), "true")
	require.NoError(t, dead.Run())
	dir := filepath.Join(os.TempDir(), "swlab-"+strconv.Itoa(dead.Process.Pid)+"-1") //nolint:usetesting // where laboratories are
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "moon"), 0o750))
	namespace := filepath.Base(dir) + "-moon"
	require.NoError(t, exec.CommandContext(t.Context(), "ip", "netns", "add", namespace).Run())
	orphan := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, "sleep", "1000")
	require.NoError(t, orphan.Start())

	lab.New(t, newest)
	require.Empty(t, leftovers(t, dir))
	require.ErrorContains(t, orphan.Wait(), "killed")
}

func TestDaemonControl(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	l := lab.New(t, newest)
	moon := l.Moon
	first := moon.PID()
	require.Positive(t, first)
	require.ErrorContains(t, moon.Start(ctx), "it is running")

	require.NoError(t, moon.Pause())
	hurried, cancelHurried := context.WithTimeout(ctx, 300*time.Millisecond)
	_, err := moon.Swanctl(hurried, "--stats")
	cancelHurried()
	require.ErrorIs(t, err, context.DeadlineExceeded, "a paused daemon must not answer")
	require.NoError(t, moon.Continue())
	_, err = moon.Swanctl(ctx, "--stats")
	require.NoError(t, err)

	require.NoError(t, moon.Kill(ctx))
	require.Zero(t, moon.PID())
	_, err = (&net.Dialer{}).DialContext(ctx, "unix", moon.Socket())
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "a killed daemon leaves its socket")
	require.ErrorContains(t, moon.Pause(), "does not run")

	require.NoError(t, moon.Start(ctx))
	require.NotEqual(t, first, moon.PID())
	connections, err := moon.Swanctl(ctx, "--list-conns")
	require.NoError(t, err)
	require.Empty(t, connections, "a restarted daemon has no connections")
	require.NoError(t, moon.LoadAll(ctx))
	require.NoError(t, moon.Initiate(ctx, "net-net"))

	require.NoError(t, moon.Configure(ctx, "connections { gw-gw { unique = replace } }"))
	connections, err = moon.Swanctl(ctx, "--list-conns", "--raw")
	require.NoError(t, err)
	require.Contains(t, connections, "unique=UNIQUE_REPLACE")
	require.NoError(t, moon.Stop(ctx))
	require.Zero(t, moon.PID())
	require.Contains(t, logOf(t, moon), "SIGTERM received, shutting down")
}

// A wire can be cut and mended.
func TestUnplug(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	l := lab.New(t, newest)
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Outer, l.Sun.Outer, 2))
	require.NoError(t, l.Sun.Unplug(ctx))
	require.Error(t, l.Moon.Ping(ctx, l.Moon.Outer, l.Sun.Outer, 1))
	require.NoError(t, l.Sun.Plug(ctx))
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Outer, l.Sun.Outer, 2))
}

// Traffic goes in both directions through a delaying wire, while both ends rekey.
func TestTraffic(t *testing.T) {
	const (
		delay    = 40 * time.Millisecond
		duration = 6 * time.Second
		bitrate  = 8_000_000
	)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	l := lab.New(t, newest, lab.WithDelay(delay, lab.Moon), lab.WithChildRekey(3*time.Second))
	start := time.Now()
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Outer, l.Sun.Outer, 1))
	require.Greater(t, time.Since(start), 2*delay)

	require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
	for _, udp := range []bool{false, true} {
		receivedBefore, sentBefore, err := l.Moon.TunnelBytes(ctx)
		require.NoError(t, err)
		require.NoError(t, l.Iperf(ctx, lab.Traffic{
			From: l.Moon, To: l.Sun,
			FromInside: l.Moon.Inside(0), ToInside: l.Sun.Inside(0),
			Duration: duration, BitsPerSecond: bitrate, UDP: udp,
		}))
		received, sent, err := l.Moon.TunnelBytes(ctx)
		require.NoError(t, err)
		const wanted = bitrate / 8 * uint64(duration/time.Second)
		require.InEpsilon(t, wanted, received.Bytes-receivedBefore.Bytes, 0.25)
		require.InEpsilon(t, wanted, sent.Bytes-sentBefore.Bytes, 0.25)
	}
	ids := childIDs(ctx, t, l.Moon, "net-net")
	require.NotEqual(t, []string{"1"}, ids, "the child was not rekeyed")
}

// An updown script that sleeps keeps an IKE_SA busy that has been up before.
func TestSlowUpdown(t *testing.T) {
	t.Parallel()
	const pause = 3 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	l := lab.New(t, newest, lab.WithSlowUpdown(pause, lab.Moon))
	idle := func() bool {
		list, err := l.Moon.Swanctl(ctx, "--list-sas", "--noblock")
		require.NoError(t, err)
		return list != ""
	}
	require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
	require.Eventually(t, idle, 2*pause, 50*time.Millisecond)

	initiated := make(chan error)
	go func() { initiated <- l.Moon.Initiate(ctx, "host-host") }()
	require.Eventually(t, func() bool { return !idle() }, pause, 20*time.Millisecond, "the IKE_SA does not become busy")
	start := time.Now()
	require.Contains(t, sas(ctx, t, l.Moon), "host-host")
	require.Greater(t, time.Since(start), pause/2, "the list is to wait for the script")
	require.NoError(t, <-initiated)
}

// The daemon's name server never answers, so resolving a peer's name takes long.
func TestDeadNameServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	l := lab.New(t, newest)
	require.NoError(t, l.Moon.Configure(ctx, `connections {
		gw-dns {
			remote_addrs = gateway.example
			local {
				auth = psk
			}
			remote {
				auth = psk
			}
			children {
				dns-net {
				}
			}
		}
	}`))
	start := time.Now()
	require.Error(t, l.Moon.Initiate(ctx, "dns-net"))
	require.Greater(t, time.Since(start), 4*time.Second)
}

func logOf(t *testing.T, g *lab.Gateway) string {
	t.Helper()
	text, err := os.ReadFile(g.LogFile())
	require.NoError(t, err)
	return string(text)
}
