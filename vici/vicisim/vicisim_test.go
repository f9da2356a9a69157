// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// asProgram makes the test binary be vicisim itself.
const asProgram = "VICISIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestProgramEndsCleanly(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "charon.vici")
			program := exec.CommandContext(t.Context(), os.Args[0], "--socket", socket, "--generation", "5.9")
			program.Env = append(os.Environ(), asProgram+"=1")
			output, err := program.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			line, err := bufio.NewReader(output).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "vicisim imitates charon 5.9.8 on unix://"+socket+"\n", line)
			client, err := vici.Dial(t.Context(), socket)
			require.NoError(t, err)
			_, err = client.Call(t.Context(), "stats", nil)
			require.NoError(t, err)
			require.NoError(t, program.Process.Signal(signal))
			require.NoError(t, program.Wait(), "status 0")
			require.NoFileExists(t, socket)
			require.NoError(t, client.Close())
		})
	}
}

func TestProgramRefuses(t *testing.T) {
	for arguments, want := range map[string]string{
		"--socket=unix://relative":              "must be absolute",
		"--generation=7":                        "is not of the form",
		"--sas=1 --connections=2":               "each connection needs an IKE_SA",
		"--sas=-1":                              "must not be negative",
		"--churn=-1":                            "must not be negative",
		"--copies=0":                            "must be 1 at least",
		"--copies=2 --socket=tcp://127.0.0.1:0": "a --socket that is a path",
		"--socket=/proc/x":                      "cannot serve VICI",
	} {
		program := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(arguments)...)
		program.Env = append(os.Environ(), asProgram+"=1")
		output, err := program.CombinedOutput()
		var failed *exec.ExitError
		require.ErrorAs(t, err, &failed, arguments)
		require.Equal(t, 1, failed.ExitCode())
		require.Contains(t, string(output), want)
	}
}

func TestHelpNamesAllFlags(t *testing.T) {
	program := exec.CommandContext(t.Context(), os.Args[0], "--help")
	program.Env = append(os.Environ(), asProgram+"=1")
	output, err := program.CombinedOutput()
	require.NoError(t, err)
	for _, flag := range []string{
		"--socket", "--generation", "--seed", "--sas", "--children", "--connections", "--half-open", "--rekey-interval", "--churn",
		"--traffic", "--events", "--copies",
	} {
		require.Contains(t, string(output), flag)
	}
}

func TestRunRefusesALiveSocket(t *testing.T) {
	o := parse(t, "--socket="+filepath.Join(t.TempDir(), "s"))
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error)
	go func() { done <- run(ctx, o, writer) }()
	_, err := bufio.NewReader(reader).ReadString('\n')
	require.NoError(t, err)
	require.ErrorContains(t, run(ctx, o, io.Discard), "already listens")
	cancel()
	require.NoError(t, <-done)
}

func TestCopiesAreDaemonsOfTheirOwn(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error)
	o := parse(t, "--socket="+socket, "--copies=3", "--sas=2")
	go func() { done <- run(ctx, o, writer) }()
	lines := bufio.NewScanner(reader)
	spis := make(map[vici.IKESPI]bool)
	for _, n := range []string{"1", "2", "3"} {
		require.True(t, lines.Scan())
		require.Equal(t, "vicisim imitates charon 6.1.0 on unix://"+socket+"-"+n, lines.Text())
		client, err := vici.Dial(ctx, "unix://"+socket+"-"+n)
		require.NoError(t, err)
		for sa, err := range client.ListSAs(ctx, vici.ListSAsRequest{}) {
			require.NoError(t, err)
			spis[sa.InitiatorSPI.Or(0)] = true
		}
		require.NoError(t, client.Close())
	}
	require.Len(t, spis, 6, "each has SAs of its own")
	cancel()
	require.NoError(t, <-done)
	left, err := filepath.Glob(socket + "*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func parse(t *testing.T, arguments ...string) options {
	t.Helper()
	var o options
	_, err := newParser(&o).Parse(arguments)
	require.NoError(t, err)
	require.NoError(t, o.check())
	return o
}

// A sim is a simulator inside a bubble, with a client.
type sim struct {
	*vici.Session

	t *testing.T
	d *vicitest.Daemon
}

// simulate runs what the arguments ask for, in a bubble where time is free.
func simulate(t *testing.T, test func(s sim), arguments ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, life, err := build(parse(t, arguments...))
		require.NoError(t, err)
		t.Cleanup(d.Close)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			life(ctx)
		}()
		t.Cleanup(func() {
			cancel()
			<-done
		})
		session, err := (&vici.Dialer{DialContext: d.Dial}).Dial(t.Context())
		require.NoError(t, err)
		test(sim{session, t, d})
		require.NoError(t, session.Close())
	})
}

