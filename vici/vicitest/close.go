// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"slices"
	"strings"
)

// find returns the IKE_SA with that unique id, or an error that matches ErrNoSuchSA.
func (d *Daemon) find(id uint32) (*IKESA, error) {
	for _, sa := range d.ikes {
		if sa.UniqueID == id {
			return sa, nil
		}
	}
	return nil, fmt.Errorf("%w: IKE_SA %d", ErrNoSuchSA, id)
}

// findChild returns the CHILD_SA with that unique id and the IKE_SA that it belongs to.
func (d *Daemon) findChild(id uint32) (*IKESA, *ChildSA, error) {
	for _, sa := range d.ikes {
		if c := sa.child(id); c != nil {
			return sa, c, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: CHILD_SA %d", ErrNoSuchSA, id)
}

// IKESAs returns copies of the IKE_SAs that the daemon holds, in the order of their creation. Those of
// a [Population] are not among them.
func (d *Daemon) IKESAs() []IKESA {
	d.mu.Lock()
	defer d.mu.Unlock()
	sas := make([]IKESA, len(d.ikes))
	for i, sa := range d.ikes {
		sas[i] = sa.clone()
	}
	return sas
}

// IKESA returns a copy of one IKE_SA.
func (d *Daemon) IKESA(id uint32) (IKESA, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return IKESA{}, err
	}
	return sa.clone(), nil
}

// Add puts an IKE_SA as it is into the daemon, without an event. It gets unique ids where it and its
// children have none. Add returns the IKE_SA's.
func (d *Daemon) Add(sa IKESA) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	added := sa.clone()
	if added.UniqueID == 0 {
		added.UniqueID = next(&d.ids.ike)
	}
	for _, c := range added.Children {
		if c.UniqueID == 0 {
			c.UniqueID = next(&d.ids.child)
		}
	}
	d.ikes = append(d.ikes, &added)
	return added.UniqueID
}

// Update changes an IKE_SA or its children in place, without an event. The name and the unique id must stay, and
// change must not call the daemon.
func (d *Daemon) Update(id uint32, change func(*IKESA)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return err
	}
	change(sa)
	return nil
}

// Down closes an IKE_SA with its CHILD_SAs.
func (d *Daemon) Down(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return err
	}
	d.down(sa, deleteTask(sa.Version))
	return nil
}

func deleteTask(version int) string {
	if version == 1 {
		return "ISAKMP_DELETE"
	}
	return "IKE_DELETE"
}

// down raises the events of an end: the IKE_SA's first, then its children's, which
// are still shown as they were. Those that were rekeyed already get none.
func (d *Daemon) down(sa *IKESA, task string) {
	if sa.State == IKEConnecting || sa.State == IKECreated {
		d.drop(sa) // what never was up ends in silence
		return
	}
	d.log("IKE", 0, sa, fmt.Sprintf("deleting IKE_SA %s[%d] between %s[%s]...%s[%s]",
		sa.Name, sa.UniqueID, sa.Local.Host, sa.Local.ID, sa.Remote.Host, sa.Remote.ID))
	shown := *sa
	shown.State = IKEDeleting
	shown.TasksActive = []string{task}
	d.RaiseIKEUpDown(&shown, false)
	for _, c := range sa.Children {
		if carriesTraffic(c.State) {
			d.RaiseChildUpDown(&shown, c, false)
		}
	}
	if sa.Version == 2 {
		d.count(sa.Name, "info-out-req", "info-in-resp")
	}
	d.drop(sa)
}

// carriesTraffic tells states of a CHILD_SA that is up from those of one being phased out.
func carriesTraffic(state string) bool {
	switch state {
	case ChildInstalled, ChildRekeying, ChildUpdating:
		return true
	}
	return false
}

// drop takes an IKE_SA out of the daemon.
func (d *Daemon) drop(sa *IKESA) {
	d.forget(sa)
	d.releaseAddresses(sa)
}

// forget takes an IKE_SA out of the daemon and leaves its addresses assigned.
func (d *Daemon) forget(sa *IKESA) {
	d.ikes = slices.DeleteFunc(d.ikes, func(other *IKESA) bool { return other == sa })
	sa.ended = true
	if sa.busy != nil {
		close(sa.busy)
		sa.busy = nil
	}
}

// DownChild closes a CHILD_SA.
func (d *Daemon) DownChild(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, c, err := d.findChild(id)
	if err != nil {
		return err
	}
	d.downChild(sa, c)
	return nil
}

func (d *Daemon) downChild(sa *IKESA, c *ChildSA) {
	d.log("IKE", 0, sa, fmt.Sprintf("closing CHILD_SA %s{%d} with SPIs %08x_i (%d bytes) %08x_o (%d bytes) and TS %s === %s",
		c.Name, c.UniqueID, c.SPIIn, c.In.Bytes, c.SPIOut, c.Out.Bytes,
		strings.Join(c.LocalTS, " "), strings.Join(c.RemoteTS, " ")))
	up := carriesTraffic(c.State)
	shown, gone := *sa, *c
	gone.State = ChildDeleted
	shown.TasksActive = []string{"CHILD_DELETE"}
	if sa.Version == 1 {
		shown.TasksActive = []string{"QUICK_DELETE"}
	} else {
		d.count(sa.Name, "info-out-req", "info-in-resp")
	}
	sa.remove(c)
	if up {
		d.RaiseChildUpDown(&shown, &gone, false)
	}
}

// AddChild sets up a further CHILD_SA under an IKE_SA and returns its unique id. The child may belong to
// another connection than the IKE_SA's: daemons before 6.0 reuse an IKE_SA with the same IKE configuration.
func (d *Daemon) AddChild(ikeID uint32, connection, child string, responder bool) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(ikeID)
	if err != nil {
		return 0, err
	}
	c := d.connection(connection)
	if c == nil || c.child(child) == nil {
		return 0, fmt.Errorf("%w: child %q of connection %q", ErrNoSuchConfig, child, connection)
	}
	return d.installChild(sa, c.child(child), responder).UniqueID, nil
}

// Carry lets traffic pass through a CHILD_SA, in whatever state it is: bytes and packets are added to its
// counters.
func (d *Daemon) Carry(childID uint32, in, out Traffic) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, c, err := d.findChild(childID)
	if err != nil {
		return err
	}
	now := d.now()
	c.In.add(in)
	c.Out.add(out)
	if in.Packets > 0 {
		c.In.Last = now
	}
	if out.Packets > 0 {
		c.Out.Last = now
	}
	return nil
}

func (t *Traffic) add(more Traffic) {
	t.Bytes += more.Bytes
	t.Packets += more.Packets
}

// SetBusy lets another thread of the daemon use an IKE_SA until the returned function is called: requests
// with noblock pass it over, all others wait for it.
func (d *Daemon) SetBusy(id uint32) (release func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return nil, err
	}
	if sa.busy == nil {
		sa.busy = make(chan struct{})
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if sa.busy != nil {
			close(sa.busy)
			sa.busy = nil
		}
	}, nil
}
