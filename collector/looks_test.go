// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// stream lets a CHILD_SA carry a packet of 1,000 bytes in each direction once a millisecond, for that long.
func (l *life) stream(child uint32, d time.Duration) {
	l.t.Helper()
	packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
	for range d / time.Millisecond {
		pass(time.Millisecond)
		require.NoError(l.t, l.Carry(child, packet, packet))
	}
}

// lookedAt returns how many requests for one CHILD_SA, or for one name, the daemon got.
func (l *life) lookedAt() (looks int) {
	for _, m := range l.Requests("list-sas") {
		_, id := m.Value("child-id")
		if _, name := m.Value("child"); id || name {
			looks++
		}
	}
	return looks
}

// A rekeying that this end begins costs no more of the total than what passes in a few hundredths of a second, however long
// ago the last scrape was.
func TestLooksFindWhatIsSent(t *testing.T) {
	for name, looks := range map[string]LooksConfig{"with": usualLooks, "without": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 2)
				l.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net", RekeyTime: 12 * time.Second}}})
				b := newTestbed(t, l, eventful, func(c *Config) { c.Looks = looks })
				b.watch()
				ike := l.establish()
				for range 5 {
					child := l.child(ike)
					l.stream(child, 5*time.Second)
					l.ExpireRekeyed(0)
					l.stream(child, 7*time.Second)
					require.NoError(t, l.Update(ike, func(sa *vicitest.IKESA) { sa.Children[len(sa.Children)-1].State = vicitest.ChildRekeying }))
					l.stream(child, 80*time.Millisecond) // the way to the peer and back
					l.rekeyChild(ike, vicitest.Rekeying{})
				}
				require.NoError(t, l.Down(ike))
				s := b.scrapeSettled()
				const truth = 5 * 12_080_000
				require.Equal(t, "6.04e+07", s.value("child_received_bytes_total"))
				sent := gathered(t, b.Collector, "child_sent_bytes_total", "net", "sas")
				if looks == usualLooks {
					require.InEpsilon(t, truth, sent, 0.002)
					require.InDelta(t, 5*(5+8+3), l.lookedAt(), 20)
				} else {
					require.Less(t, sent, uint64(truth/10))
					require.Zero(t, l.lookedAt())
				}
				require.Equal(t, map[bool]string{true: "0", false: "15"}[looks == usualLooks],
					s.of("follow_up_looks_skipped_total")[`{reason="rate"}`])
			})
		})
	}
}

// What arrives on an SA after it was replaced is found, unless the daemon is told not to keep it.
func TestLooksFindWhatIsReceivedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		ike := l.establish()
		child := l.child(ike)
		l.rekeyChild(ike, vicitest.Rekeying{})
		for _, at := range []time.Duration{100 * time.Millisecond, 600 * time.Millisecond, 3 * time.Second} {
			pass(at)
			require.NoError(t, l.Carry(child, vicitest.Traffic{Bytes: 100, Packets: 1}, vicitest.Traffic{}))
		}
		pass(5*time.Second - 3700*time.Millisecond)
		l.ExpireRekeyed(0)
		require.Equal(t, "300", b.scrapeSettled().value("child_received_bytes_total"))
		require.Equal(t, "3", b.scrape().value("follow_up_looks_total"))
	})
}

// While the daemon works on a message it does not list the IKE_SA; the look comes again.
func TestLooksMeetBusySA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		ike := l.establish()
		child := l.child(ike)
		l.rekeyChild(ike, vicitest.Rekeying{})
		require.NoError(t, l.Carry(child, vicitest.Traffic{Bytes: 100, Packets: 1}, vicitest.Traffic{}))
		release, err := l.SetBusy(ike)
		require.NoError(t, err)
		pass(400 * time.Millisecond) // the first look and a repetition
		release()
		pass(100 * time.Millisecond)
		l.ExpireRekeyed(0)
		require.Equal(t, "100", b.scrapeSettled().value("child_received_bytes_total"))
	})
}

// A look that fails is counted; the next one is well.
func TestLooksFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		ike := l.establish()
		heal := l.Fault("list-sas", vicitest.OnAnswer(vicitest.Truncated(0)))
		l.rekeyChild(ike, vicitest.Rekeying{})
		pass(500 * time.Millisecond)
		heal()
		pass(5 * time.Second)
		s := b.scrapeSettled()
		require.Equal(t, "1", s.of("follow_up_looks_skipped_total")[`{reason="failed"}`])
		require.NotEqual(t, "0", s.value("follow_up_looks_total"))
	})
}
