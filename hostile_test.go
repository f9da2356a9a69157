// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// hostileTexts are what a peer, or a daemon that has lost its mind, may choose as a name or value.
func hostileTexts() []string {
	return []string{
		"", " ", "a\nb", `q"uo\te`, "\x00\x01\x7f", "\xff\xfe\xfd", "half \xc3", "{x=\"y\"}", "# HELP x", "ünï – 日本",
		strings.Repeat("long", 1000), strings.Repeat("\xf0\x9f\x92\xa9", 200), "18446744073709551616", "-1", "NaN", "1e9", "(unnamed)", "%any",
	}
}

// streamed answers a streaming command with the given messages.
func streamed(event string, messages ...*vici.Message) vicitest.Fault {
	return func(vicitest.Command) vicitest.Command {
		return func(c *vicitest.Call) (*vici.Message, error) {
			for _, m := range messages {
				if err := c.EventMessage(event, m); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}
}

// hostileSA is an IKE_SA with a CHILD_SA of which every key has the same text.
func hostileSA(text string) *vici.Message {
	child := new(vici.Message).Add("name", text)
	for _, key := range []string{
		"uniqueid", "reqid", "state", "mode", "protocol", "encap", "spi-in", "spi-out", "encr-alg", "encr-keysize", "integ-alg",
		"dh-group", "esn", "bytes-in", "packets-in", "use-in", "bytes-out", "packets-out", "use-out", "rekey-time", "life-time", "install-time",
	} {
		child.Add(key, text).Add(key, text+"2")
	}
	ike := new(vici.Message)
	for _, key := range []string{
		"uniqueid", "version", "state", "local-host", "remote-host", "local-id", "remote-id", "remote-eap-id", "initiator",
		"initiator-spi", "responder-spi", "nat-remote", "encr-alg", "encr-keysize", "prf-alg", "dh-group", "ake1", "established", "rekey-time",
	} {
		ike.Add(key, text).AddList(key, text)
	}
	ike.AddSection("child-sas", new(vici.Message).AddSection(text[:min(len(text), vici.MaxName)], child))
	return new(vici.Message).AddSection(text[:min(len(text), vici.MaxName)], ike)
}

// TestHostileValues: no text in any key of an SA costs a scrape, or another SA.
func TestHostileValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		good := new(vici.Message).AddSection("gw", new(vici.Message).
			Add("uniqueid", "1").Add("version", "2").Add("state", "ESTABLISHED").
			AddSection("child-sas", new(vici.Message).AddSection("net-1", new(vici.Message).
				Add("name", "net").Add("uniqueid", "1").Add("state", "INSTALLED"))))
		messages := []*vici.Message{good}
		for _, text := range hostileTexts() {
			messages = append(messages, hostileSA(text))
		}
		d.Fault("list-sas", streamed("list-sa", messages...))
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s", "--collector.peers", "--collector.capabilities")
		w := e.get("/metrics", 10)
		require.Equal(t, http.StatusOK, w.Code)
		require.True(t, utf8.ValidString(w.Body.String()))
		s := parsePage(t, w.Body.String())
		require.EqualValues(t, 1, s[connectionUp])
		require.EqualValues(t, 1, s[childUp])
		require.True(t, s.success(t, "sas"))
		require.Greater(t, s.sum("strongswan_vici_values_rejected_total"), 100.0)
		require.NotContains(t, e.logs.String(), "panic")
	})
}

// TestHalfOpenFlood: whoever can send a packet can make half-open IKE_SAs, and must not make series.
func TestHalfOpenFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s", "--collector.peers")
		_, err := d.HalfOpen("", "192.0.2.77")
		require.NoError(t, err)
		synctest.Wait() // for the subscription to events, which is told as series
		before := e.scrape()
		for i := range 10000 {
			_, err := d.HalfOpen("", fmt.Sprintf("192.0.%d.%d", i/250, i%250))
			require.NoError(t, err)
		}
		s := e.scrape()
		require.EqualValues(t, 10001, s[`strongswan_ike_sas{connection="",state="CONNECTING",version="2"}`])
		require.Len(t, s, len(before))
	})
}

// TestSeriesLimit: beyond the limit whole metrics are left out, and nothing is cut.
func TestSeriesLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		for i := range 2000 {
			d.Load(vicitest.Connection{Name: fmt.Sprintf("c%d", i), Children: []vicitest.Child{{Name: "child"}}})
		}
		e := newExporter(t, d.Dial, "--scrape.min-interval=0s", "--limit.series=9000")
		s := e.scrape()
		require.EqualValues(t, 1, s["strongswan_up"])
		require.Positive(t, s["strongswan_series_dropped"])
		require.Less(t, len(s), 9100)
		for _, name := range []string{"strongswan_connection_up", "strongswan_child_up", "strongswan_connection_info"} {
			if n := len(s.named(name)); n != 0 {
				require.Equal(t, 2001, n, "%s is cut", name)
			}
		}
		e.scrape()
		require.Equal(t, 1, strings.Count(e.logs.String(), "more series than the limit"))
	})
}
