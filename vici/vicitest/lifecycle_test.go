// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A listener is registered for the events of SAs and tells them in words.
type listener struct{ *wire }

func listen(t *testing.T, d *testDaemon) listener {
	t.Helper()
	w := newWire(t, d)
	for _, event := range []string{"ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update", "alert"} {
		if d.HasEvent(event) {
			w.register(event)
		}
	}
	return listener{w}
}

// told returns what came so far: each event as "ike up 1", "child rekey 2 REKEYED 3".
func (l listener) told() []string {
	l.t.Helper()
	l.send(vici.CmdRequest, "version", nil) // its answer comes after all events
	var all []string
	for {
		p, err := l.packets.Next()
		require.NoError(l.t, err)
		if p.Type == vici.CmdResponse {
			return all
		}
		m, err := vici.ParseMessage(p.Body)
		require.NoError(l.t, err)
		all = append(all, describe(l.t, string(p.Name), m))
	}
}

func describe(t *testing.T, event string, m *vici.Message) string {
	t.Helper()
	if event == "alert" {
		return "alert " + value(m, "type")
	}
	kind, what, _ := strings.Cut(event, "-")
	sa := firstSection(t, m)
	if children := sa.Section("child-sas"); children != nil {
		sa = firstSection(t, children)
	}
	switch what {
	case "updown":
		what = "down"
		if value(m, "up") == "yes" {
			what = "up"
		}
		return kind + " " + what + " " + value(sa, "uniqueid") + " " + value(sa, "state")
	case "rekey":
		before, after := sa.Section("old"), sa.Section("new")
		return kind + " rekey " + value(before, "uniqueid") + " " + value(before, "state") + " " + value(after, "uniqueid")
	}
	return "update " + value(sa, "uniqueid") + " " + value(m, "remote-host") + " " + value(sa, "remote-host")
}

