// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// hostile are names and values that somebody chose with care. Some of them become equal as labels.
var hostile = [...]string{
	"", "a\xff", "a\xfe", "\"\\\n{}=,", strings.Repeat("ü", 120), "\x00", "x.y/z", "(unnamed)", "-1", "18446744073709551616", "gw",
}

// Names and values that peers choose become valid labels, are aggregated where they become equal, and cost no other
// sample: the page is one that the official registry would have made.
func TestHostileSAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		var events []*vici.Message
		for i, name := range hostile {
			for j, value := range hostile {
				child := new(vici.Message).Add("name", value).Add("uniqueid", strconv.Itoa(1000*i+j)).Add("state", value).
					Add("mode", value).Add("protocol", value).Add("encr-alg", value).Add("bytes-in", value).Add("spi-in", fmt.Sprintf("%08x", 100*i+j)).
					Add("rekey-time", value).Add("rekey-time", value)
				events = append(events, section(name, new(vici.Message).
					Add("uniqueid", strconv.Itoa(100*i+j)).Add("version", value).Add("state", value).Add("remote-id", value).
					Add("encr-alg", value).Add("encr-keysize", "-1").Add("established", "99999999999999999999").
					Add("remote-host", value).Add("remote-eap-id", value).
					AddList("tasks-active", hostile[:]...).
					AddSection("child-sas", section("c", child))))
			}
		}
		d.Fault("list-sas", instead(listing("list-sa", events...)))
		b := newTestbed(t, d, everything)
		for range 3 {
			families := b.gather()
			requirePedantic(t, families)
			s := newSamples(t, families)
			require.Empty(t, s.failed())
			require.Contains(t, s.of("ike_sas"), `{connection="gw",state="gw",version="gw"}`)
			require.Equal(t, "4", s.of("ike_sas")["{connection=\"a\uFFFD\",state=\"a\uFFFD\",version=\"a\uFFFD\"}"])
		}
	})
}

// hostileMessage is a message with each of the keys, lists and sections that a daemon would send, with nonsense in it.
func hostileMessage(value string, keys, lists []string, sections ...*vici.Message) *vici.Message {
	m := new(vici.Message)
	for _, key := range keys {
		m.Add(key, value)
	}
	for _, list := range lists {
		m.AddList(list, value, value)
	}
	for _, s := range sections {
		for e := range s.All() {
			m.AddSection(e.Name, e.Section)
		}
	}
	return m
}

// named puts a message under each hostile name into one.
func named(content func(value string) *vici.Message) *vici.Message {
	m := new(vici.Message)
	for _, name := range hostile {
		m.AddSection(name, content(name))
	}
	return m
}

// streamed is a listing with each hostile name and value.
func streamed(event string, content func(value string) *vici.Message) vicitest.Command {
	var events []*vici.Message
	for _, name := range hostile {
		for _, value := range hostile {
			events = append(events, section(name, content(value)))
		}
	}
	return listing(event, events...)
}

