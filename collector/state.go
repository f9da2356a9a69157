// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A state is what outlives the process: totals and counters, and the marks up to which the traffic of each SA
// is in them. There are two, in two files: the whole one, saved from time to time, and one of only what was exposed
// last, saved with each round in which that has changed.
type state struct {
	Format  string     `json:"format"`
	Version int        `json:"version"`
	Address string     `json:"address"`          // of the daemon
	Boot    string     `json:"boot,omitempty"`   // of the machine; see bootID
	Daemon  *daemonRun `json:"daemon,omitempty"` // absent if it never answered
	Saved   time.Time  `json:"saved"`
	Began   time.Time  `json:"began"` // since when Received, Alerts and Evicted count

	Totals      []savedTotal      `json:"totals"`
	Peers       []savedTotal      `json:"peers,omitempty"`
	Marks       []savedMark       `json:"marks"`
	Sessions    []savedSession    `json:"sessions"`
	Connections []savedConnection `json:"connections"`
	Children    []savedChild      `json:"children"`
	Alerts      []savedAlert      `json:"alerts"`
	Received    map[string]uint64 `json:"received"`
	Evicted     int               `json:"evicted"`
}

const (
	stateFormat  = "strongswan_exporter state"
	stateVersion = 1
)

// A savedTotal is a total of traffic.
type savedTotal struct {
	Connection string    `json:"connection"`
	Member     string    `json:"member"`
	Sum        traffic   `json:"sum"`
	Created    time.Time `json:"created"`

	floor traffic // see state.raise
}

// A savedMark is what is counted of one CHILD_SA.
type savedMark struct {
	ID    uint32   `json:"id"`
	SPI   vici.SPI `json:"spi"`
	Total int      `json:"total"` // index
	Peer  int      `json:"peer"`  // index, or -1
	Mark  traffic  `json:"mark"`
}

// A savedSession is the start of an IKE_SA's session.
type savedSession struct {
	ID    uint32      `json:"id"`
	SPI   vici.IKESPI `json:"spi"`
	Start time.Time   `json:"start"`
}

type savedConnection struct {
	Connection string        `json:"connection"`
	Counts     [5]uint64     `json:"counts"`            // established, terminated, failed, rekeyed, moved
	Lengths    *savedLengths `json:"lengths,omitempty"` // of sessions, if any have ended
	Created    time.Time     `json:"created"`
}

type savedChild struct {
	Connection string    `json:"connection"`
	Child      string    `json:"child"`
	Counts     [3]uint64 `json:"counts"` // established, terminated, rekeyed
	Created    time.Time `json:"created"`
}

type savedAlert struct {
	Alert      string `json:"alert"`
	Connection string `json:"connection"`
	Count      uint64 `json:"count"`
}

// checkFormat finds what is no state that this program knows.
func (s *state) checkFormat() error {
	switch {
	case s.Format != stateFormat:
		return errors.New("not a state of strongswan_exporter")
	case s.Version != stateVersion:
		return fmt.Errorf("of version %d, and this program knows version %d", s.Version, stateVersion)
	}
	return nil
}

// checkHeading finds what is no state of the daemon at that address.
func (s *state) checkHeading(address string) error {
	if err := s.checkFormat(); err != nil {
		return err
	}
	switch {
	case s.Address != address:
		return fmt.Errorf("of another daemon, at %s", s.Address)
	case s.Saved.IsZero(), s.Began.IsZero():
		return errors.New("damaged: it does not say when it was saved")
	}
	return nil
}

// shown returns the part of a state that can be seen from outside.
func (s *state) shown() *state {
	shown := *s
	shown.Marks, shown.Sessions = nil, nil
	shown.Totals, shown.Peers = shownTotals(s.Totals), shownTotals(s.Peers)
	return &shown
}

func shownTotals(all []savedTotal) []savedTotal {
	shown := slices.Clone(all)
	for i := range shown {
		for j := range shown[i].Sum {
			shown[i].Sum[j] = max(shown[i].Sum[j], shown[i].floor[j])
		}
	}
	return shown
}

// check finds what a state cannot have been saved with.
func (s *state) check() error {
	marks := make(map[childKey]bool)
	for _, m := range s.Marks {
		key := childKey{m.ID, m.SPI}
		if marks[key] || m.Total < 0 || m.Total >= len(s.Totals) || m.Peer < -1 || m.Peer >= len(s.Peers) {
			return fmt.Errorf("damaged: the mark of CHILD_SA %d is there twice or names no total", m.ID)
		}
		marks[key] = true
	}
	if s.Evicted < 0 {
		return errors.New("damaged: a count is negative")
	}
	return s.checkNames()
}

// checkNames holds that all names are labels, and that there are no two of what becomes one series.
func (s *state) checkNames() error {
	seen := make(map[[3]string]bool)
	var wrong error
	check := func(kind, a, b string) {
		key := [3]string{kind, a, b}
		if seen[key] || labelValue(a) != a || labelValue(b) != b {
			wrong = fmt.Errorf("damaged: %s %q %q is no label, or is there twice", kind, a, b)
		}
		seen[key] = true
	}
	for _, t := range s.Totals {
		check("total", t.Connection, t.Member)
	}
	for _, t := range s.Peers {
		check("peer", t.Connection, t.Member)
	}
	for _, c := range s.Connections {
		check("connection", c.Connection, "")
		if c.Lengths != nil && !c.Lengths.possible() {
			wrong = fmt.Errorf("damaged: the lengths of sessions of %q cannot be", c.Connection)
		}
	}
	for _, c := range s.Children {
		check("child", c.Connection, c.Child)
	}
	for _, a := range s.Alerts {
		check("alert", a.Alert, a.Connection)
	}
	return wrong
}
