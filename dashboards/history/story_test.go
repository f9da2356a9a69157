// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// storyLength is how long the story lasts.
const storyLength = 6 * time.Hour

// storyStep is how often something can happen.
const storyStep = 20 * time.Second

// A gateway is a daemon with a life.
type gateway struct {
	*vicitest.Daemon

	instance string

	random  *rand.Rand
	began   time.Time
	last    time.Time // up to when traffic was carried
	sites   []site
	crowds  []crowd
	arrived int // users, so far

	// The daemon does not answer when it is asked for certificates: from and until so long after the beginning.
	tokenHangs [2]time.Duration
	heal       func() // nil while it answers
}

// A site is a connection to one peer.
type site struct {
	connection string
	outages    []outage
}

// An outage is when a site is dark, from and until so long after the beginning, and what the daemon reports then.
type outage struct {
	from, until time.Duration
	alert       string
	garbled     bool // the counters of what ends are those of an SA that is gone, as with user-space ESP
}

// A crowd is a road-warrior connection; it has so many users at the busiest moment.
type crowd struct {
	connection string
	most       int
}

// newGateways returns the three, as they are at the beginning.
func newGateways(now time.Time) ([]*gateway, error) {
	all := []*gateway{zurich(now), vienna(now), lisbon(now)}
	for _, g := range all {
		if err := errors.Join(g.loadCredentials(now), g.play(now)); err != nil {
			return nil, fmt.Errorf("%s: %w", g.instance, err)
		}
	}
	return all, nil
}

func newGateway(instance string, config vicitest.Config, now time.Time) *gateway {
	return &gateway{
		Daemon:   vicitest.NewUnstartedDaemon(config),
		instance: instance,
		random:   rand.New(rand.NewPCG(config.Seed, 1)),
		began:    now,
		last:     now,
	}
}

// play lets happen what is due.
func (g *gateway) play(now time.Time) error {
	var errs []error
	g.playToken(now.Sub(g.began))
	for _, s := range g.sites {
		errs = append(errs, g.playSite(s, now.Sub(g.began)))
	}
	for _, c := range g.crowds {
		errs = append(errs, g.playCrowd(c, now))
	}
	for _, sa := range g.IKESAs() {
		errs = append(errs, g.carry(&sa, now), g.rekey(&sa, now))
	}
	g.last = now
	g.ExpireRekeyed(storyStep / 2)
	return errors.Join(errs...)
}

func (g *gateway) playSite(s site, passed time.Duration) error {
	i := slices.IndexFunc(s.outages, func(o outage) bool { return o.from <= passed && passed < o.until })
	up, attempts := g.of(s.connection)
	switch {
	case i < 0 && len(up) == 0:
		_, err := g.Establish(s.connection, vicitest.Peer{Responder: len(s.connection)%2 == 0, NAT: len(s.connection)%5 == 0})
		return errors.Join(err, g.giveUp(attempts, ""))
	case i >= 0 && len(up) > 0:
		return errors.Join(g.garble(s.outages[i], up[0]), g.Down(up[0]))
	case i >= 0 && passed%(3*time.Minute) < storyStep:
		err := g.giveUp(attempts, s.outages[i].alert)
		if err == nil {
			_, err = g.HalfOpen(s.connection, "")
		}
		return err
	}
	return nil
}

// playToken lets the daemon wait for its smart card when that is due.
func (g *gateway) playToken(passed time.Duration) {
	hangs := g.tokenHangs[0] <= passed && passed < g.tokenHangs[1]
	switch {
	case hangs && g.heal == nil:
		g.heal = g.Fault("list-certs", vicitest.Hang())
	case !hangs && g.heal != nil:
		g.heal()
		g.heal = nil
	}
}

// garble gives the CHILD_SAs of an IKE_SA counters that are what happens to be in memory, if the outage is such a one.
func (g *gateway) garble(o outage, id uint32) error {
	if !o.garbled {
		return nil
	}
	sa, err := g.IKESA(id)
	for _, c := range sa.Children {
		err = errors.Join(err, g.Carry(c.UniqueID, vicitest.Traffic{Bytes: 1 << 62, Packets: 1 << 52}, vicitest.Traffic{}))
	}
	return err
}

// of returns the ids of a connection's IKE_SAs: those that are established, and attempts.
func (g *gateway) of(connection string) (up, attempts []uint32) {
	for _, sa := range g.IKESAs() {
		switch {
		case sa.Name != connection:
		case sa.State == vicitest.IKEConnecting:
			attempts = append(attempts, sa.UniqueID)
		default:
			up = append(up, sa.UniqueID)
		}
	}
	return up, attempts
}

