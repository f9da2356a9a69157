// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"bufio"
	"net"
	"sync"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A conn is one client. Three goroutines serve it: one reads requests into a
// queue without bound, one executes them in order, one writes.
type conn struct {
	server *Server
	net    net.Conn
	out    *queue
	gone   chan struct{} // closed when nothing more can be read
	done   chan struct{} // closed when all is over

	mu         sync.Mutex
	wake       sync.Cond
	pending    []vici.Packet
	ended      bool // no more requests come
	registered map[string]int

	encoder vici.Encoder // of the executing goroutine
	scratch []byte
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		server:     s,
		net:        nc,
		out:        newQueue(s.queueLimit),
		gone:       make(chan struct{}),
		done:       make(chan struct{}),
		registered: make(map[string]int),
	}
	c.wake.L = &c.mu
	return c
}

// serve runs the connection to its end.
func (c *conn) serve() {
	defer close(c.done)
	var tasks sync.WaitGroup
	tasks.Go(c.read)
	tasks.Go(c.execute)
	c.write()
	c.stop()
	tasks.Wait()
}

// stop ends the connection from this side.
func (c *conn) stop() {
	c.out.fail(net.ErrClosed)
	_ = c.net.Close() // the goroutines that use it report nothing either
	c.endRequests()
}

// read queues requests until the client shuts its side down or announces a segment
// that is too long. Segments that are no packets are passed over, as charon does.
func (c *conn) read() {
	defer close(c.gone)
	segments := segmentReader{bufio.NewReader(c.net)}
	for {
		segment, err := segments.next()
		if err != nil {
			c.readFailed(err)
			return
		}
		p, err := vici.ParsePacket(segment)
		if err != nil || !p.Type.Named() || p.Type == vici.EventPacket {
			c.server.countIgnored()
			continue
		}
		c.mu.Lock()
		c.pending = append(c.pending, p)
		c.wake.Signal()
		c.mu.Unlock()
		c.server.changed()
	}
}

func (c *conn) readFailed(err error) {
	if err == vici.ErrTooLarge { //nolint:errorlint // our own reader returns it bare
		c.stop()
		return
	}
	c.endRequests()
}

func (c *conn) endRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.wake.Signal()
}

// next waits for a request. False means that no more come.
func (c *conn) next() (vici.Packet, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) == 0 && !c.ended {
		c.wake.Wait()
	}
	if len(c.pending) == 0 {
		return vici.Packet{}, false
	}
	p := c.pending[0]
	c.pending = c.pending[1:]
	return p, true
}

// execute answers requests in order; all that were whole are answered, also after a half-close.
func (c *conn) execute() {
	for p, ok := c.next(); ok; p, ok = c.next() {
		call := &Call{Type: p.Type, Name: string(p.Name), conn: c}
		if p.Type == vici.CmdRequest {
			call.Request, call.legible = readRequest(p.Body)
		}
		c.server.execute(call)
	}
	c.out.finish()
}

// write sends what is queued until the queue ends.
func (c *conn) write() {
	for buf, ok := c.out.take(); ok; buf, ok = c.out.take() {
		_, err := c.net.Write(buf)
		c.out.written(buf, err)
		if err != nil {
			return
		}
	}
}

func (c *conn) isRegistered(event string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.registered[event] > 0
}

// register executes a registration, a second one counting twice, or the end of one.
func (c *conn) register(call *Call) (*vici.Message, error) {
	if !c.server.handler.Event(call.Name) {
		return nil, vici.ErrUnknownEvent
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.Type == vici.EventRegister {
		c.registered[call.Name]++
		return nil, nil //nolint:nilnil // the confirmation has no message
	}
	if c.registered[call.Name] == 0 {
		return nil, vici.ErrUnknownEvent
	}
	c.registered[call.Name]--
	return nil, nil //nolint:nilnil // the confirmation has no message
}

// deliver sends an event once per registration. It never waits: charon queues
// for a slow client without bound.
func (c *conn) deliver(event string, segment []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range c.registered[event] {
		_ = c.out.put(segment, false) // a client that is gone gets no events
	}
}

// encodeEvent returns an event's segment, valid until the next one, and whether it fits.
func (c *conn) encodeEvent(name string, encode func(*vici.Encoder)) (segment []byte, fits bool) {
	segment, err := appendEvent(c.scratch, &c.encoder, name, encode)
	c.scratch = segment
	return segment, err == nil
}
