// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"context"
	"maps"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An Observation is what a [Server] saw of its clients so far, for tests to look at.
type Observation struct {
	Accepted      int            // connections that came, refused ones included
	Connections   int            // connections that are open
	Commands      map[string]int // requests by name, unknown ones included
	Registrations map[string]int // that are alive, by event
	InFlight      int            // requests and registrations being executed
	MaxInFlight   int            // the most that were at one moment
	Waiting       int            // requests that were received and not begun
	Ignored       int            // segments that were no packets of a client
	Unsent        int            // answers and events that did not fit into a segment
	Queued        int            // bytes of all connections that wait to be written
	QueuedEach    []int          // the same by connection, largest first
	MaxQueued     int            // the most that waited on one connection
}

// observed is the server's running account; the server's lock guards it.
type observed struct {
	Observation

	recent []record
	next   chan struct{} // closed and replaced whenever something changes
}

// A record is a request that the server received.
type record struct {
	command string
	request *vici.Message
}

// recentRequests bounds how many requests a server remembers.
const recentRequests = 1024

func (o *observed) init() {
	o.Commands = make(map[string]int)
	o.next = make(chan struct{})
}

func (o *observed) signal() {
	close(o.next)
	o.next = make(chan struct{})
}

// Observe returns the present account.
func (s *Server) Observe() Observation {
	o, _ := s.observe()
	return o
}

func (s *Server) observe() (Observation, <-chan struct{}) {
	conns := s.connections()
	s.mu.Lock()
	o, next := s.observed.Observation, s.observed.next
	o.Commands = maps.Clone(o.Commands)
	s.mu.Unlock()
	o.Registrations = make(map[string]int)
	for _, c := range conns {
		queued, peak := c.out.bytes()
		o.Queued += queued
		o.QueuedEach = append(o.QueuedEach, queued)
		o.MaxQueued = max(o.MaxQueued, peak)
		c.mu.Lock()
		o.Waiting += len(c.pending)
		for event, n := range c.registered {
			o.Registrations[event] += n
		}
		c.mu.Unlock()
	}
	maps.DeleteFunc(o.Registrations, func(_ string, n int) bool { return n == 0 })
	slices.SortFunc(o.QueuedEach, func(a, b int) int { return b - a })
	return o, next
}

// WaitFor returns when the account satisfies what, or with the context's error. It is
// told of connections, refused ones included, of requests, registrations and their ends; bytes that drain do not wake it.
func (s *Server) WaitFor(ctx context.Context, what func(Observation) bool) error {
	for {
		o, next := s.observe()
		if what(o) {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Requests returns the last requests that came for a command, oldest first. The server remembers
// 1,024 requests.
func (s *Server) Requests(command string) []*vici.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*vici.Message
	for _, r := range s.observed.recent {
		if r.command == command {
			found = append(found, r.request)
		}
	}
	return found
}

func (s *Server) begin(call *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.observed
	o.InFlight++
	o.MaxInFlight = max(o.MaxInFlight, o.InFlight)
	if call.Type == vici.CmdRequest {
		o.Commands[call.Name]++
		if len(o.recent) == recentRequests {
			o.recent = o.recent[1:]
		}
		o.recent = append(o.recent, record{command: call.Name, request: call.Request})
	}
	o.signal()
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.InFlight--
	s.observed.signal()
}

func (s *Server) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.signal()
}

func (s *Server) countIgnored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.Ignored++
	s.observed.signal()
}

func (s *Server) countUnsent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.Unsent++
	s.observed.signal()
}