// hostileAnswers are answers of the right shape to all queries, with nonsense in every place.
func hostileAnswers() map[string]vicitest.Command {
	counters := func(v string) *vici.Message {
		return hostileMessage(v, []string{"ike-rekey-init", "child-rekey", "invalid", "ike-init-in-req", "new-one"}, nil)
	}
	priorities := func(v string) *vici.Message {
		return hostileMessage(v, []string{"critical", "high", "medium", "low"}, nil)
	}
	return map[string]vicitest.Command{
		"version": vicitest.Answer(hostileMessage("a\xff", []string{"daemon", "version", "sysname", "release", "machine"}, nil)),
		"stats": vicitest.Answer(hostileMessage("-1", []string{"scheduled"}, []string{"plugins"},
			section("uptime", hostileMessage("\xff", []string{"running", "since"}, nil)),
			section("workers", hostileMessage("1e9", []string{"total", "idle"}, nil, section("active", priorities("x")))),
			section("queues", priorities("")),
			section("ikesas", hostileMessage("99999999999999999999", []string{"total", "half-open"}, nil)),
			section("mallinfo", hostileMessage("0x10", []string{"sbrk", "mmap", "used", "free"}, nil)),
		).AddList("plugins", append(slices.Clone(hostile[:]), "counters")...)),
		"list-conns": streamed("list-conn", func(v string) *vici.Message {
			auth := hostileMessage(v, []string{"class", "id", "eap-type"}, []string{"groups", "certs"})
			child := hostileMessage(v, []string{"mode", "rekey_time", "rekey_bytes", "rekey_packets"}, []string{"local-ts", "remote-ts"})
			proposal := hostileMessage(v, nil, []string{"encr", "integ", "prf", "ke", "ake1"})
			return hostileMessage(v, []string{"version", "rekey_time", "reauth_time", "dpd_delay"}, []string{"local_addrs", "remote_addrs"},
				section("local-1", auth), section("remote-1", auth), section("proposals", section("0", proposal)),
				section("children", named(func(string) *vici.Message { return child })))
		}),
		"list-policies": streamed("list-policy", func(v string) *vici.Message {
			return hostileMessage(v, []string{"child", "ike", "mode", "reqid"}, []string{"local-ts", "remote-ts"})
		}),
		"list-authorities": streamed("list-authority", func(v string) *vici.Message {
			return hostileMessage(v, []string{"cacert"}, []string{"crl_uris", "ocsp_uris"})
		}),
		"list-certs": func(c *vicitest.Call) (*vici.Message, error) {
			var events []*vici.Message
			for _, v := range hostile {
				events = append(events, hostileMessage(v, []string{"type", "flag", "has_privkey", "data", "not-after"}, nil))
			}
			return listing("list-cert", events...)(c)
		},
		"get-pools": vicitest.Answer(named(func(v string) *vici.Message {
			return hostileMessage(v, []string{"base", "size", "online", "offline"}, nil)
		})),
		"get-counters":    vicitest.Answer(section("counters", named(counters))),
		"get-conns":       vicitest.Answer(new(vici.Message).AddList("conns", hostile[:]...)),
		"get-authorities": vicitest.Answer(new(vici.Message).Add("authorities", "no list")),
		"get-keys":        vicitest.Answer(new(vici.Message).AddSection("keys", new(vici.Message))),
		"get-shared":      vicitest.Answer(nil),
		"get-algorithms": vicitest.Answer(named(func(string) *vici.Message {
			return hostileMessage("a\xfe", hostile[:], nil)
		}).AddSection("encryption", hostileMessage("a\xff", hostile[:], nil))),
	}
}

// Whatever the daemon answers, the page is valid, nobody panics, and each family costs no other.
func TestHostileAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for command, answer := range hostileAnswers() {
			d.Fault(command, instead(answer))
		}
		b := newTestbed(t, d, everything)
		for range 2 {
			families := b.gather()
			requirePedantic(t, families)
			s := newSamples(t, families)
			require.Empty(t, s.failed())
			require.Empty(t, s.of("worker_threads"), "not a number")
			require.Empty(t, s.of("daemon_ike_sas"), "not of this size")
			require.Equal(t, strconv.Itoa(len(hostile)), s.of("loaded_objects")[`{kind="connection"}`])
			require.NotEmpty(t, s.of("vici_values_rejected_total"))
			pass(certificatesAge)
		}
		require.NotContains(t, strings.Join(b.logged(), ""), "panic")
	})
}

// An answer without any content gives no sample and is no failure.
func TestEmptyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for command := range hostileAnswers() {
			d.Fault(command, instead(vicitest.Answer(nil)))
		}
		d.Fault("list-sas", instead(vicitest.Answer(nil)))
		families := newTestbed(t, d, everything).gather()
		requirePedantic(t, families)
		s := newSamples(t, families)
		require.Empty(t, s.failed())
		require.Equal(t, "1", s.value("up"))
		for _, name := range []string{
			"worker_threads", "daemon_ike_sas", "start_time_seconds", "malloc_used_bytes", "ike_messages_total", "pool_addresses",
			"certificates", "policies", "authority_info", "connection_info", "ike_sas", "plugin_loaded",
		} {
			require.Empty(t, s.of(name), "%s: absent rather than 0", name)
		}
	})
}
