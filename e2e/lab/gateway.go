// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A Gateway is a network namespace with a daemon.
type Gateway struct {
	// Name is moon, sun or carol.
	Name string
	// Outer is the address by which the other gateways reach it.
	Outer string
	// Net is the first half of its inside network: 10.1 for 10.1.0.0/16. Carol
	// has none; she is given virtual addresses.
	Net string

	peer      *Gateway // at the other end of its tunnels
	tree      tree
	namespace string
	dir       string // the daemon's /lab
	noOdd     bool

	mu     sync.Mutex
	daemon *daemon // nil if it never ran
}

// A daemon is one run of charon.
type daemon struct {
	command *exec.Cmd
	exited  chan struct{} // closed when it has ended and been waited for
}

func (l *Lab) gateway(name, outer, net string) *Gateway {
	return &Gateway{
		Name:      name,
		Outer:     outer,
		Net:       net,
		tree:      l.tree,
		namespace: filepath.Base(l.dir) + "-" + name,
		dir:       filepath.Join(l.dir, name),
		noOdd:     l.options.noOdd,
	}
}

// Inside returns the gateway's address in the n-th of its inside networks, 0 to 7;
// the package documentation says which tunnel leads to which.
func (g *Gateway) Inside(n int) string { return g.Net + "." + strconv.Itoa(n) + ".1" }

// insideNetworks is how many inside networks moon and sun have.
const insideNetworks = 8

func (g *Gateway) insideAddresses() []string {
	if g.Net == "" {
		return nil
	}
	addresses := []string{g.Net + ".0.9"} // the one of child host-host
	for n := range insideNetworks {
		addresses = append(addresses, g.Inside(n))
	}
	return addresses
}

// Address returns the address of the daemon's VICI socket, for use from the
// machine's own namespace: unix:///tmp/…/charon.vici.
func (g *Gateway) Address() string { return "unix://" + g.Socket() }

// Socket returns the path of the daemon's VICI socket.
func (g *Gateway) Socket() string { return filepath.Join(g.dir, "charon.vici") }

// LogFile returns the path of the daemon's log, which restarts continue.
func (g *Gateway) LogFile() string { return filepath.Join(g.dir, "charon.log") }

// outputFile is where the daemon's output goes, which says why it did not start.
func (g *Gateway) outputFile() string { return filepath.Join(g.dir, "charon.out") }

// Dir returns the directory that the daemon knows as /lab: its configuration
// files, certificates and keys, its log and socket.
func (g *Gateway) Dir() string { return g.dir }

// PID returns the daemon's process id, 0 if it does not run.
func (g *Gateway) PID() int {
	if d := g.running(); d != nil {
		return d.command.Process.Pid
	}
	return 0
}

// Start starts the daemon and returns when it answers. Nothing is configured in
// it before [Gateway.LoadAll].
func (g *Gateway) Start(ctx context.Context) error {
	if g.running() != nil {
		return fmt.Errorf("starting charon on %s: it is running", g.Name)
	}
	d := &daemon{
		// Not bound to ctx: the daemon outlives its start.
		command: g.tree.enter(context.WithoutCancel(ctx), g.namespace, g.dir, "/usr/lib/ipsec/charon"),
		exited:  make(chan struct{}),
	}
	output, err := os.Create(g.outputFile())
	if err != nil {
		return fmt.Errorf("starting charon on %s: %w", g.Name, err)
	}
	defer func() { _ = output.Close() }() // the daemon has its own
	d.command.Stdout, d.command.Stderr = output, output
	if err := d.command.Start(); err != nil {
		return fmt.Errorf("starting charon on %s: %w", g.Name, err)
	}
	go func() {
		defer close(d.exited)
		_ = d.command.Wait() // how it ended is for the tests to judge; the log tells
	}()
	g.mu.Lock()
	g.daemon = d
	g.mu.Unlock()
	return g.awaitReady(ctx, d)
}

// awaitReady waits until the daemon answers a request, or has ended.
func (g *Gateway) awaitReady(ctx context.Context, d *daemon) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-d.exited:
			cancel(errors.New("it has ended"))
		case <-ctx.Done():
		}
	}()
	err := await(ctx, "charon on "+g.Name, func() error {
		_, err := request(ctx, g.Socket(), "version", nil)
		return err
	})
	if err != nil {
		const lines = 10
		return fmt.Errorf("%w; it printed:\n%s\nand its log ends with:\n%s", err,
			tail(g.outputFile(), lines), tail(g.LogFile(), lines))
	}
	return nil
}

// Stop asks the daemon to terminate (SIGTERM) and waits until it has.
func (g *Gateway) Stop(ctx context.Context) error { return g.end(ctx, syscall.SIGTERM) }

// Kill kills the daemon (SIGKILL) and waits until it is gone. Its socket stays
// behind, as after a crash.
func (g *Gateway) Kill(ctx context.Context) error { return g.end(ctx, syscall.SIGKILL) }

func (g *Gateway) end(ctx context.Context, signal os.Signal) error {
	d := g.running()
	if d == nil {
		return fmt.Errorf("ending charon on %s: it does not run", g.Name)
	}
	if err := g.signal(signal); err != nil {
		return err
	}
	select {
	case <-d.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("charon on %s has not ended after signal %q: %w", g.Name, signal, ctx.Err())
	}
}

// Pause stops the daemon's process (SIGSTOP): it does nothing and its socket
// accepts connections without ever answering.
func (g *Gateway) Pause() error { return g.signal(syscall.SIGSTOP) }

// Continue lets a paused daemon go on (SIGCONT).
func (g *Gateway) Continue() error { return g.signal(syscall.SIGCONT) }

func (g *Gateway) signal(signal os.Signal) error {
	d := g.running()
	if d == nil {
		return fmt.Errorf("sending %q to charon on %s: it does not run", signal, g.Name)
	}
	if err := d.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %q to charon on %s: %w", signal, g.Name, err)
	}
	return nil
}

// running returns the daemon unless it has ended.
func (g *Gateway) running() *daemon {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.daemon == nil {
		return nil
	}
	select {
	case <-g.daemon.exited:
		return nil
	default:
		return g.daemon
	}
}

// reap waits for a daemon that was killed.
func (g *Gateway) reap() {
	if d := g.running(); d != nil {
		<-d.exited
	}
}

// Command returns a command that runs in the gateway's network, with the files
// of this machine; not inside the tree. It dies with the context.
func (g *Gateway) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return command(ctx, append([]string{"ip", "netns", "exec", g.namespace, name}, args...)...)
}

// Unplug cuts the gateway's wire: nothing comes or goes until [Gateway.Plug].
func (g *Gateway) Unplug(ctx context.Context) error { return g.setWire(ctx, "down") }

// Plug mends what [Gateway.Unplug] cut.
func (g *Gateway) Plug(ctx context.Context) error { return g.setWire(ctx, "up") }

func (g *Gateway) setWire(ctx context.Context, state string) error {
	// At the bridge's end: at the gateway's, addresses and routes would go too.
	lab := strings.TrimSuffix(g.namespace, g.Name)
	return ipBatch(ctx, lab+"switch", "link set "+g.Name+" "+state+"\n")
}

// tail returns the last lines of a text file, or why there are none.
func tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
