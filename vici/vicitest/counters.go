// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

var counterNames = [...]string{
	"ike-rekey-init", "ike-rekey-resp", "child-rekey", "invalid", "invalid-spi",
	"ike-init-in-req", "ike-init-in-resp", "ike-init-out-req", "ike-init-out-resp",
	"ike-auth-in-req", "ike-auth-in-resp", "ike-auth-out-req", "ike-auth-out-resp",
	"create-child-in-req", "create-child-in-resp", "create-child-out-req", "create-child-out-resp",
	"info-in-req", "info-in-resp", "info-out-req", "info-out-resp",
}

type counterSet [len(counterNames)]uint64

// counters are those of the plugin of that name; the zero value is ready for use.
type counters struct {
	global counterSet
	named  map[string]*counterSet
}

// Count adds to a counter of the daemon, such as "invalid-spi", and of a connection unless its name is empty. It
// panics if there is no such counter.
func (d *Daemon) Count(connection, counter string, n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.add(connection, counter, n)
}

// count adds one to each of the counters.
func (d *Daemon) count(connection string, names ...string) {
	for _, name := range names {
		d.counts.add(connection, name, 1)
	}
}

func (c *counters) add(connection, counter string, n uint64) {
	i := slices.Index(counterNames[:], counter)
	if i < 0 {
		panic("vicitest: no counter is called " + strconv.Quote(counter))
	}
	c.global[i] += n
	if connection == "" {
		return
	}
	if c.named == nil {
		c.named = make(map[string]*counterSet)
	}
	if c.named[connection] == nil {
		c.named[connection] = new(counterSet)
	}
	c.named[connection][i] += n
}

// countEstablished counts the messages that set up an IKE_SA. A responder's first ones come before
// its configuration is known. IKEv1 is not counted.
func (d *Daemon) countEstablished(sa *IKESA, responder bool) {
	switch {
	case sa.Version == 1:
	case responder:
		d.count("", "ike-init-in-req", "ike-init-out-resp")
		d.count(sa.Name, "ike-auth-in-req", "ike-auth-out-resp")
	default:
		d.count(sa.Name, "ike-init-out-req", "ike-init-in-resp", "ike-auth-out-req", "ike-auth-in-resp")
	}
}

// childExchange names the counters of the messages that make a further CHILD_SA.
func (d *Daemon) childExchange(sa *IKESA, responder, inAuth bool) []string {
	switch {
	case sa.Version == 1 || inAuth:
		return nil
	case responder:
		return []string{"create-child-in-req", "create-child-out-resp"}
	}
	return []string{"create-child-out-req", "create-child-in-resp"}
}

func (d *Daemon) countChildRekey(sa *IKESA, how Rekeying) {
	d.count(sa.Name, "child-rekey")
	if how.Collision && !d.since(6, 0, 0) {
		d.count(sa.Name, "child-rekey") // both events counted
	}
	d.count(sa.Name, d.childExchange(sa, how.Responder, false)...)
	if sa.Version == 2 {
		d.count(sa.Name, deleteExchange(how.Responder)...)
	}
}

func (d *Daemon) countIKERekey(sa *IKESA, how Rekeying) {
	if how.Responder {
		d.count(sa.Name, "ike-rekey-resp")
	} else {
		d.count(sa.Name, "ike-rekey-init")
	}
	d.count(sa.Name, d.childExchange(sa, how.Responder, false)...)
	d.count(sa.Name, deleteExchange(how.Responder)...)
}

func deleteExchange(responder bool) []string {
	if responder {
		return []string{"info-in-req", "info-out-resp"}
	}
	return []string{"info-out-req", "info-in-resp"}
}

var errNoCounters = errors.New("no counters available (plugin missing?)")

func (d *Daemon) getCounters(request *vici.Message) (*vici.Message, error) {
	if d.config.NoCounters {
		return nil, errNoCounters
	}
	sections := new(vici.Message)
	answer := new(vici.Message).AddSection("counters", sections)
	name, named := text(request, "name")
	switch {
	case boolean(request, "all"):
		for _, name := range slices.Sorted(maps.Keys(d.counts.named)) {
			sections.AddSection(name, d.counts.named[name].message())
		}
	case named && d.counts.named[name] == nil:
		return answer.Add("success", "no").Add("errmsg", "no counters found for this connection"), nil
	case named:
		sections.AddSection(name, d.counts.named[name].message())
	default:
		sections.AddSection("", d.counts.global.message())
	}
	return answer.Add("success", "yes"), nil
}

func (s *counterSet) message() *vici.Message {
	m := new(vici.Message)
	for i, name := range counterNames {
		m.Add(name, strconv.FormatUint(s[i], 10))
	}
	return m
}

// resetCounters forgets the counters of one connection, those of all connections, or, where the request names
// nothing, the daemon-wide ones.
func (d *Daemon) resetCounters(request *vici.Message) (*vici.Message, error) {
	if d.config.NoCounters {
		return nil, errNoCounters
	}
	name, named := text(request, "name")
	switch {
	case boolean(request, "all"):
		d.counts.named = nil
	case named:
		delete(d.counts.named, name)
	default:
		d.counts.global = counterSet{}
	}
	return success(), nil
}
