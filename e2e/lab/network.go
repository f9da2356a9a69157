// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// prefix begins the names of all namespaces and directories of laboratories. The
// process id of the laboratory's owner and a random part follow.
const prefix = "swlab-"

// deadAddress belongs to nobody, but every gateway believes to know who has it:
// what is sent there vanishes without an answer. The trees' name server is there,
// and so is the way to inside networks when the tunnel's route is gone for a
// moment, as it is during some rekeyings: packets are lost then, but those who
// send them get no error that would end them.
const deadAddress = "192.0.2.53"

// switchScript makes the bridge that joins the gateways (input of ip -batch).
const switchScript = `
link add bridge type bridge
link set bridge up
`

// silenceScript keeps devices that come up later, ipsec0 above all, from sending
// IPv6 router solicitations, which would be in the device's counters and in
// nobody else's.
const silenceScript = `
setting=/proc/sys/net/ipv6/conf/default/router_solicitations
[ ! -e $setting ] || echo 0 >$setting
`

// build makes the laboratory's network: a namespace with a bridge, and one for
// each gateway, whose eth0 is joined to the bridge.
func (l *Lab) build(ctx context.Context) error {
	if err := addNamespace(ctx, l.switchNamespace(), switchScript); err != nil {
		return err
	}
	for _, g := range l.Gateways() {
		if err := addNamespace(ctx, g.namespace, "link set lo up\n"); err != nil {
			return err
		}
		if _, err := run(ctx, g.Command(ctx, "sh", "-c", silenceScript)); err != nil {
			return err
		}
		if err := l.plug(ctx, g); err != nil {
			return err
		}
		if err := ipBatch(ctx, g.namespace, g.networkScript()); err != nil {
			return err
		}
	}
	return nil
}

// plug makes the wire between a gateway and the bridge: a pair of veth, or one in
// user space that delays.
func (l *Lab) plug(ctx context.Context, g *Gateway) error {
	if delay := l.options.delay[g.Name]; delay > 0 {
		w, err := newWire(ctx, delay, end{g.namespace, "eth0"}, end{l.switchNamespace(), g.Name})
		if err != nil {
			return err
		}
		l.wires = append(l.wires, w)
	} else if err := ipBatch(ctx, l.switchNamespace(),
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s\n", g.Name, g.namespace)); err != nil {
		return err
	}
	return ipBatch(ctx, l.switchNamespace(), fmt.Sprintf("link set %s master bridge up\n", g.Name))
}

// networkScript gives a gateway its addresses (input of ip -batch).
func (g *Gateway) networkScript() string {
	var script strings.Builder
	fmt.Fprintf(&script, "address add %s/24 dev eth0\n", g.Outer)
	fmt.Fprintln(&script, "link set eth0 up")
	fmt.Fprintf(&script, "neighbour add %s lladdr 02:00:00:00:00:53 dev eth0 nud permanent\n", deadAddress)
	fmt.Fprintf(&script, "route add 10.0.0.0/8 via %s\n", deadAddress)
	for _, address := range g.insideAddresses() {
		fmt.Fprintf(&script, "address add %s/32 dev lo\n", address)
	}
	return script.String()
}

func addNamespace(ctx context.Context, name, script string) error {
	if _, err := run(ctx, command(ctx, "ip", "netns", "add", name)); err != nil {
		return err
	}
	return ipBatch(ctx, name, script)
}

// ipBatch carries out several commands of ip in a namespace.
func ipBatch(ctx context.Context, namespace, script string) error {
	c := command(ctx, "ip", "-n", namespace, "-batch", "-")
	c.Stdin = strings.NewReader(script)
	_, err := run(ctx, c)
	return err
}

// removeStale removes what laboratories left behind whose process is dead and
// whose keeper was killed too.
func removeStale(ctx context.Context) error {
	stale := map[string][]string{} // directory → namespaces
	for _, dir := range glob(filepath.Join(os.TempDir(), prefix+"*")) {
		if ownerIsDead(filepath.Base(dir)) {
			stale[dir] = nil
		}
	}
	for _, namespace := range glob("/run/netns/" + prefix + "*") {
		base := filepath.Base(namespace)
		if !ownerIsDead(base) {
			continue
		}
		dir := filepath.Join(os.TempDir(), base[:strings.LastIndex(base, "-")])
		stale[dir] = append(stale[dir], base)
	}
	for dir, namespaces := range stale {
		k, err := startKeeper(ctx, dir, namespaces)
		if err != nil {
			return err
		}
		if err := k.remove(); err != nil {
			return err
		}
	}
	return nil
}

// glob is filepath.Glob for patterns that are known to be well formed.
func glob(pattern string) []string {
	names, _ := filepath.Glob(pattern)
	return names
}

// ownerIsDead tells whether the process that made the laboratory of that name has
// ended.
func ownerIsDead(name string) bool {
	owner, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "-")
	pid, err := strconv.Atoi(owner)
	return err == nil && syscall.Kill(pid, 0) == syscall.ESRCH
}
