// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A testDaemon is a daemon with short cuts for tests.
type testDaemon struct {
	*vicitest.Daemon

	t *testing.T
}

func newDaemon(t *testing.T, config vicitest.Config, options ...vicitest.Option) *testDaemon {
	t.Helper()
	d := vicitest.NewUnstartedDaemon(config, options...)
	t.Cleanup(d.Close)
	return &testDaemon{d, t}
}

// gateway is the connection gw-gw of the recordings, with one child.
func gateway() vicitest.Connection {
	return vicitest.Connection{
		Name: "gw-gw", LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{"192.0.2.2"}, Version: 2,
		RekeyTime: time.Minute, DPDDelay: 30 * time.Second,
		Local:  []vicitest.Auth{{ID: "moon.example.org", Class: "pre-shared key"}},
		Remote: []vicitest.Auth{{ID: "sun.example.org", Class: "pre-shared key"}},
		Pools:  []string{"rw-pool"},
		Children: []vicitest.Child{{
			Name: "net-net", RekeyTime: 20 * time.Second, LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"},
			Proposals: []vicitest.Proposal{{Encryption: []string{"AES_GCM_16_256"}, KE: []string{"CURVE_25519"}}},
		}},
	}
}

func (d *testDaemon) establish(connection string, p vicitest.Peer) (ike, child uint32) {
	d.t.Helper()
	id, err := d.Establish(connection, p)
	require.NoError(d.t, err)
	sa, err := d.IKESA(id)
	require.NoError(d.t, err)
	if len(sa.Children) > 0 {
		child = sa.Children[0].UniqueID
	}
	return id, child
}

// CarryAll lets each CHILD_SA carry as many packets of 100 bytes in each direction.
func (d *testDaemon) CarryAll(packets uint64) {
	d.t.Helper()
	traffic := vicitest.Traffic{Bytes: 100 * packets, Packets: packets}
	for _, sa := range d.IKESAs() {
		for _, c := range sa.Children {
			require.NoError(d.t, d.Carry(c.UniqueID, traffic, traffic))
		}
	}
}

// states lists SAs in words: "gw-gw 1 ESTABLISHED net-net 1 INSTALLED".
func (d *testDaemon) states(s *vici.Session, request *vici.Message) []string {
	d.t.Helper()
	var all []string
	for _, m := range collect(d.t, s, "list-sas", "list-sa", request) {
		for e := range m.All() {
			words := []string{e.Name, value(e.Section, "uniqueid"), value(e.Section, "state")}
			for c := range e.Section.Section("child-sas").All() {
				words = append(words, c.Name, value(c.Section, "state"))
			}
			all = append(all, strings.Join(words, " "))
		}
	}
	return all
}

func value(m *vici.Message, key string) string {
	v, _ := m.Value(key)
	return v
}

func TestListSAsFilters(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	two := gateway()
	two.Name = "other"
	two.Children = append(two.Children, vicitest.Child{Name: "second"})
	d.Load(gateway())
	d.Load(two)
	d.establish("gw-gw", vicitest.Peer{})
	d.establish("other", vicitest.Peer{})
	s := session(t, d)
	gw, other := "gw-gw 1 ESTABLISHED net-net-1 INSTALLED", "other 2 ESTABLISHED net-net-2 INSTALLED second-3 INSTALLED"
	for request, want := range map[string][]string{
		"":                   {other, gw}, // newest first
		"ike=gw-gw":          {gw},
		"ike=none":           nil,
		"ike-id=2":           {other},
		"ike-id=0x2":         {other},
		"ike-id=none":        {other, gw}, // does not parse: no filter
		"ike_id=2":           {other, gw}, // misspelled: no filter
		"child=second":       {"other 2 ESTABLISHED second-3 INSTALLED", "gw-gw 1 ESTABLISHED"},
		"child-id=1":         {"other 2 ESTABLISHED", gw},
		"ike=other,child=no": {"other 2 ESTABLISHED"},
	} {
		m := new(vici.Message)
		for pair := range strings.SplitSeq(request, ",") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				m.Add(k, v)
			}
		}
		require.Equal(t, want, d.states(s, m), request)
	}
}