// pass lets time go by.
func (s sim) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (s sim) sas() []*vici.IKESA {
	s.t.Helper()
	var all []*vici.IKESA
	for sa, err := range s.ListSAs(s.t.Context(), vici.ListSAsRequest{}) {
		require.NoError(s.t, err)
		all = append(all, sa.Clone())
	}
	return all
}

// byName counts IKE_SAs by connection.
func byName(sas []*vici.IKESA) map[string]int {
	count := make(map[string]int)
	for _, sa := range sas {
		count[sa.Name]++
	}
	return count
}

func TestFleetTellsTheSameEachTime(t *testing.T) {
	simulate(t, func(s sim) {
		first := s.sas()
		require.Len(s.t, first, 1000)
		require.Len(s.t, byName(first), 20)
		ids := make(map[uint32]bool)
		for _, sa := range first {
			require.Len(s.t, sa.Children, 3)
			for _, c := range sa.Children {
				ids[c.UniqueID.Or(0)] = true
			}
		}
		require.Len(s.t, ids, 3000, "unique ids")
		s.pass(10 * time.Second)
		for i, sa := range s.sas() {
			require.Equal(s.t, first[i].UniqueID, sa.UniqueID)
			require.Equal(s.t, first[i].InitiatorSPI, sa.InitiatorSPI)
			for n := range sa.Children {
				require.Equal(s.t, first[i].Children[n].SPIIn, sa.Children[n].SPIIn)
			}
		}
	}, "--sas=1000", "--connections=20", "--children=3", "--rekey-interval=0s")
}

func TestFleetTraffic(t *testing.T) {
	simulate(t, func(s sim) {
		s.pass(10 * time.Second)
		require.EqualValues(s.t, 12340, s.sas()[0].Children[0].BytesIn.Or(0))
		s.pass(90 * time.Second)
		require.EqualValues(s.t, 123400, s.sas()[0].Children[0].BytesOut.Or(0))
	}, "--sas=1", "--traffic=1234")
}

func TestFleetHalfOpen(t *testing.T) {
	simulate(t, func(s sim) {
		require.Equal(s.t, map[string]int{"branch-berlin": 1, vicitest.Unnamed: 50}, byName(s.sas()))
		stats, err := s.Call(s.t.Context(), "stats", nil)
		require.NoError(s.t, err)
		require.Equal(s.t, "{total=51 half-open=50}", stats.Section("ikesas").String())
	}, "--sas=1", "--half-open=50")
}

// events counts what a subscriber receives in a while.
func (s sim) events(d time.Duration, names ...string) map[string]int {
	s.t.Helper()
	session, err := (&vici.Dialer{DialContext: s.d.Dial}).Dial(s.t.Context())
	require.NoError(s.t, err)
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	events, err := session.Events(ctx, names...)
	require.NoError(s.t, err)
	count := make(map[string]int)
	for e, err := range events.All(ctx) {
		if err != nil {
			require.ErrorIs(s.t, err, context.DeadlineExceeded)
			break
		}
		count[e.Name]++
	}
	require.NoError(s.t, session.Close())
	return count
}

func TestFleetRekeys(t *testing.T) {
	simulate(t, func(s sim) {
		before := s.sas()
		got := s.events(41*time.Second+tick+tick/2, "child-rekey", "ike-rekey", "ike-updown")
		require.Equal(s.t, map[string]int{"child-rekey": 410, "ike-rekey": 100}, map[string]int{
			"child-rekey": got["child-rekey"], "ike-rekey": got["ike-rekey"],
		})
		after := s.sas()
		require.Len(s.t, after, len(before))
		for i := range after {
			require.NotEqual(s.t, before[i].UniqueID, after[i].UniqueID)
			require.Equal(s.t, before[i].Name, after[i].Name)
		}
		require.Len(s.t, after[50].Children, 1)
		counters, err := s.Call(s.t.Context(), "get-counters", nil)
		require.NoError(s.t, err)
		n, _ := counters.Section("counters", "").Value("child-rekey")
		require.Equal(s.t, "410", n)
	}, "--sas=100", "--rekey-interval=10s")
}

func TestFleetListsRekeyedChildrenForAWhile(t *testing.T) {
	simulate(t, func(s sim) {
		s.pass(1001 * time.Millisecond)
		s.pass(tick)
		children := s.sas()[0].Children
		require.Len(s.t, children, 2)
		require.Equal(s.t, vicitest.ChildDeleted, children[1].State)
		old := children[1].BytesIn.Or(0)
		s.pass(2 * time.Second)
		require.Equal(s.t, old, s.sas()[0].Children[1].BytesIn.Or(0), "it carries nothing more")
		s.pass(4 * time.Second)
		require.Len(s.t, s.sas()[0].Children, 1)
	}, "--sas=60", "--rekey-interval=60s")
}

func TestFleetChurn(t *testing.T) {
	simulate(t, func(s sim) {
		got := s.events(10*time.Second+tick/2, "ike-updown", "child-updown")
		require.Equal(s.t, map[string]int{"ike-updown": 100, "child-updown": 100}, got, "five per second, down and up")
		require.Len(s.t, s.sas(), 100)
	}, "--sas=100", "--churn=5", "--rekey-interval=0s")
}

