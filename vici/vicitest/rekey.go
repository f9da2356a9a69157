// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"slices"
	"time"
)

// A Rekeying tells how an SA is rekeyed.
type Rekeying struct {
	// Responder: the peer starts it.
	Responder bool

	// Collision: both ends start at the same time. One new SA is redundant and goes at once. Responder then
	// tells whether the peer's exchange wins.
	Collision bool
}

// RekeyChild replaces a CHILD_SA and returns the unique id of the new one. The old one stays
// listed until [Daemon.ExpireChild]. The event is as the generation raises it; as with a real daemon, the outbound
// counters of an old SA that this end replaced are those of the last time when they were asked for.
func (d *Daemon) RekeyChild(id uint32, how Rekeying) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, old, err := d.findChild(id)
	if err != nil {
		return 0, err
	}
	if !carriesTraffic(old.State) {
		return 0, fmt.Errorf("%w: CHILD_SA %d is %s", ErrNoSuchSA, id, old.State)
	}
	return d.rekeyChild(sa, old, how).UniqueID, nil
}

func (d *Daemon) rekeyChild(sa *IKESA, old *ChildSA, how Rekeying) *ChildSA {
	initiator := !how.Responder && sa.Version == 2
	if initiator {
		old.Out = old.queried // the kernel's outbound SA goes without being asked again
	}
	var loser *ChildSA
	if how.Collision && sa.Version == 2 {
		loser = d.successor(sa, old)
	}
	winner := d.successor(sa, old)
	if initiator || loser != nil {
		d.logChildRekey(sa, winner)
	}
	d.countChildRekey(sa, how)
	d.raiseChildRekeys(sa, old, loser, winner, how)
	old.State = ChildDeleted
	if sa.Version == 1 {
		old.State = ChildRekeyed
	}
	old.replaced = d.now()
	if loser != nil {
		loser.State, loser.replaced = ChildDeleted, old.replaced
		sa.Children = append(sa.Children, loser)
	}
	sa.Children = append(sa.Children, winner)
	return winner
}

// successor makes the CHILD_SA that replaces another one. If its proposal has a key exchange, the
// new one is made with it, also where the old one came with the IKE_SA and had none.
func (d *Daemon) successor(sa *IKESA, old *ChildSA) *ChildSA {
	c := *old
	if _, config := d.findConfig(sa.Name, old.Name); config != nil {
		c.Suite = childSuite(config, false)
	}
	c.UniqueID = next(&d.ids.child)
	c.State = ChildInstalled
	c.In, c.Out, c.queried = Traffic{}, Traffic{}, Traffic{}
	d.key(&c, lifetime(old.RekeyAt, old.Installed), lifetime(old.ExpireAt, old.Installed))
	return &c
}

// logChildRekey logs what a daemon does that begins a rekeying.
func (d *Daemon) logChildRekey(sa *IKESA, successor *ChildSA) {
	if sa.Version == 1 {
		return
	}
	d.log("IKE", 0, sa, fmt.Sprintf("establishing CHILD_SA %s{%d} reqid %d", successor.Name, successor.UniqueID, successor.ReqID))
	d.log("ENC", 1, sa, "generating CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]")
}

// raiseChildRekeys raises one event, or those of a collision: before 6.0 both new SAs replace the old
// one, the redundant first; from then on the redundant one is replaced in its turn.
func (d *Daemon) raiseChildRekeys(sa *IKESA, old, loser, winner *ChildSA, how Rekeying) {
	shown, dying := *sa, *old
	shown.TasksActive, shown.TasksPassive = d.childRekeyTasks(sa.Version, how)
	dying.State = d.stateWhenRekeyed(sa.Version, how)
	if loser == nil {
		d.RaiseChildRekey(&shown, &dying, winner)
		return
	}
	d.RaiseChildRekey(&shown, &dying, loser)
	shown.TasksPassive = nil // the peer's exchange is done
	if !d.since(6, 0, 0) {
		d.RaiseChildRekey(&shown, &dying, winner)
		return
	}
	redundant := *loser
	redundant.State = ChildRekeyed
	d.RaiseChildRekey(&shown, &redundant, winner)
}

func (d *Daemon) stateWhenRekeyed(version int, how Rekeying) string {
	switch {
	case version == 1, !how.Responder && !d.since(5, 9, 8): // seen with 5.9.1
		return ChildRekeying
	case !d.since(6, 0, 0):
		return ChildRekeyed
	case how.Responder:
		return ChildDeleted
	}
	return ChildRekeying
}

// childRekeyTasks returns what an IKE_SA works on while a rekeying is reported; in a collision that is both ends' exchange.
func (d *Daemon) childRekeyTasks(version int, how Rekeying) (active, passive []string) {
	task, answer := "CHILD_REKEY", "CHILD_REKEY"
	switch {
	case version == 1:
		task, answer = "QUICK_MODE", "QUICK_MODE"
	case d.since(6, 0, 0):
		answer = "CHILD_DELETE" // the peer's delete is what ends it
	}
	if how.Collision || !how.Responder {
		active = []string{task}
	}
	if how.Collision || how.Responder {
		passive = []string{answer}
	}
	return active, passive
}

// ExpireChild lets a CHILD_SA vanish that was rekeyed, without an event.
func (d *Daemon) ExpireChild(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, c, err := d.findChild(id)
	if err != nil {
		return err
	}
	sa.remove(c)
	return nil
}

// ExpireRekeyed lets all CHILD_SAs vanish that were rekeyed at least that long ago, without an event, and returns how many
// there were. Real daemons list them for five seconds with default settings.
func (d *Daemon) ExpireRekeyed(ago time.Duration) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, now := 0, d.now()
	for _, sa := range d.ikes {
		before := len(sa.Children)
		sa.Children = slices.DeleteFunc(sa.Children, func(c *ChildSA) bool {
			return !c.replaced.IsZero() && now.Sub(c.replaced) >= ago
		})
		n += before - len(sa.Children)
	}
	return n
}