// The sequences of the situations that a real daemon gets into, on one side, by release.
func TestEventsOfALife(t *testing.T) {
	v1 := func(c *vicitest.Connection) { c.Version = 1 }
	for name, c := range map[string]struct {
		generation vicitest.Generation
		mbb        vici.Opt[bool]
		change     func(*vicitest.Connection)
		peer       vicitest.Peer
		act        func(d *testDaemon, ike, child uint32) error
		want       []string
	}{
		"child rekeyed by us, 6.x": {
			act:  func(d *testDaemon, _, c uint32) error { return second(d.RekeyChild(c, vicitest.Rekeying{})) },
			want: []string{"child rekey 1 REKEYING 2"},
		},
		"child rekeyed by the peer, 6.x": {
			act: func(d *testDaemon, _, c uint32) error {
				return second(d.RekeyChild(c, vicitest.Rekeying{Responder: true}))
			},
			want: []string{"child rekey 1 DELETED 2"},
		},
		"child rekeyed by us, 5.9": {
			generation: vicitest.Generation59,
			act:        func(d *testDaemon, _, c uint32) error { return second(d.RekeyChild(c, vicitest.Rekeying{})) },
			want:       []string{"child rekey 1 REKEYED 2"},
		},
		"child collision, 5.9": {
			generation: vicitest.Generation59,
			act: func(d *testDaemon, _, c uint32) error {
				return second(d.RekeyChild(c, vicitest.Rekeying{Collision: true}))
			},
			want: []string{"child rekey 1 REKEYED 2", "child rekey 1 REKEYED 3"},
		},
		"child collision, 6.x": {
			act: func(d *testDaemon, _, c uint32) error {
				return second(d.RekeyChild(c, vicitest.Rekeying{Responder: true, Collision: true}))
			},
			want: []string{"child rekey 1 DELETED 2", "child rekey 2 REKEYED 3"},
		},
		"IKEv1 child rekeyed": {
			change: v1,
			act:    func(d *testDaemon, _, c uint32) error { return second(d.RekeyChild(c, vicitest.Rekeying{})) },
			want:   []string{"child rekey 1 REKEYING 2"},
		},
		"IKE_SA rekeyed by us": {
			act:  func(d *testDaemon, ike, _ uint32) error { return second(d.RekeyIKE(ike, vicitest.Rekeying{})) },
			want: []string{"ike rekey 1 REKEYING 2"},
		},
		"IKE_SA rekeyed by the peer, 5.9": {
			generation: vicitest.Generation59,
			act: func(d *testDaemon, ike, _ uint32) error {
				return second(d.RekeyIKE(ike, vicitest.Rekeying{Responder: true}))
			},
			want: []string{"ike rekey 1 ESTABLISHED 2"},
		},
		"IKE_SA collision": {
			act: func(d *testDaemon, ike, _ uint32) error {
				return second(d.RekeyIKE(ike, vicitest.Rekeying{Collision: true}))
			},
			want: []string{"ike rekey 1 REKEYING 2", "ike rekey 2 REKEYING 3"},
		},
		"IKEv1 rekeyed": {
			change: v1,
			act: func(d *testDaemon, ike, _ uint32) error {
				if err := second(d.RekeyIKE(ike, vicitest.Rekeying{})); err != nil {
					return err
				}
				return d.Down(ike)
			},
			want: []string{"ike up 2 ESTABLISHED", "ike down 1 DELETING"},
		},
		"reauthenticated, 6.x": {
			act:  func(d *testDaemon, ike, _ uint32) error { return second(d.Reauthenticate(ike)) },
			want: []string{"ike up 2 ESTABLISHED", "child up 2 INSTALLED", "ike down 1 DELETING", "child down 1 INSTALLED"},
		},
		"reauthenticated, 5.9": {
			generation: vicitest.Generation59,
			act:        func(d *testDaemon, ike, _ uint32) error { return second(d.Reauthenticate(ike)) },
			want:       []string{"ike down 1 DELETING", "child down 1 INSTALLED", "ike up 2 ESTABLISHED", "child up 2 INSTALLED"},
		},
		"reauthenticated, 5.9, make before break": {
			generation: vicitest.Generation59, mbb: vici.Some(true),
			act:  func(d *testDaemon, ike, _ uint32) error { return second(d.Reauthenticate(ike)) },
			want: []string{"ike up 2 ESTABLISHED", "child up 2 INSTALLED", "ike down 1 DELETING", "child down 1 INSTALLED"},
		},
		"reauthenticated, 6.x, break before make": {
			mbb:  vici.Some(false),
			act:  func(d *testDaemon, ike, _ uint32) error { return second(d.Reauthenticate(ike)) },
			want: []string{"ike down 1 DELETING", "child down 1 INSTALLED", "ike up 2 ESTABLISHED", "child up 2 INSTALLED"},
		},
		"down": {
			act:  func(d *testDaemon, ike, _ uint32) error { return d.Down(ike) },
			want: []string{"ike down 1 DELETING", "child down 1 INSTALLED"},
		},
		"down after a rekeying": {
			act: func(d *testDaemon, ike, c uint32) error {
				if err := second(d.RekeyChild(c, vicitest.Rekeying{})); err != nil {
					return err
				}
				return d.Down(ike)
			},
			want: []string{"child rekey 1 REKEYING 2", "ike down 1 DELETING", "child down 2 INSTALLED"},
		},
		"child down": {
			act:  func(d *testDaemon, _, c uint32) error { return d.DownChild(c) },
			want: []string{"child down 1 DELETED"},
		},
		"another child": {
			act:  func(d *testDaemon, ike, _ uint32) error { return second(d.AddChild(ike, "gw-gw", "net-net", false)) },
			want: []string{"child up 2 INSTALLED"},
		},
		"responder": {
			act: func(d *testDaemon, _, _ uint32) error {
				return second(d.Establish("gw-gw", vicitest.Peer{Responder: true, NAT: true, Host: "203.0.113.9"}))
			},
			want: []string{"update 2 203.0.113.9 203.0.113.9", "ike up 2 ESTABLISHED", "child up 2 INSTALLED"},
		},
		"moved": {
			act: func(d *testDaemon, ike, _ uint32) error {
				return d.Move(ike, vicitest.Endpoint{}, vicitest.Endpoint{Host: "203.0.113.7", Port: 4500})
			},
			want: []string{"update 1 203.0.113.7 192.0.2.2"},
		},
		"authentication fails": {
			act: func(d *testDaemon, _, _ uint32) error {
				ike, err := d.HalfOpen("gw-gw", "")
				if err != nil {
					return err
				}
				return d.FailAuth(ike)
			},
			want: []string{"alert peer-auth-failed", "ike down 2 CONNECTING"},
		},
		"authentication fails, IKEv1": {
			generation: vicitest.Generation59,
			change:     func(c *vicitest.Connection) { c.Version = 1 },
			act: func(d *testDaemon, _, _ uint32) error {
				ike, err := d.HalfOpen("gw-gw", "")
				if err != nil {
					return err
				}
				return d.FailAuth(ike)
			},
			want: []string{"ike down 2 DELETING"},
		},
		"half-open terminated": {
			act: func(d *testDaemon, _, _ uint32) error {
				ike, err := d.HalfOpen("gw-gw", "")
				if err != nil {
					return err
				}
				return d.Down(ike)
			},
		},
		"half-open timeout": {
			act: func(d *testDaemon, _, _ uint32) error {
				ike, err := d.HalfOpen("", "203.0.113.8")
				if err != nil {
					return err
				}
				return d.Vanish(ike, "half-open-timeout")
			},
			want: []string{"alert half-open-timeout"},
		},
		"half-open timeout, 5.9": {
			generation: vicitest.Generation59,
			act: func(d *testDaemon, _, _ uint32) error {
				ike, err := d.HalfOpen("", "203.0.113.8")
				if err != nil {
					return err
				}
				return d.Vanish(ike, "half-open-timeout")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: c.generation, MakeBeforeBreak: c.mbb})
			conn := gateway()
			if c.change != nil {
				c.change(&conn)
			}
			d.Load(conn)
			l := listen(t, d)
			ike, child := d.establish("gw-gw", c.peer)
			require.Equal(t, []string{"ike up 1 ESTABLISHED", "child up 1 INSTALLED"}, l.told())
			require.NoError(t, c.act(d, ike, child))
			require.Equal(t, c.want, l.told())
		})
	}
}

