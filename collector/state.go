// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A state is what outlives the process: totals and counters, and the marks up to which the traffic of each SA
// is in them. There are two, in two files: the whole one, saved from time to time, and one of only what was exposed
// last, saved with each round.
type state struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Address string    `json:"address"` // of the daemon
	Saved   time.Time `json:"saved"`
	Began   time.Time `json:"began"` // since when Received, Alerts and Evicted count

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
	Connection string    `json:"connection"`
	Counts     [5]uint64 `json:"counts"` // established, terminated, failed, rekeyed, moved
	Created    time.Time `json:"created"`
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

// parseState reads a saved state and checks all that restoring it relies on.
func parseState(data []byte, address string) (*state, error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	switch {
	case s.Format != stateFormat:
		return nil, errors.New("not a state of strongswan_exporter")
	case s.Version != stateVersion:
		return nil, fmt.Errorf("of version %d, and this program knows version %d", s.Version, stateVersion)
	case s.Address != address:
		return nil, fmt.Errorf("of another daemon, at %s", s.Address)
	case s.Saved.IsZero(), s.Began.IsZero():
		return nil, errors.New("damaged: it does not say when it was saved")
	}
	for _, m := range s.Marks {
		if m.Total < 0 || m.Total >= len(s.Totals) || m.Peer < -1 || m.Peer >= len(s.Peers) {
			return nil, fmt.Errorf("damaged: the mark of CHILD_SA %d names no total", m.ID)
		}
	}
	return &s, nil
}

// raise makes a state that was saved some time ago continue no lower than what was exposed since: a counter that falls
// looks as if it had begun anew, and all of it would be counted once more. What is exposed of a total may
// hold traffic of SAs that the older marks count again, so it is no new beginning but only a floor.
func (s *state) raise(exposed *state) {
	s.raiseTotals(&s.Totals, exposed.Totals)
	s.raiseTotals(&s.Peers, exposed.Peers)
	s.raiseConnections(exposed.Connections)
	s.raiseChildren(exposed.Children)
	if !s.Began.Equal(exposed.Began) {
		return
	}
	for name, n := range exposed.Received {
		s.Received[name] = max(s.Received[name], n)
	}
	s.raiseAlerts(exposed.Alerts)
	s.Evicted = max(s.Evicted, exposed.Evicted)
}

func (*state) raiseTotals(saved *[]savedTotal, exposed []savedTotal) {
	index := make(map[series]int)
	for i, t := range *saved {
		index[series{t.Connection, t.Member}] = i
	}
	for _, t := range exposed {
		i, known := index[series{t.Connection, t.Member}]
		if !known {
			i = len(*saved)
			*saved = append(*saved, savedTotal{Connection: t.Connection, Member: t.Member, Created: t.Created})
		}
		if (*saved)[i].Created.Equal(t.Created) {
			(*saved)[i].floor = t.Sum
		}
	}
}

func (s *state) raiseConnections(exposed []savedConnection) {
	index := make(map[string]int)
	for i, c := range s.Connections {
		index[c.Connection] = i
	}
	for _, c := range exposed {
		i, known := index[c.Connection]
		switch {
		case !known:
			s.Connections = append(s.Connections, c)
		case s.Connections[i].Created.Equal(c.Created):
			for k, n := range c.Counts {
				s.Connections[i].Counts[k] = max(s.Connections[i].Counts[k], n)
			}
		}
	}
}

func (s *state) raiseChildren(exposed []savedChild) {
	index := make(map[series]int)
	for i, c := range s.Children {
		index[series{c.Connection, c.Child}] = i
	}
	for _, c := range exposed {
		i, known := index[series{c.Connection, c.Child}]
		switch {
		case !known:
			s.Children = append(s.Children, c)
		case s.Children[i].Created.Equal(c.Created):
			for k, n := range c.Counts {
				s.Children[i].Counts[k] = max(s.Children[i].Counts[k], n)
			}
		}
	}
}

func (s *state) raiseAlerts(exposed []savedAlert) {
	index := make(map[alertSeries]int)
	for i, a := range s.Alerts {
		index[alertSeries{a.Alert, a.Connection}] = i
	}
	for _, a := range exposed {
		i, known := index[alertSeries{a.Alert, a.Connection}]
		if !known {
			s.Alerts = append(s.Alerts, a)
			continue
		}
		s.Alerts[i].Count = max(s.Alerts[i].Count, a.Count)
	}
}
