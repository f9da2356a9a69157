// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// Times of a chaos: how long there is peace in between, and how long something stays wrong. A minute has room for
// each of its kinds.
const (
	leastPeace, mostPeace     = 500 * time.Millisecond, 1500 * time.Millisecond
	leastTrouble, mostTrouble = 500 * time.Millisecond, 3 * time.Second
)

// A chaos does one bad thing after another to a gateway, each for a while, and waits between them until the exporter
// has recovered. Whatever makes it lose events comes when there are none.
type chaos struct {
	gateway  *soakGateway
	exporter *exporter
	random   *rand.Rand

	next  time.Time
	heal  func() // not nil while something is wrong
	kinds []string
	done  map[string]int
}

func newChaos(g *soakGateway, e *exporter, random *rand.Rand) *chaos {
	c := &chaos{gateway: g, exporter: e, random: random, done: make(map[string]int)}
	c.next = time.Now().Add(c.between(leastPeace, mostPeace))
	return c
}

// String tells what was done how often.
func (c *chaos) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.done)) {
		parts = append(parts, fmt.Sprintf("%s: %d", kind, c.done[kind]))
	}
	return strings.Join(parts, ", ")
}

func (c *chaos) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.random.Int64N(int64(most-least)))
}

// step begins or ends what is due.
func (c *chaos) step(t *testing.T) {
	t.Helper()
	switch {
	case time.Now().Before(c.next):
	case c.heal != nil:
		c.end(t)
		c.next = time.Now().Add(c.between(leastPeace, mostPeace))
	case !allSucceed(c.exporter.scrape(t)):
		// Commands that were not answered are left in peace for a while, and all is to be well before it goes wrong again.
		c.next = time.Now().Add(leastPeace)
	default:
		c.begin(t)
		c.next = time.Now().Add(c.between(leastTrouble, mostTrouble))
	}
}

// end heals what is wrong.
func (c *chaos) end(t *testing.T) {
	t.Helper()
	if c.heal != nil {
		c.heal()
		c.heal = nil
	}
}

// begin does what has not been done for longest, in an order that is different each time.
func (c *chaos) begin(t *testing.T) {
	t.Helper()
	all := map[string]func(*testing.T){
		"crash":                 c.crash,
		"restart":               c.restart,
		"connections dropped":   c.drop,
		"stall":                 c.stall,
		"slow answers":          c.slow,
		"damaged answers":       c.damage,
		"unreadable events":     c.unreadableEvents,
		"broken event stream":   c.breakEvents,
		"refused connections":   c.refuse,
		"stream without an end": c.cut,
	}
	if len(c.kinds) == 0 {
		c.kinds = slices.Sorted(maps.Keys(all))
		c.random.Shuffle(len(c.kinds), func(i, j int) { c.kinds[i], c.kinds[j] = c.kinds[j], c.kinds[i] })
	}
	kind := c.kinds[0]
	c.kinds = c.kinds[1:]
	c.done[kind]++
	all[kind](t)
}

// crash kills the daemon and starts it again. What the exporter had not seen would be lost, so it has seen everything.
func (c *chaos) crash(t *testing.T) {
	t.Helper()
	c.gateway.settle(t, c.exporter)
	c.gateway.Crash()
	c.reboot(t)
}

// restart stops the daemon in order, which closes all tunnels.
func (c *chaos) restart(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.gateway.event("alert")
	c.gateway.truth.add(1, "strongswan_alerts_total", "alert", "shutdown-signal", "connection", "")
	require.NoError(t, c.gateway.Shutdown(ctx))
	for i := range c.gateway.tunnels {
		c.gateway.closed(&c.gateway.tunnels[i])
	}
	c.reboot(t)
}

// reboot starts the daemon that has ended, when the exporter has noticed.
func (c *chaos) reboot(t *testing.T) {
	t.Helper()
	await(t, func() bool { return c.exporter.scrape(t).series["strongswan_event_stream_connected"] == 0 }, "the exporter notices")
	require.Zero(t, c.exporter.scrape(t).value(t, "strongswan_up"))
	require.NoError(t, c.gateway.Restart())
	c.gateway.boot(t, c.exporter)
}