func second(_ uint32, err error) error { return err }

func TestRekeyedChildrenLinger(t *testing.T) {
	var clock clock
	clock.set(time.Now())
	d := newDaemon(t, vicitest.Config{Now: clock.now})
	d.Load(gateway())
	_, child := d.establish("gw-gw", vicitest.Peer{})
	d.CarryAll(7)
	_, err := d.RekeyChild(child, vicitest.Rekeying{Responder: true, Collision: true})
	require.NoError(t, err)
	s := session(t, d)
	require.Equal(t, []string{"gw-gw 1 ESTABLISHED net-net-1 DELETED net-net-2 DELETED net-net-3 INSTALLED"}, d.states(s, nil))
	require.NoError(t, d.Carry(1, vicitest.Traffic{Bytes: 50, Packets: 1}, vicitest.Traffic{})) // inbound packets under way
	sa := firstSection(t, collect(t, s, "list-sas", "list-sa", nil)[0])
	require.Equal(t, "750", value(sa.Section("child-sas", "net-net-1"), "bytes-in"))
	require.Zero(t, d.ExpireRekeyed(5*time.Second))
	require.NoError(t, d.ExpireChild(2))
	clock.add(5 * time.Second)
	require.Equal(t, 1, d.ExpireRekeyed(5*time.Second))
	require.Equal(t, []string{"gw-gw 1 ESTABLISHED net-net-3 INSTALLED"}, d.states(s, nil))
	require.ErrorIs(t, d.ExpireChild(2), vicitest.ErrNoSuchSA)
}

// What the rekeying initiator sent since the kernel was last asked is lost, as with a real daemon.
func TestOutboundCountersOfTheRekeyingInitiator(t *testing.T) {
	for name, c := range map[string]struct {
		how  vicitest.Rekeying
		look bool
		want string
	}{
		"initiator, never asked": {vicitest.Rekeying{}, false, "0"},
		"initiator, asked":       {vicitest.Rekeying{}, true, "300"},
		"responder":              {vicitest.Rekeying{Responder: true}, false, "800"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{})
			d.Load(gateway())
			_, child := d.establish("gw-gw", vicitest.Peer{})
			w := newWire(t, d)
			w.register("child-rekey")
			d.CarryAll(3)
			if c.look {
				d.states(session(t, d), nil)
			}
			d.CarryAll(5)
			_, err := d.RekeyChild(child, c.how)
			require.NoError(t, err)
			p, err := w.packets.Next()
			require.NoError(t, err)
			m, err := vici.ParseMessage(p.Body)
			require.NoError(t, err)
			old := m.Section("gw-gw", "child-sas", "net-net", "old")
			require.Equal(t, "800", value(old, "bytes-in"))
			require.Equal(t, c.want, value(old, "bytes-out"))
		})
	}
}

func TestRekeyedIKESAKeepsItsChildren(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	require.NoError(t, d.LoadPool("rw-pool", "10.3.0.0/28"))
	d.Load(gateway())
	ike, _ := d.establish("gw-gw", vicitest.Peer{Responder: true})
	d.CarryAll(4)
	before, err := d.IKESA(ike)
	require.NoError(t, err)
	fresh, err := d.RekeyIKE(ike, vicitest.Rekeying{})
	require.NoError(t, err)
	after, err := d.IKESA(fresh)
	require.NoError(t, err)
	require.Equal(t, before.Children, after.Children)
	require.Equal(t, []string{"10.3.0.1"}, after.RemoteVIPs)
	require.NotEqual(t, before.InitiatorSPI, after.InitiatorSPI)
	require.True(t, after.Initiator)
	require.False(t, before.Initiator)
	_, err = d.IKESA(ike)
	require.ErrorIs(t, err, vicitest.ErrNoSuchSA)
}

