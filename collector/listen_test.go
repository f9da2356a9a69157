// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// attentive lets looks go by the daemon's log, too.
func attentive(c *Config) {
	eventful(c)
	c.Looks.Log = true
}

// logLine is an event log.
func logLine(ike uint32, message string) vici.Event {
	m := new(vici.Message).Add("group", "IKE").Add("level", "1").Add("thread", "9")
	if ike != 0 {
		m.Add("ikesa-name", "gw").Add("ikesa-uniqueid", strconv.FormatUint(uint64(ike), 10))
	}
	body, err := m.Add("msg", message).MarshalBinary()
	if err != nil {
		panic(err) // it is short
	}
	return vici.Event{Name: "log", Body: body}
}

// Lines as real daemons of both generations log them. Only the beginning of a CHILD_SA's rekeying announces anything.
func TestAnnouncements(t *testing.T) {
	const begins = "generating CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]"
	type line struct {
		ike     uint32
		message string
	}
	for name, test := range map[string]struct {
		lines []line
		want  []announcement
	}{
		"a rekeying": {[]line{
			{0, "vici rekey CHILD_SA 'net-net'"},
			{1, "establishing CHILD_SA net-net{4} reqid 2"},
			{1, begins},
			{1, "sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (256 bytes)"},
		}, []announcement{{1, "net-net"}}},
		"two at a time": {[]line{
			{1, "establishing CHILD_SA net{4} reqid 2"}, {2, "establishing CHILD_SA other{5} reqid 3"}, {2, begins}, {1, begins},
		}, []announcement{{2, "other"}, {1, "net"}}},
		"a new one": {[]line{
			{1, "establishing CHILD_SA net{4} reqid 2"}, {1, "generating CREATE_CHILD_SA request 2 [ SA No KE TSi TSr ]"},
		}, nil},
		"of an IKE_SA": {[]line{{1, "generating CREATE_CHILD_SA request 2 [ SA No KE ]"}}, nil},
		"the peer's": {[]line{
			{1, "parsed CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]"},
			{1, "inbound CHILD_SA net{4} established with SPIs c1_i c2_o and TS 10.1.0.0/16 === 10.2.0.0/16"},
		}, nil},
		"an odd name": {[]line{{1, `establishing CHILD_SA a {1} "b{4} reqid 2`}, {1, begins}}, []announcement{{1, `a {1} "b`}}},
		"half of it":  {[]line{{1, begins}, {1, "establishing CHILD_SA {4} reqid 2"}, {1, "establishing CHILD_SA net"}, {1, begins}}, nil},
		"of no IKE_SA": {[]line{
			{0, "establishing CHILD_SA net{4} reqid 2"}, {0, begins},
		}, nil},
		"what a peer can make it log": {[]line{
			{1, "establishing CHILD_SA net{4} reqid 2"}, {1, "no match for establishing CHILD_SA x{4} N(REKEY_SA)"},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var a announcements
			var got []announcement
			for _, l := range test.lines {
				if found, ok := a.take(logLine(l.ike, l.message)); ok {
					got = append(got, found)
				}
			}
			require.Equal(t, test.want, got)
		})
	}
}

// What was begun and is never heard of again takes no more memory than this.
func TestAnnouncementsAreBounded(t *testing.T) {
	var a announcements
	for ike := range uint32(10 * maxEstablishing) {
		a.take(logLine(1+ike, "establishing CHILD_SA net{4} reqid 2"))
		require.LessOrEqual(t, len(a.names), maxEstablishing)
	}
	_, ok := a.take(vici.Event{Name: "log", Body: []byte("\x03N(REKEY_SA)")})
	require.False(t, ok, "one that cannot be read")
}

// A rekeying that no timer foretells costs little of what was sent before it, if the log may be read.
func TestAnnouncedRekeyings(t *testing.T) {
	for name, enable := range map[string]func(*Config){"with": attentive, "without": eventful} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, vicitest.Generation61, 2)
				l.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}}})
				b := newTestbed(t, l, enable)
				b.watch()
				ike := l.establish()
				for range 5 {
					child := l.child(ike)
					l.stream(child, 5*time.Second)
					l.ExpireRekeyed(0)
					l.stream(child, 7*time.Second)
					l.beginRekeying(ike)
					l.stream(child, 80*time.Millisecond) // the way to the peer and back
					l.rekeyChild(ike, vicitest.Rekeying{})
				}
				require.NoError(t, l.Down(ike))
				s := b.scrapeSettled()
				const truth = 5 * 12_080_000
				require.Equal(t, "6.04e+07", s.value("child_received_bytes_total"))
				sent := gathered(t, b.Collector, "child_sent_bytes_total", "net", "sas")
				if name == "without" {
					require.Equal(t, "0", s.value("follow_up_log_subscribed"))
					require.Less(t, sent, uint64(truth/3), "what was sent until the last look at the SA before")
					require.Equal(t, 2, l.Observe().Connections)
					return
				}
				require.Equal(t, "1", s.value("follow_up_log_subscribed"))
				require.InEpsilon(t, truth, sent, 0.002)
				require.InDelta(t, 5*(8+3+1), l.lookedAt(), 20)
				require.Equal(t, 3, l.Observe().Connections)
			})
		})
	}
}

// beginRekeying lets the daemon begin to rekey the newest CHILD_SA of an IKE_SA, as its log tells.
func (l *life) beginRekeying(ike uint32) {
	l.t.Helper()
	require.NoError(l.t, l.Update(ike, func(sa *vicitest.IKESA) {
		c := sa.Children[len(sa.Children)-1]
		c.State = vicitest.ChildRekeying
		l.RaiseLog("IKE", 0, sa, fmt.Sprintf("establishing CHILD_SA %s{%d} reqid %d", c.Name, c.UniqueID+1, c.ReqID))
		l.RaiseLog("ENC", 1, sa, "generating CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]")
	}))
}

// A log that is long is left alone for a while, and all of it when there are no looks any more.
func TestLongLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, attentive, func(c *Config) { c.Looks.MaxIKESAs = 2 })
		b.watch()
		subscribed := func() string { return b.scrapeSettled("events").value("follow_up_log_subscribed") }
		lines := func(n int) {
			for range n {
				l.RaiseLog("NET", 1, nil, "received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (80 bytes)")
			}
		}
		for range 100 {
			lines(linesPerSecond)
			pass(time.Second)
			require.Equal(t, "1", subscribed())
		}
		pass(20 * time.Second)
		lines(linesAtOnce + 1)
		require.Equal(t, "0", subscribed())
		require.Contains(t, b.log.String(), "too long")
		require.Zero(t, l.Observe().Registrations["log"])
		pass(logRest - time.Second)
		b.scrapeSettled()
		require.Equal(t, "0", subscribed())
		pass(2 * time.Second)
		b.scrapeSettled()
		require.Equal(t, "1", subscribed())

		for range 3 {
			l.establish()
		}
		b.scrapeSettled()
		require.Equal(t, "0", subscribed(), "there are too many IKE_SAs for looks")
		for _, sa := range l.IKESAs() {
			require.NoError(t, l.Down(sa.UniqueID))
		}
		b.scrapeSettled()
		require.Equal(t, "1", subscribed())
	})
}