// giveUp ends attempts, which the daemon reports.
func (g *gateway) giveUp(attempts []uint32, alert string) error {
	var errs []error
	for _, id := range attempts {
		if alert == "peer-auth-failed" {
			errs = append(errs, g.FailAuth(id))
		} else {
			errs = append(errs, g.Vanish(id, alert))
		}
	}
	return errors.Join(errs...)
}

// playCrowd lets users come and go so that their number follows the hour, and a few change at any time.
func (g *gateway) playCrowd(c crowd, now time.Time) error {
	online, _ := g.of(c.connection)
	wanted := int(float64(c.most) * busyness(now.Sub(g.began)))
	switch {
	case g.random.IntN(60) == 0:
		return g.mistype(c)
	case len(online) > 0 && g.random.IntN(50) == 0:
		return g.move(online[g.random.IntN(len(online))])
	case len(online) == 0, len(online) < wanted && g.random.IntN(4) == 0:
		return g.arrive(c)
	case len(online) > wanted && g.random.IntN(4) == 0, g.random.IntN(70) == 0:
		return g.Down(online[g.random.IntN(len(online))])
	}
	return nil
}

func (g *gateway) arrive(c crowd) error {
	n := g.arrived
	g.arrived++
	_, err := g.Establish(c.connection, vicitest.Peer{
		Responder: true, NAT: n%4 != 0, Host: fmt.Sprintf("100.64.%d.%d", n/200, n%200+1),
		ID: fmt.Sprintf("device-%d.example.org", n), EAPID: person(n) + "@example.org",
	})
	return err
}

// mistype lets somebody fail to authenticate.
func (g *gateway) mistype(c crowd) error {
	g.Count("", "invalid", 1)
	id, err := g.HalfOpen(c.connection, "100.65.0.1")
	if err != nil {
		return err
	}
	return g.FailAuth(id)
}

// move lets a user change from one network to another.
func (g *gateway) move(id uint32) error {
	sa, err := g.IKESA(id)
	if err != nil {
		return err
	}
	elsewhere := sa.Remote
	elsewhere.Host = fmt.Sprintf("100.66.0.%d", 1+g.random.IntN(250))
	g.RaiseIKEUpdate(&sa, sa.Local, elsewhere)
	return g.Update(id, func(sa *vicitest.IKESA) { sa.Remote = elsewhere })
}

// carry lets each CHILD_SA carry what it did since the last step. More arrives than leaves.
func (g *gateway) carry(sa *vicitest.IKESA, now time.Time) error {
	var errs []error
	for _, c := range sa.Children {
		if c.State != vicitest.ChildInstalled {
			continue
		}
		usual := 2e5 * float64(1+c.ReqID*7919%13) * busyness(now.Sub(g.began)) // bytes per second
		bytes := uint64(usual * (0.6 + 0.8*g.random.Float64()) * now.Sub(g.last).Seconds())
		errs = append(errs, g.Carry(c.UniqueID, traffic(bytes), traffic(bytes/3)))
	}
	return errors.Join(errs...)
}

func traffic(bytes uint64) vicitest.Traffic {
	return vicitest.Traffic{Bytes: bytes, Packets: (bytes + 799) / 800}
}

// rekey does the rekeyings that are due; who begins them is left to chance.
func (g *gateway) rekey(sa *vicitest.IKESA, now time.Time) error {
	if sa.State != vicitest.IKEEstablished {
		return nil
	}
	var errs []error
	how := vicitest.Rekeying{Responder: g.random.IntN(2) == 0}
	for _, c := range sa.Children {
		if c.State == vicitest.ChildInstalled && due(c.RekeyAt, now) {
			_, err := g.RekeyChild(c.UniqueID, how)
			errs = append(errs, err)
		}
	}
	if due(sa.ReauthAt, now) {
		_, err := g.Reauthenticate(sa.UniqueID)
		return errors.Join(append(errs, err)...)
	}
	if due(sa.RekeyAt, now) {
		_, err := g.RekeyIKE(sa.UniqueID, how)
		errs = append(errs, err)
		if sa.Version == 1 {
			errs = append(errs, g.Down(sa.UniqueID)) // IKEv1 leaves the old one behind
		}
	}
	return errors.Join(errs...)
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }
