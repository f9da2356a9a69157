// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// An IKEv1 session that began before the exporter is of unknown length, also after it was rekeyed.
func TestV1SessionFromBefore(t *testing.T) {
	for name, live := range map[string]func(l *life, b *testbed, old uint32){
		"rekeyed later": func(l *life, b *testbed, old uint32) {
			b.watch()
			next := l.rekeyIKE(old, vicitest.Rekeying{})
			l.last(old, 10*time.Second)
			l.last(next, time.Minute)
		},
		"being rekeyed": func(l *life, b *testbed, old uint32) {
			next := l.rekeyIKE(old, vicitest.Rekeying{})
			b.watch()
			l.last(old, 10*time.Second)
			l.last(next, time.Minute)
		},
		"rekeyed before the first sweep": func(l *life, b *testbed, old uint32) {
			heal := l.Fault("list-sas", nothingListed)
			b.watch()
			next := l.rekeyIKE(old, vicitest.Rekeying{})
			synctest.Wait()
			heal()
			pass(time.Second)
			b.scrapeSettled()
			l.last(old, 10*time.Second)
			l.last(next, time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 1)
				old := l.establish()
				pass(10 * time.Hour)
				b := newTestbed(t, l, eventful)
				live(l, b, old)
				n, sum := b.sessions()
				require.Zero(t, n, sum)
				require.Equal(t, "2", b.scrape().value("ike_sas_terminated_total"))
			})
		})
	}
}

// An IKEv1 session goes on while the exporter is restarted, and is rekeyed before, meanwhile or afterwards.
func TestV1SessionOverRestart(t *testing.T) {
	for name, test := range map[string]struct {
		before, meanwhile, after func(l *life, ike uint32) (next uint32)
		want                     time.Duration
	}{
		"rekeyed before":    {rekeyV1, asItIs, asItIs, 2*time.Hour + 10*time.Second},
		"rekeyed meanwhile": {asItIs, beginRekeyingV1, endRekeyingV1, 2*time.Hour + 10*time.Second},
		"rekeyed after":     {asItIs, asItIs, rekeyV1, 2*time.Hour + 10*time.Second},
		"rekeyed always":    {rekeyV1, asItIs, rekeyV1, 2*time.Hour + 20*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			withFile := withState(filepath.Join(t.TempDir(), "state"))
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 1)
				first := newTestbed(t, l, eventful, withFile)
				stop := first.watch()
				ike := l.establish()
				pass(time.Hour)
				ike = test.before(l, ike)
				stop()
				ike = test.meanwhile(l, ike)
				b := newTestbed(t, l, eventful, withFile)
				b.watch()
				l.last(test.after(l, ike), time.Hour)
				n, sum := b.sessions()
				require.Equal(t, uint64(1), n)
				require.Equal(t, test.want, sum)
			})
		})
	}
}

func asItIs(_ *life, ike uint32) uint32 { return ike }

func rekeyV1(l *life, old uint32) (next uint32) {
	return endRekeyingV1(l, beginRekeyingV1(l, old))
}

// beginRekeyingV1 leaves both IKE_SAs there.
func beginRekeyingV1(l *life, old uint32) (next uint32) { return l.rekeyIKE(old, vicitest.Rekeying{}) }

// endRekeyingV1 removes the older one, which is the one before.
func endRekeyingV1(l *life, next uint32) uint32 {
	l.last(next-1, 10*time.Second)
	return next
}

// A v1Device is an IKEv1 client whose IKE_SAs a tracker is told of.
type v1Device struct {
	*tracker

	port uint16
}

func (d *v1Device) sa(id uint32, state string) *vici.IKESA {
	return &vici.IKESA{
		Name: "rw", Version: "1", State: state, UniqueID: vici.Some(id), InitiatorSPI: vici.Some(vici.IKESPI(id)),
		RemoteHost: "192.0.2.9", RemotePort: vici.Some(d.port), RemoteID: "group", RemoteXAuthID: "alice",
	}
}

func (d *v1Device) up(id uint32) {
	d.ikeUpDown(&vici.IKEUpDown{Up: true, IKE: *d.sa(id, vici.StateEstablished)})
}

func (d *v1Device) down(id uint32) { d.ikeUpDown(&vici.IKEUpDown{IKE: *d.sa(id, vici.StateDeleting)}) }

// Two devices of one user behind one NAT have ports of their own, and sessions, too.
func TestV1TwoDevices(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	phone, laptop := &v1Device{tracker, 40001}, &v1Device{tracker, 40002}
	phone.up(1)
	now = now.Add(8 * time.Hour)
	laptop.up(2)
	now = now.Add(time.Minute)
	laptop.down(2)
	now = now.Add(time.Hour)
	phone.down(1)
	h := tracker.connections["rw"].sessions.saved
	require.EqualValues(t, 2, h.Count)
	require.InDelta(t, (time.Minute + 8*time.Hour + time.Minute + time.Hour).Seconds(), h.Sum, 0)
}

// A NAT can give a device another port, and its old one to another device.
func TestV1PortsChange(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	phone, laptop := &v1Device{tracker, 40001}, &v1Device{tracker, 40001}
	phone.up(1)
	now = now.Add(time.Hour)
	phone.port = 40002
	tracker.table.begin()
	tracker.table.observe(phone.sa(1, vici.StateEstablished), now)
	tracker.table.end(1, now)
	laptop.up(2) // a session of its own
	phone.up(3)  // carries the phone's on
	phone.down(1)
	require.Zero(t, tracker.connections["rw"].sessions.saved.Count)
	now = now.Add(time.Hour)
	phone.down(3)
	laptop.down(2)
	h := tracker.connections["rw"].sessions.saved
	require.EqualValues(t, 2, h.Count)
	require.InDelta(t, (2*time.Hour + time.Hour).Seconds(), h.Sum, 0)
	require.Empty(t, tracker.table.latestV1)
}

// A daemon that was restarted gives ids anew, and carries no session on.
func TestV1DaemonRestarted(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	tracker.connect(nil)
	d := &v1Device{tracker, 4500}
	d.up(50)
	now = now.Add(time.Hour)
	tracker.connect(nil)
	d.up(1)
	now = now.Add(time.Minute)
	tracker.table.begin()
	tracker.table.observe(d.sa(1, vici.StateEstablished), now)
	tracker.table.end(1, now)
	d.down(1)
	h := tracker.connections["rw"].sessions.saved
	require.EqualValues(t, 1, h.Count)
	require.InDelta(t, time.Minute.Seconds(), h.Sum, 0)
}