func TestBusySA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(gateway())
		d.establish("gw-gw", vicitest.Peer{})
		second, _ := d.establish("gw-gw", vicitest.Peer{})
		release, err := d.SetBusy(second)
		require.NoError(t, err)
		s := session(t, d)
		require.Equal(t, []string{"gw-gw 1 ESTABLISHED net-net-1 INSTALLED"}, d.states(s, message("noblock", "no")))
		require.Equal(t, "2", value(call(t, s, "stats", nil).Section("ikesas"), "total"))

		waiting := newWire(t, d) // its client gives up; the daemon does not
		waiting.send(vici.CmdRequest, "list-sas", message("ike", "none"))
		synctest.Wait()
		require.NoError(t, waiting.conn.Close())
		synctest.Wait()
		require.Equal(t, "6", value(call(t, s, "stats", nil).Section("workers"), "idle"))
		release()
		synctest.Wait()
		require.Equal(t, "7", value(call(t, s, "stats", nil).Section("workers"), "idle"))
		require.Len(t, d.states(s, nil), 2)
	})
}

func TestCloseEndsTheWaitForBusySAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Load(gateway())
		id, _ := d.establish("gw-gw", vicitest.Peer{})
		_, err := d.SetBusy(id)
		require.NoError(t, err)
		w := newWire(t, d)
		w.send(vici.CmdRequest, "terminate", message("ike", "gw-gw"))
		synctest.Wait()
		d.Close()
	})
}

func TestGenerations(t *testing.T) {
	for generation, c := range map[vicitest.Generation]struct {
		commands, events  int
		absent, absentToo string
	}{
		vicitest.Generation52: {20, 6, "get-algorithms", "reload-settings"},
		vicitest.Generation59: {36, 12, "", ""},
		vicitest.Generation60: {36, 13, "", ""},
		vicitest.Generation61: {36, 13, "", ""},
		"5.9.1":               {36, 11, "", ""},
	} {
		t.Run(string(generation), func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: generation})
			w := newWire(t, d)
			commands, events := 0, 0
			for _, name := range allCommands {
				w.send(vici.CmdRequest, name, nil)
				if w.next() == "CMD_RESPONSE" {
					commands++
				} else {
					require.NotContains(t, []string{"version", "stats", "list-sas"}, name)
				}
			}
			for _, name := range allEvents {
				w.send(vici.EventRegister, name, nil)
				if w.next() == "EVENT_CONFIRM" {
					events++
				}
			}
			require.Equal(t, c.commands, commands)
			require.Equal(t, c.events, events)
			for _, name := range []string{c.absent, c.absentToo} {
				w.send(vici.CmdRequest, name, nil)
				w.expect("CMD_UNKNOWN")
			}
			require.Equal(t, string(generation), value(call(t, session(t, d), "version", nil), "version"))
		})
	}
}

var (
	allCommands = []string{
		"version", "stats", "reload-settings", "initiate", "terminate", "rekey", "redirect", "install", "uninstall",
		"list-sas", "list-policies", "list-conns", "get-conns", "list-certs", "list-authorities", "get-authorities",
		"load-conn", "unload-conn", "load-cert", "load-key", "unload-key", "get-keys", "load-token", "load-shared",
		"unload-shared", "get-shared", "flush-certs", "clear-creds", "load-authority", "unload-authority", "load-pool",
		"unload-pool", "get-pools", "get-algorithms", "get-counters", "reset-counters",
	}
	allEvents = []string{
		"log", "control-log", "list-sa", "list-policy", "list-conn", "list-cert", "list-authority", "ike-updown",
		"ike-rekey", "ike-update", "child-updown", "child-rekey", "alert",
	}
)

func TestParseGeneration(t *testing.T) {
	for in, want := range map[string]vicitest.Generation{
		"5.2": "5.2.0", "5.9": "5.9.8", "6.0": "6.0.6", "6.1": "6.1.0", "5.9.1": "5.9.1", "6.1.0": "6.1.0",
	} {
		got, err := vicitest.ParseGeneration(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "6", "5.9.x", "5.9.8.1", "5.9.-1", "300.0.0"} {
		_, err := vicitest.ParseGeneration(in)
		require.Error(t, err, in)
	}
}

func TestOldDialects(t *testing.T) {
	now := time.Now()
	sa := everything(now)
	d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation52})
	d.Add(sa)
	m := firstSection(t, collect(t, session(t, d), "list-sas", "list-sa", nil)[0])
	require.NotContains(t, keys(m), "local-port")
	require.NotContains(t, keys(m), "ake1")
	require.Equal(t, "0100000000000000", value(m, "initiator-spi"), "byte-reversed before 5.4.0")
	child := m.Section("child-sas", "net")
	require.NotContains(t, keys(child), "uniqueid")
	require.Equal(t, "1", value(child, "reqid"))
}

