// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Server speaks the daemon's side of the protocol. Connections come from its
// listeners and from [Server.Dial]. All methods may be called by several goroutines at once.
type Server struct {
	handler    Handler
	queueLimit int
	ctx        context.Context //nolint:containedctx // it is the server's life, handed to commands
	cancel     context.CancelFunc
	tasks      sync.WaitGroup

	mu        sync.Mutex
	down      bool // after Stop, until Start
	dir       string
	addresses []string
	listeners []net.Listener
	conns     map[*conn]struct{}
	connFault func(net.Conn) net.Conn
	refusal   error
	faults    map[faultKey][]*faultEntry
	observed  observed
}

// An Option changes how a new [Server] works.
type Option func(*Server)

// defaultQueueLimit is more than a socket buffer holds and little enough that a stream of
// any length takes no memory.
const defaultQueueLimit = 256 * 1024

// UnboundedQueue makes streamed answers wait in memory for a client that reads slowly, as charon
// does, instead of holding the command up. [Observation] tells how much there was.
func UnboundedQueue() Option {
	return func(s *Server) { s.queueLimit = 0 }
}

// NewServer starts a server on a Unix socket in a new temporary directory. It
// panics if there can be none, as httptest.NewServer does. The caller closes it.
func NewServer(h Handler, options ...Option) *Server {
	s := NewUnstartedServer(h, options...)
	if err := s.Start(); err != nil {
		panic("vicitest: " + err.Error())
	}
	return s
}

// NewUnstartedServer returns a server without a socket. It serves the in-memory
// connections of [Server.Dial], which is what tests with testing/synctest need, and whatever
// [Server.Listen] adds.
func NewUnstartedServer(h Handler, options ...Option) *Server {
	s := &Server{
		handler:    h,
		queueLimit: defaultQueueLimit,
		conns:      make(map[*conn]struct{}),
		faults:     make(map[faultKey][]*faultEntry),
	}
	s.observed.init()
	s.ctx, s.cancel = context.WithCancel(context.Background()) //nolint:forbidigo // the server is a root of its own
	for _, option := range options {
		option(s)
	}
	return s
}

// Start listens on the addresses that the server had before [Server.Stop], or, if
// it had none, on a Unix socket in a new temporary directory.
func (s *Server) Start() error {
	s.mu.Lock()
	s.down = false
	addresses := slices.Clone(s.addresses)
	s.mu.Unlock()
	for _, address := range addresses {
		if err := s.Listen(address); err != nil {
			return err
		}
	}
	if len(addresses) > 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "vicitest")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.dir = dir
	s.mu.Unlock()
	return s.Listen("unix://" + filepath.Join(dir, "charon.vici"))
}

// Listen serves one more address, in the form that [vici.Dialer] takes. The
// port of a TCP address may be 0; [Server.Address] then tells which one it became. A Unix socket that is left
// over from a process that is gone is replaced; one that is alive, and any other kind of
// file, is an error.
func (s *Server) Listen(address string) error {
	network, at, err := vici.ParseAddress(address)
	if err != nil {
		return err
	}
	if network == "unix" {
		if err := removeStale(at); err != nil {
			return err
		}
	}
	l, err := new(net.ListenConfig).Listen(s.ctx, network, at)
	if err != nil {
		return fmt.Errorf("cannot serve VICI: %w", err)
	}
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	if served := network + "://" + l.Addr().String(); !slices.Contains(s.addresses, served) {
		s.addresses = append(s.addresses, served)
	}
	s.mu.Unlock()
	s.tasks.Go(func() { s.accept(l) })
	return nil
}

// removeStale removes a Unix socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s exists and is no socket: choose another path or remove it", path)
	}
	probe, err := net.Dial("unix", path) //nolint:noctx // connecting to a local socket does not block
	if err == nil {
		_ = probe.Close() // it was opened only to see whether somebody answers
		return fmt.Errorf("a process already listens on %s: stop it or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// Address returns where the server listens, in the form that [vici.Dialer] takes; it is empty
// if there is no listener. With several it is that of the first.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.addresses) == 0 {
		return ""
	}
	return s.addresses[0]
}

// Dial opens an in-memory connection to the server, whatever the address. It is made for
// the field DialContext of [vici.Dialer].
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	if err := s.open(server); err != nil {
		_ = client.Close() // nobody has it yet
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: err}
	}
	return client, nil
}

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return // the listener was closed
		}
		_ = s.open(nc) // the client learns of a refusal by the end of the connection
	}
}

