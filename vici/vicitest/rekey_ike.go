// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"time"
)

// RekeyIKE replaces an IKE_SA and returns the unique id of the new one, to which all children move.
//
// With IKEv2 there is one ike-rekey event (a collision makes two, chained), and the old one is gone. IKEv1 knows
// no such thing: the new IKE_SA comes up with an event of its own, and the old one stays, without children, until
// [Daemon.Down] is called for it; real daemons take about ten seconds.
func (d *Daemon) RekeyIKE(id uint32, how Rekeying) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return 0, err
	}
	if sa.State != IKEEstablished && sa.State != IKERekeying {
		return 0, fmt.Errorf("%w: IKE_SA %d is %s", ErrNoSuchSA, id, sa.State)
	}
	return d.rekeyIKE(sa, how).UniqueID, nil
}

func (d *Daemon) rekeyIKE(sa *IKESA, how Rekeying) *IKESA {
	if sa.Version == 1 {
		return d.replaceIKEv1(sa, how)
	}
	dying := *sa
	dying.State = IKERekeying
	dying.LocalVIPs, dying.RemoteVIPs = nil, nil // they have moved to the new one
	if how.Responder && !d.since(6, 0, 0) {
		dying.State = IKEEstablished
	}
	dying.TasksActive, dying.TasksPassive = ikeRekeyTasks(how)
	if how.Collision {
		loser := d.ikeSuccessor(sa, !how.Responder)
		d.RaiseIKERekey(&dying, loser)
		dying = *loser
		dying.State = IKERekeying
		dying.LocalVIPs, dying.RemoteVIPs = nil, nil
	}
	replacement := d.ikeSuccessor(sa, how.Responder)
	replacement.ReauthAt = sa.ReauthAt
	d.countIKERekey(sa, how)
	d.log("IKE", 0, sa, fmt.Sprintf("IKE_SA %s[%d] rekeyed between %s[%s]...%s[%s]", replacement.Name, replacement.UniqueID,
		sa.Local.Host, sa.Local.ID, sa.Remote.Host, sa.Remote.ID))
	d.RaiseIKERekey(&dying, replacement)
	d.inherit(replacement, sa)
	d.forget(sa)
	return replacement
}

func ikeRekeyTasks(how Rekeying) (active, passive []string) {
	if !how.Responder || how.Collision {
		active = []string{"IKE_REKEY"}
	}
	if how.Responder || how.Collision {
		passive = []string{"IKE_REKEY"}
	}
	return active, passive
}

// ikeSuccessor makes the IKE_SA that replaces another one, without its children.
func (d *Daemon) ikeSuccessor(old *IKESA, responder bool) *IKESA {
	sa := *old
	now := d.now()
	sa.busy, sa.ended, sa.Children = nil, false, nil
	sa.UniqueID = next(&d.ids.ike)
	sa.State = IKEEstablished
	sa.Initiator = !responder
	sa.InitiatorSPI, sa.ResponderSPI = d.random.Uint64(), d.random.Uint64()
	sa.Established = now
	sa.RekeyAt = after(now, lifetime(old.RekeyAt, old.Established))
	sa.ReauthAt = after(now, lifetime(old.ReauthAt, old.Established))
	return &sa
}

// lifetime is how long something was to last that began and ends at those moments.
func lifetime(end, begin time.Time) time.Duration {
	if end.IsZero() {
		return 0
	}
	return end.Sub(begin)
}

// inherit moves all children to a new IKE_SA, which the daemon holds from now on.
func (d *Daemon) inherit(heir, from *IKESA) {
	heir.Children, from.Children = from.Children, nil
	d.ikes = append(d.ikes, heir)
}

func (d *Daemon) replaceIKEv1(sa *IKESA, how Rekeying) *IKESA {
	replacement := d.ikeSuccessor(sa, how.Responder)
	shown := *replacement
	_, shown.TasksActive, shown.TasksPassive = d.establishTasks(1, how.Responder)
	d.RaiseIKEUpDown(&shown, true)
	d.inherit(replacement, sa)
	sa.RemoteVIPs = nil // they belong to the new one, so the end of the old one does not give them back
	return replacement
}

// Reauthenticate replaces an IKE_SA and its CHILD_SAs by new ones that are set up from scratch, and returns the
// new IKE_SA's unique id: with IKEv2 the new ones come first or last, as [Config.MakeBeforeBreak] has it; IKEv1 is as in [Daemon.RekeyIKE].
func (d *Daemon) Reauthenticate(id uint32) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return 0, err
	}
	return d.reauthenticate(sa).UniqueID, nil
}

func (d *Daemon) reauthenticate(sa *IKESA) *IKESA {
	if sa.Version == 1 {
		return d.replaceIKEv1(sa, Rekeying{Responder: !sa.Initiator})
	}
	if !d.makeBeforeBreak() {
		d.down(sa, "IKE_REAUTH")
		return d.setUpAgain(sa)
	}
	replacement := d.setUpAgain(sa)
	d.down(sa, "IKE_REAUTH")
	return replacement
}

func (d *Daemon) makeBeforeBreak() bool {
	return d.config.MakeBeforeBreak.Or(d.since(6, 0, 0))
}

// setUpAgain makes a new IKE_SA like another one, with new CHILD_SAs.
func (d *Daemon) setUpAgain(old *IKESA) *IKESA {
	sa := d.ikeSuccessor(old, !old.Initiator)
	d.keepAddresses(sa)
	d.ikes = append(d.ikes, sa)
	responder := !sa.Initiator
	d.countEstablished(sa, responder)
	d.raiseEstablished(sa, Peer{Responder: responder})
	for _, former := range old.Children {
		if carriesTraffic(former.State) {
			child := d.successor(sa, former)
			child.Suite = former.Suite
			sa.Children = append(sa.Children, child)
			d.RaiseChildUpDown(sa, child, true)
		}
	}
	return sa
}
