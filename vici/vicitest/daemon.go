// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Config tells what kind of charon a [Daemon] is. The zero value is a
// daemon of the newest generation with all plugins.
type Config struct {
	// Generation is the release to imitate; empty means Generation61.
	Generation Generation

	// Now is the daemon's clock; nil means time.Now. It is called by several
	// goroutines at once and must not call the daemon.
	Now func() time.Time

	// Location is the zone in which the daemon tells its start; nil means time.Local.
	Location *time.Location

	// Seed makes SPIs reproducible.
	Seed uint64

	// NoCounters is a daemon without the plugin "counters".
	NoCounters bool

	// NoMallinfo is a daemon whose C library does not tell about its heap.
	NoMallinfo bool

	// UserSpaceESP is a daemon that does ESP itself and not in the kernel (plugin kernel-libipsec): ESP is always in UDP then, so
	// that every peer seems to be behind a NAT.
	UserSpaceESP bool

	// MakeBeforeBreak is how IKEv2 is reauthenticated. Absent, it is as the generation has it by
	// default: true from 6.0.0 on.
	MakeBeforeBreak vici.Opt[bool]

	// Population is listed beside the SAs that the daemon holds itself.
	Population Population
}

// A Population is a crowd of IKE_SAs that is not kept in memory but made while it is listed. Its
// methods are called by several goroutines at once. Commands that change SAs do not see it, and it raises its
// events itself, by the Raise methods of the [Daemon].
type Population interface {
	// Counts returns how many IKE_SAs there are, and how many of them are half-open.
	Counts() (total, halfOpen int)
	// IKESAs yields them as they are now. The value yielded may be reused for the next.
	IKESAs(now time.Time) iter.Seq[*IKESA]
}

// A Daemon is a charon with a state: what was loaded, the SAs that are up, their
// traffic, and the events that tell of changes. Commands of clients change it as methods do. Its embedded [Server]
// gives the address, faults and observations. All methods may be called by several goroutines at once.
type Daemon struct {
	*Server
	dialect

	config   Config
	commands map[string]Command
	events   map[string]bool

	mu      sync.Mutex
	random  *rand.Rand
	started time.Time
	blocked int // commands that wait for a busy IKE_SA, each in a worker thread
	ids     lastIDs
	ikes    []*IKESA // in the order of their creation
	conns   []*Connection
	counts  counters
	stores
}

// lastIDs are the numbers that were given last.
type lastIDs struct{ ike, child, reqid, marks, interfaces uint32 }

// NewDaemon starts a daemon on a Unix socket in a new temporary directory. It panics if
// there can be none, or if the configuration is not valid. The caller closes it.
func NewDaemon(config Config, options ...Option) *Daemon {
	d := NewUnstartedDaemon(config, options...)
	if err := d.Start(); err != nil {
		panic("vicitest: " + err.Error())
	}
	return d
}

// NewUnstartedDaemon is [NewDaemon] without a socket, as [NewUnstartedServer] is [NewServer] without one.
func NewUnstartedDaemon(config Config, options ...Option) *Daemon {
	if config.Generation == "" {
		config.Generation = Generation61
	}
	r, err := parseRelease(string(config.Generation))
	if err != nil {
		panic("vicitest: " + err.Error())
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Location == nil {
		config.Location = time.Local
	}
	d := &Daemon{dialect: dialect{r}, config: config}
	d.commands = d.commandTable()
	d.events = d.eventTable()
	d.boot()
	d.Server = NewUnstartedServer((*daemonHandler)(d), options...)
	return d
}

// boot gives the daemon the state of a process that has just started.
func (d *Daemon) boot() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started = d.config.Now()
	d.random = rand.New(rand.NewPCG(d.config.Seed, uint64(d.started.UnixNano())))
	d.ids = lastIDs{}
	d.ikes, d.conns = nil, nil
	d.counts = counters{}
	d.stores = stores{}
}

// daemonHandler keeps the methods of [Handler] out of the Daemon's own.
type daemonHandler Daemon

func (h *daemonHandler) Command(name string) Command { return h.commands[name] }
func (h *daemonHandler) Event(name string) bool      { return h.events[name] }

func (d *Daemon) now() time.Time { return d.config.Now() }

// A feature is a command or event with the release that brought it.
type feature struct {
	since   int
	command Command
}

func (d *Daemon) commandTable() map[string]Command {
	table := make(map[string]Command)
	for name, f := range d.allCommands() {
		if d.release >= f.since {
			table[name] = f.command
		}
	}
	return table
}

func (d *Daemon) eventTable() map[string]bool {
	table := make(map[string]bool)
	for name, since := range map[string]int{
		"log":            release(5, 2, 0),
		"control-log":    release(5, 2, 0),
		"list-sa":        release(5, 2, 0),
		"list-policy":    release(5, 2, 0),
		"list-conn":      release(5, 2, 0),
		"list-cert":      release(5, 2, 0),
		"list-authority": release(5, 3, 3),
		"ike-updown":     release(5, 3, 1),
		"child-updown":   release(5, 3, 1),
		"ike-rekey":      release(5, 3, 3),
		"child-rekey":    release(5, 3, 3),
		"ike-update":     release(5, 9, 2),
		"alert":          release(6, 0, 3),
	} {
		table[name] = d.release >= since
	}
	return table
}

// loading makes a command of a function that loads what the whole request says.
func (d *Daemon) loading(f func(request *vici.Message) (*vici.Message, error)) Command {
	load := d.locked(f)
	return func(c *Call) (*vici.Message, error) {
		if !c.legible {
			return nil, errors.New("parsing request failed")
		}
		return load(c)
	}
}

// locked makes a command of a function that needs the daemon's lock.
func (d *Daemon) locked(f func(request *vici.Message) (*vici.Message, error)) Command {
	return func(c *Call) (*vici.Message, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return f(c.Request)
	}
}

// HasEvent tells whether the daemon's generation has the event.
func (d *Daemon) HasEvent(name string) bool { return d.events[name] }

// NextIKEID takes the next unique id of an IKE_SA, for a [Population].
func (d *Daemon) NextIKEID() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return next(&d.ids.ike)
}

// NextChildID takes the next unique id of a CHILD_SA, for a [Population].
func (d *Daemon) NextChildID() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return next(&d.ids.child)
}

// next counts up and leaves out 0, which is no id.
func next(id *uint32) uint32 {
	if *id++; *id == 0 {
		*id = 1
	}
	return *id
}