// open serves a connection, or closes it if it is to be refused.
func (s *Server) open(nc net.Conn) error {
	nc = s.wrapped(nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.Accepted++
	defer s.observed.signal()
	if err := s.refused(); err != nil {
		_ = nc.Close() // that is the refusal
		return err
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.observed.Connections = len(s.conns)
	s.tasks.Go(func() {
		c.serve()
		s.closed(c)
	})
	return nil
}

func (s *Server) wrapped(nc net.Conn) net.Conn {
	s.mu.Lock()
	wrap := s.connFault
	s.mu.Unlock()
	if wrap == nil {
		return nc
	}
	return wrap(nc)
}

// refused tells why a connection is not served; nil if it is.
func (s *Server) refused() error {
	switch {
	case s.ctx.Err() != nil || s.down:
		return syscall.ECONNREFUSED
	default:
		return s.refusal
	}
}

func (s *Server) closed(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, peak := c.out.bytes()
	s.observed.MaxQueued = max(s.observed.MaxQueued, peak)
	delete(s.conns, c)
	s.observed.Connections = len(s.conns)
	s.observed.signal()
}

// DropConnections closes all connections at once, as a daemon that is killed.
func (s *Server) DropConnections() {
	for _, c := range s.connections() {
		c.stop()
	}
}

// Stop closes the listeners and refuses new connections until [Server.Start]. Connections stay. With
// keepFile a Unix socket's file stays behind, as after a crash.
func (s *Server) Stop(keepFile bool) {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	s.down = true
	s.mu.Unlock()
	for _, l := range listeners {
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(!keepFile)
		}
		_ = l.Close() // what was accepted goes on
	}
}

// Close ends the server: listeners, connections and the contexts of commands. It
// returns when all that the server started has ended, so a [Command] that does not end makes Close wait.
func (s *Server) Close() {
	s.mu.Lock() // so that open either sees the end or has begun what Wait waits for
	s.cancel()
	s.mu.Unlock()
	s.Stop(false)
	s.DropConnections()
	s.tasks.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // a directory left in the temporary one harms nobody
	}
}

func (s *Server) connections() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// execute runs a request or registration with the faults that apply to it.
func (s *Server) execute(call *Call) {
	s.begin(call)
	defer s.end()
	command := Command(call.conn.register)
	if call.Type == vici.CmdRequest {
		command = s.handler.Command(call.Name)
	}
	if command == nil {
		command = func(*Call) (*vici.Message, error) { return nil, vici.ErrUnknownCommand }
	}
	s.withFaults(call, command)
}

// Broadcast sends an event to every connection that is registered for it,
// once per registration. It never waits for a client. Encode is not called if nobody is registered; what
// does not fit into a segment is left out silently.
func (s *Server) Broadcast(event string, encode func(*vici.Encoder)) {
	conns := s.subscribers(event)
	if len(conns) == 0 {
		return
	}
	var e vici.Encoder
	segment, err := appendEvent(nil, &e, event, encode)
	if err != nil {
		s.countUnsent()
		return
	}
	for _, c := range conns {
		c.deliver(event, segment)
	}
}

// BroadcastMessage is [Server.Broadcast] for a message that is there already.
func (s *Server) BroadcastMessage(event string, m *vici.Message) {
	s.Broadcast(event, func(e *vici.Encoder) { encodeMessage(e, m) })
}

// BroadcastRaw sends bytes, such as garbage, to every connection that is registered for the event.
func (s *Server) BroadcastRaw(event string, segment []byte) {
	for _, c := range s.subscribers(event) {
		c.deliver(event, segment)
	}
}

func (s *Server) subscribers(event string) []*conn {
	var conns []*conn
	for _, c := range s.connections() {
		if c.isRegistered(event) {
			conns = append(conns, c)
		}
	}
	return conns
}

// resume undoes Stop, also for a server that has no listener.
func (s *Server) resume() error {
	if s.Address() != "" {
		return s.Start()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
	return nil
}

// drain ends all connections when what is queued on them is written. Those that take longer
// than the context lasts are dropped.
func (s *Server) drain(ctx context.Context) error {
	conns := s.connections()
	for _, c := range conns {
		c.out.finish()
	}
	for _, c := range conns {
		select {
		case <-c.done:
		case <-ctx.Done():
			s.DropConnections()
			return ctx.Err()
		}
	}
	return nil
}