// A crowd has counters for each connection from the start, as real daemons have that set up all these SAs.
func TestFleetCounters(t *testing.T) {
	value := func(s sim, request *vici.Message, name, counter string) string {
		answer, err := s.Call(s.t.Context(), "get-counters", request)
		require.NoError(s.t, err)
		n, _ := answer.Section("counters", name).Value(counter)
		return n
	}
	all := new(vici.Message).Add("all", "yes")
	simulate(t, func(s sim) {
		require.Equal(s.t, "1", value(s, all, "branch-zurich", "ike-auth-out-req"))
		require.Equal(s.t, "40", value(s, nil, "", "ike-init-out-req"))
	}, "--sas=40", "--rekey-interval=0s")
	simulate(t, func(s sim) {
		require.Equal(s.t, "41", value(s, nil, "", "ike-init-in-req"))
		require.Equal(s.t, "41", value(s, nil, "", "ike-auth-in-req"))
		require.Equal(s.t, "41", value(s, nil, "", "info-out-req"))
	}, "--sas=41", "--connections=2", "--rekey-interval=0s")
	simulate(t, func(s sim) {
		_, err := s.Call(s.t.Context(), "get-counters", nil)
		require.ErrorContains(s.t, err, "no counters available")
	}, "--sas=4", "--no-counters")
}

func TestFleetEvents(t *testing.T) {
	for generation, event := range map[string]string{"6.1": "alert", "5.9": "ike-update"} {
		simulate(t, func(s sim) {
			require.Equal(s.t, map[string]int{event: 10_000}, s.events(time.Second+tick/2, event))
		}, "--sas=10", "--events=10000", "--rekey-interval=0s", "--generation="+generation)
	}
}

func TestDemo(t *testing.T) {
	simulate(t, func(s sim) {
		count := byName(s.sas())
		require.Equal(s.t, staffOnline, count["roadwarriors-staff"])
		require.Equal(s.t, 1, count["datacenter-frankfurt"])
		require.Zero(s.t, count[downBranch])
		require.Equal(s.t, 1, count[unreachableBranch], "it is being tried")

		pools, err := s.Call(s.t.Context(), "get-pools", nil)
		require.NoError(s.t, err)
		require.Equal(s.t, "{base=10.4.0.1 size=14 online=13 offline=0}", pools.Section("contractors").String())
		require.Equal(s.t, 7, s.count("list-certs", "list-cert", nil))
		require.Equal(s.t, 1, s.count("list-authorities", "list-authority", nil))
		require.Equal(s.t, 3, s.count("list-policies", "list-policy",
			new(vici.Message).Add("trap", "").Add("pass", "").Add("drop", "")))
	})
}

func (s sim) count(command, event string, request *vici.Message) (n int) {
	s.t.Helper()
	for _, err := range s.Stream(s.t.Context(), command, event, request) {
		require.NoError(s.t, err)
		n++
	}
	return n
}

func TestDemoLives(t *testing.T) {
	simulate(t, func(s sim) {
		before := byName(s.sas())
		got := s.events(2*time.Minute, "child-rekey", "ike-rekey", "ike-updown", "alert")
		for _, event := range []string{"child-rekey", "ike-rekey", "ike-updown", "alert"} {
			require.Positive(s.t, got[event], "%s of %v", event, slices.Sorted(maps.Keys(got)))
		}
		after := s.sas()
		require.Equal(s.t, before, byName(after))
		for _, sa := range after {
			require.LessOrEqual(s.t, len(sa.Children), 6, "rekeyed ones expire")
		}
		i := slices.IndexFunc(after, func(sa *vici.IKESA) bool { return sa.Name == "datacenter-frankfurt" })
		require.Positive(s.t, after[i].Children[0].BytesIn.Or(0))
	}, "--rekey-interval=20s", "--churn=0.5", "--events=1")
}

func TestDemoObeysCommands(t *testing.T) {
	simulate(t, func(s sim) {
		_, err := s.Call(s.t.Context(), "initiate", new(vici.Message).Add("ike", downBranch).Add("child", lanChild))
		require.NoError(s.t, err)
		require.Equal(s.t, 1, byName(s.sas())[downBranch])
		_, err = s.Call(s.t.Context(), "terminate", new(vici.Message).Add("ike", downBranch))
		require.NoError(s.t, err)
		require.Zero(s.t, byName(s.sas())[downBranch])
	})
}

func TestNames(t *testing.T) {
	require.Equal(t, "berlin", place(0))
	require.Equal(t, "zurich-2", place(len(cities)+1))
	require.Equal(t, "alice-3", person(2*len(people)))
	require.Equal(t, "10.129.1.2", ip4(10, 128, 1<<16|1<<8|2))
}