func TestStates(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	id := d.Add(everything(time.Now()))
	s := session(t, d)
	for state, shown := range map[string]bool{
		vicitest.ChildInstalled: true, vicitest.ChildRekeying: true, vicitest.ChildRekeyed: true, vicitest.ChildDeleted: true,
		vicitest.ChildUpdating: false, vicitest.ChildInstalling: false, vicitest.ChildRouted: false,
	} {
		require.NoError(t, d.Update(id, func(sa *vicitest.IKESA) { sa.Children[0].State = state }))
		child := firstSection(t, firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0]).Section("child-sas"))
		_, has := child.Value("bytes-in")
		require.Equal(t, shown, has, state)
	}
	require.NoError(t, d.Update(id, func(sa *vicitest.IKESA) { sa.State = vicitest.IKERekeying }))
	require.NotContains(t, keys(firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0])), "established")
}

func TestTimesFollowTheClock(t *testing.T) {
	var clock clock
	clock.set(time.Date(2026, 11, 22, 18, 9, 12, 0, time.UTC))
	d := newDaemon(t, vicitest.Config{Now: clock.now, Location: time.UTC})
	d.Load(gateway())
	_, child := d.establish("gw-gw", vicitest.Peer{})
	d.CarryAll(1)
	clock.add(90 * time.Second)
	s := session(t, d)
	sa := firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0])
	c := firstSection(t, sa.Section("child-sas"))
	require.Equal(t, []string{"90", "-30", "90", "-70", "90"}, []string{
		value(sa, "established"), value(sa, "rekey-time"), value(c, "install-time"), value(c, "rekey-time"), value(c, "use-in"),
	})
	uptime := call(t, s, "stats", nil).Section("uptime")
	require.Equal(t, "{running=90 seconds since=Nov 22 18:09:12 2026}", uptime.String())
	clock.add(time.Hour)
	require.Equal(t, "61 minutes", value(call(t, s, "stats", nil).Section("uptime"), "running"))

	clock.add(-2 * time.Hour) // last use lies ahead: the daemon underflows
	require.NoError(t, d.Carry(child, vicitest.Traffic{}, vicitest.Traffic{}))
	c = firstSection(t, firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0]).Section("child-sas"))
	require.Equal(t, "18446744073709548106", value(c, "use-in"))
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// A crowd is a population of so many SAs.
type crowd int

func (n crowd) Counts() (total, halfOpen int) { return int(n), 0 }

func (n crowd) IKESAs(now time.Time) iter.Seq[*vicitest.IKESA] {
	return func(yield func(*vicitest.IKESA) bool) {
		sa := everything(now)
		for i := range int(n) {
			sa.UniqueID = uint32(i + 1)
			if !yield(&sa) {
				return
			}
		}
	}
}

func TestPopulation(t *testing.T) {
	d := newDaemon(t, vicitest.Config{Population: crowd(1000)})
	s := session(t, d)
	require.Len(t, d.states(s, nil), 1000)
	require.Equal(t, []string{"all 7 ESTABLISHED net-0 INSTALLED"}, d.states(s, message("ike-id", "7")))
	require.Equal(t, "1000", value(call(t, s, "stats", nil).Section("ikesas"), "total"))
}

func TestConcurrentUse(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	var tasks sync.WaitGroup
	for range 4 {
		tasks.Go(func() {
			for range 50 {
				id, err := d.Establish("gw-gw", vicitest.Peer{})
				if err == nil {
					_, err = d.RekeyIKE(id, vicitest.Rekeying{})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	subscriber := session(t, d)
	tasks.Go(func() {
		for body, err := range subscriber.StreamRaw(ctx, "list-sas", "list-sa", nil) {
			if err == nil && len(body) == 0 {
				t.Error("empty event")
			}
		}
	})
	s := session(t, d)
	for range 20 {
		collect(t, s, "list-sas", "list-sa", nil)
		call(t, s, "stats", nil)
	}
	tasks.Wait()
	cancel()
	require.Len(t, d.states(s, nil), 200)
	ids := map[uint32]bool{}
	for _, sa := range d.IKESAs() {
		ids[sa.UniqueID] = true
	}
	require.Len(t, ids, 200)
}