// drop closes all connections of a daemon that goes on.
func (c *chaos) drop(t *testing.T) {
	t.Helper()
	c.gateway.settle(t, c.exporter)
	c.gateway.DropConnections()
	c.gateway.awaitSubscription(t, c.exporter)
}

// refuse closes them, and all that are made for a while.
func (c *chaos) refuse(t *testing.T) {
	t.Helper()
	c.gateway.settle(t, c.exporter)
	c.gateway.RefuseConnections(context.Canceled)
	c.gateway.DropConnections()
	await(t, func() bool { return c.exporter.scrape(t).series["strongswan_up"] == 0 }, "the exporter notices")
	c.gateway.RefuseConnections(nil)
	c.gateway.awaitSubscription(t, c.exporter)
}

// soakCommands are those that the exporter sends.
var soakCommands = [...]string{
	"version", "stats", "list-sas", "list-conns", "list-policies", "list-certs", "list-authorities", "get-pools", "get-counters",
	"get-conns", "get-algorithms",
}

// fault lets some commands, or all, go wrong for a while.
func (c *chaos) fault(f vicitest.Fault, commands ...string) {
	var heal []func()
	for _, command := range commands {
		heal = append(heal, c.gateway.Fault(command, f))
	}
	c.heal = func() {
		for _, h := range heal {
			h()
		}
	}
}

// stall lets nothing be answered, while events go on.
func (c *chaos) stall(*testing.T) {
	goOn := make(chan struct{})
	c.fault(vicitest.Delay(goOn), soakCommands[:]...)
	heal := c.heal
	c.heal = func() {
		heal()
		close(goOn)
	}
}

// slow lets one command never be answered.
func (c *chaos) slow(*testing.T) { c.fault(vicitest.Hang(), c.command()) }

// cut lets the listing of SAs end in the middle.
func (c *chaos) cut(*testing.T) { c.fault(vicitest.HangAfter(1+c.random.IntN(soakPeers)), "list-sas") }

func (c *chaos) command() string { return soakCommands[c.random.IntN(len(soakCommands))] }

// damage sends garbage in answers.
func (c *chaos) damage(*testing.T) {
	const depth = 1000
	damages := [...]vicitest.Damage{
		vicitest.Malformed(), vicitest.Nested(depth), vicitest.OfType(99), vicitest.Oversized(1<<32 - 1), vicitest.Truncated(3),
		vicitest.Replaced(c.garbage()),
	}
	damage := damages[c.random.IntN(len(damages))]
	fault := vicitest.OnAnswer(damage)
	if c.random.IntN(2) == 0 {
		fault = vicitest.OnPacket(0, damage)
	}
	c.fault(fault, c.command())
}

func (c *chaos) garbage() []byte {
	const most = 1000
	b := make([]byte, 1+c.random.IntN(most))
	for i := range b {
		b[i] = byte(c.random.Uint32())
	}
	return b
}

// unreadableEvents sends events of which only the name can be read. They are counted as received, and lose nothing else.
func (c *chaos) unreadableEvents(*testing.T) {
	for _, name := range []string{"ike-updown", "child-rekey"} {
		packet := append([]byte{7, byte(len(name))}, name...) // an event
		for _, body := range [][]byte{{}, {3, 200, 'x'}, c.garbage()} {
			c.gateway.BroadcastRaw(name, segment(append(slices.Clone(packet), body...)))
			c.gateway.event(name)
		}
	}
}

// breakEvents sends what is no event at all, which ends the subscription.
func (c *chaos) breakEvents(t *testing.T) {
	t.Helper()
	c.gateway.settle(t, c.exporter)
	broken := [][]byte{{255, 255, 255, 255}, segment([]byte{99}), segment([]byte{7, 200})}
	c.gateway.BroadcastRaw("alert", broken[c.random.IntN(len(broken))])
	c.gateway.awaitSubscription(t, c.exporter)
}

// segment puts the length before a packet.
func segment(packet []byte) []byte {
	n := len(packet)
	return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, packet...)
}