// Events have the keys that recorded ones have.
func TestEventsHaveTheRealKeys(t *testing.T) {
	for _, release := range recordedReleases {
		t.Run(release, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{Generation: vicitest.Generation(release)})
			d.Load(gateway())
			w := newWire(t, d)
			files := map[string]string{
				"ike-updown": "ike-updown-up", "child-updown": "child-updown-up", "ike-rekey": "ike-rekey", "child-rekey": "child-rekey",
			}
			for event := range files {
				w.register(event)
			}
			ike, child := d.establish("gw-gw", vicitest.Peer{NAT: true})
			d.CarryAll(1)
			d.states(session(t, d), nil)
			require.NoError(t, second(d.RekeyChild(child, vicitest.Rekeying{Responder: true})))
			require.NoError(t, second(d.RekeyIKE(ike, vicitest.Rekeying{})))
			for range files {
				p, err := w.packets.Next()
				require.NoError(t, err)
				ours, err := vici.ParseMessage(p.Body)
				require.NoError(t, err)
				requireSameShape(t, release, files[string(p.Name)], string(p.Name), ours)
			}
		})
	}
}

// requireSameShape compares an event about gw-gw with recorded ones: one of them must have
// the same keys in the same order, at all levels, but for tasks, roles and unique ids.
func requireSameShape(t *testing.T, release, file, event string, ours *vici.Message) {
	t.Helper()
	var shapes []string
	for _, m := range recorded(t, release, "events/"+file+".bin", event) {
		if m.Section("gw-gw") != nil {
			shapes = append(shapes, shape(m))
		}
	}
	require.True(t, slices.Contains(shapes, shape(ours)), "no recorded %s looks like %s", event, ours)
}

func shape(m *vici.Message) string {
	var b strings.Builder
	for e := range m.All() {
		if strings.HasPrefix(e.Name, "tasks-") || e.Name == "initiator" {
			continue
		}
		b.WriteString(strings.TrimRight(e.Name, "0123456789") + " ")
		if e.Kind == vici.SectionStart {
			b.WriteString("{ " + shape(e.Section) + "} ")
		}
	}
	return b.String()
}

func TestShutdown(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	d.establish("gw-gw", vicitest.Peer{})
	_, err := d.HalfOpen("", "203.0.113.8")
	require.NoError(t, err)
	l := listen(t, d)
	done := make(chan error)
	go func() { done <- d.Shutdown(t.Context()) }()
	l.expect("EVENT alert", "EVENT ike-updown", "EVENT child-updown")
	l.expectEnd()
	require.NoError(t, <-done)
	_, err = d.Dial(t.Context(), "", "")
	require.Error(t, err)
	require.NoError(t, d.Restart())
	require.Empty(t, d.states(session(t, d), nil))
}

func TestShutdownWaitsForClientsThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		newWire(t, d).register("alert")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, d.Shutdown(ctx), context.DeadlineExceeded)
	})
}

func TestCrashAndRestart(t *testing.T) {
	var clock clock
	clock.set(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	d := vicitest.NewDaemon(vicitest.Config{Now: clock.now, Location: time.UTC})
	defer d.Close()
	d.Load(gateway())
	_, err := d.Establish("gw-gw", vicitest.Peer{})
	require.NoError(t, err)
	first, err := vici.Dial(t.Context(), d.Address())
	require.NoError(t, err)
	call(t, first, "stats", nil)
	d.Crash()
	_, err = first.Call(t.Context(), "stats", nil)
	require.Error(t, err)
	_, err = vici.Dial(t.Context(), d.Address()) // the file is still there, and refuses
	require.Error(t, err)

	clock.add(time.Hour)
	require.NoError(t, d.Restart())
	again, err := vici.Dial(t.Context(), d.Address())
	require.NoError(t, err)
	defer func() { require.NoError(t, again.Close()) }()
	stats := call(t, again, "stats", nil)
	require.Equal(t, "Jan 02 04:04:05 2026", value(stats.Section("uptime"), "since"))
	require.Equal(t, "0", value(stats.Section("ikesas"), "total"))
	require.Equal(t, "0", value(call(t, again, "get-counters", nil).Section("counters", ""), "ike-init-out-req"))
	d.Load(gateway())
	id, err := d.Establish("gw-gw", vicitest.Peer{})
	require.NoError(t, err)
	require.EqualValues(t, 1, id)
}

func TestLog(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(gateway())
	w := newWire(t, d)
	w.register("log")
	id, _ := d.establish("gw-gw", vicitest.Peer{})
	sa, err := d.IKESA(id)
	require.NoError(t, err)
	d.RaiseLog("NET", 2, &sa, "too chatty")
	d.RaiseLog("NET", 1, &sa, "received packet")
	var last *vici.Message
	for range 3 {
		p, err := w.packets.Next()
		require.NoError(t, err)
		last, err = vici.ParseMessage(p.Body)
		require.NoError(t, err)
	}
	require.Equal(t, "{group=NET level=1 thread=9 ikesa-name=gw-gw ikesa-uniqueid=1 msg=received packet}", last.String())
}
