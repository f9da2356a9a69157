// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A filter selects SAs as requests do. A key that does not parse counts as missing.
type filter struct {
	ike, child     string
	byIKE, byChild bool
	ikeID, childID uint32 // 0: any
}

func newFilter(m *vici.Message) filter {
	var f filter
	f.ike, f.byIKE = text(m, "ike")
	f.child, f.byChild = text(m, "child")
	f.ikeID = uint32(integer(m, "ike-id", 0))
	f.childID = uint32(integer(m, "child-id", 0))
	return f
}

func (f filter) empty() bool {
	return !f.byIKE && !f.byChild && f.ikeID == 0 && f.childID == 0
}

func (f filter) ikeSA(sa *IKESA) bool {
	return (!f.byIKE || sa.Name == f.ike) && (f.ikeID == 0 || sa.UniqueID == f.ikeID)
}

func (f filter) childSA(c *ChildSA) bool {
	return (!f.byChild || c.Name == f.child) && (f.childID == 0 || c.UniqueID == f.childID)
}

// listSAs streams all IKE_SAs that the filter lets pass, newest first. Without noblock it waits
// for each that is busy, whatever the filter.
func (d *Daemon) listSAs(c *Call) (*vici.Message, error) {
	f := newFilter(c.Request)
	if !d.since(5, 9, 6) {
		f.byChild, f.childID = false, 0
	}
	noblock := present(c.Request, "noblock")
	for _, sa := range d.newestFirst() {
		if !d.available(c, sa, noblock) {
			if c.Context().Err() != nil {
				return nil, ErrNoAnswer
			}
			continue
		}
		if err := d.listSA(c, f, sa); err != nil {
			return nil, err
		}
	}
	return nil, d.listPopulation(c, f)
}

func (d *Daemon) newestFirst() []*IKESA {
	d.mu.Lock()
	defer d.mu.Unlock()
	sas := slices.Clone(d.ikes)
	slices.Reverse(sas)
	return sas
}

// available waits until nothing else uses the IKE_SA, or reports at once that it
// is to be skipped. Waiting takes one of the daemon's threads and outlives the client.
func (d *Daemon) available(c *Call, sa *IKESA, noblock bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for sa.busy != nil {
		if noblock {
			return false
		}
		busy := sa.busy
		d.blocked++
		d.mu.Unlock()
		select {
		case <-busy:
		case <-c.Context().Done():
		}
		d.mu.Lock()
		d.blocked--
		if c.Context().Err() != nil {
			return false
		}
	}
	return !sa.ended // it may have, since the listing began
}

func (d *Daemon) listSA(c *Call, f filter, sa *IKESA) error {
	if !f.ikeSA(sa) { // neither name nor id ever changes
		return nil
	}
	return c.Event("list-sa", func(e *vici.Encoder) {
		d.mu.Lock()
		defer d.mu.Unlock()
		newSAWriter(e, d.dialect, d.now()).list(sa, f)
		for _, child := range sa.Children {
			child.query()
		}
	})
}

func (d *Daemon) listPopulation(c *Call, f filter) error {
	if d.config.Population == nil {
		return nil
	}
	now := d.now()
	for sa := range d.config.Population.IKESAs(now) {
		if !f.ikeSA(sa) {
			continue
		}
		err := c.Event("list-sa", func(e *vici.Encoder) { newSAWriter(e, d.dialect, now).list(sa, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

// list writes the body of a list-sa event.
func (w saWriter) list(sa *IKESA, f filter) {
	w.e.Section(sa.Name)
	w.ike(sa)
	w.e.Section("child-sas")
	for _, c := range sa.Children {
		if f.childSA(c) {
			w.childSection(c)
			w.child(c)
			w.e.EndSection()
		}
	}
	w.e.EndSection()
	w.e.EndSection()
}
