// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A pool is a range of virtual IPs.
type pool struct {
	name    string
	network netip.Addr // as it was given
	first   netip.Addr // the first that is assigned
	size    uint32
	leases  []*lease // in the order of their first assignment
}

// A lease is an address that was assigned and stays remembered for its identity.
type lease struct {
	address  netip.Addr
	identity string
	online   int // IKE_SAs that use it; more than one during a reauthentication
}

// LoadPool adds a pool of virtual IPs, a subnet or a range: "10.3.0.0/28", "10.3.0.1-10.3.0.9".
func (d *Daemon) LoadPool(name, addresses string) error {
	p, err := newPool(name, addresses)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addPool(p)
	return nil
}

func (d *Daemon) addPool(p *pool) {
	i := slices.IndexFunc(d.pools, func(old *pool) bool { return old.name == p.name })
	if i >= 0 {
		p.leases = d.pools[i].leases
		d.pools[i] = p
		return
	}
	d.pools = append(d.pools, p)
}

func newPool(name, addresses string) (*pool, error) {
	if from, to, ok := strings.Cut(addresses, "-"); ok {
		return rangePool(name, from, to)
	}
	if !strings.Contains(addresses, "/") {
		addresses = singleHost(addresses)
	}
	prefix, err := netip.ParsePrefix(addresses)
	if err != nil {
		return nil, fmt.Errorf("pool %q: %w", name, err)
	}
	p := &pool{name: name, network: prefix.Addr(), first: prefix.Addr(), size: 1}
	if host := prefix.Addr().BitLen() - prefix.Bits(); host > 1 {
		p.first = prefix.Masked().Addr().Next()
		p.size = maxPool
		if host < 31 {
			p.size = 1<<host - 2
		}
	}
	return p, nil
}

func rangePool(name, from, to string) (*pool, error) {
	first, err := netip.ParseAddr(strings.TrimSpace(from))
	if err != nil {
		return nil, fmt.Errorf("pool %q: %w", name, err)
	}
	last, err := netip.ParseAddr(strings.TrimSpace(to))
	if err != nil {
		return nil, fmt.Errorf("pool %q: %w", name, err)
	}
	if last.Less(first) || first.BitLen() != last.BitLen() {
		return nil, fmt.Errorf("pool %q: %s-%s is no range", name, from, to)
	}
	return &pool{name: name, network: first, first: first, size: distance(first, last)}, nil
}

// distance counts the addresses of a range, up to the cap on very large pools.
func distance(first, last netip.Addr) uint32 {
	a, b := first.AsSlice(), last.AsSlice()
	n := new(big.Int).Sub(new(big.Int).SetBytes(b), new(big.Int).SetBytes(a))
	if !n.IsInt64() || n.Int64() >= maxPool {
		return maxPool
	}
	return uint32(n.Int64()) + 1
}

// maxPool is the size that charon shows for very large pools.
const maxPool = math.MaxInt32

// acquire assigns an address: that of an offline lease of the same identity, else
// the next that never was assigned, else that of the oldest offline lease.
func (p *pool) acquire(identity string) (netip.Addr, bool) {
	for _, l := range p.leases {
		if l.identity == identity && l.online == 0 {
			l.online = 1
			return l.address, true
		}
	}
	if len(p.leases) < int(p.size) {
		l := &lease{address: p.next(), identity: identity, online: 1}
		p.leases = append(p.leases, l)
		return l.address, true
	}
	for _, l := range p.leases {
		if l.online == 0 {
			l.identity, l.online = identity, 1
			return l.address, true
		}
	}
	return netip.Addr{}, false
}

// next returns the address after the highest that was assigned.
func (p *pool) next() netip.Addr {
	if len(p.leases) == 0 {
		return p.first
	}
	return p.leases[len(p.leases)-1].address.Next()
}

func (p *pool) lease(address string) *lease {
	for _, l := range p.leases {
		if l.address.String() == address {
			return l
		}
	}
	return nil
}

func (p *pool) online() (n int) {
	for _, l := range p.leases {
		n += l.online
	}
	return n
}

func (p *pool) offline() (n int) {
	for _, l := range p.leases {
		if l.online == 0 {
			n++
		}
	}
	return n
}

// assignAddresses gives a peer its virtual IPs: those that are named, or, if it comes to us, one of each pool. If we come to
// it, it gives us those that the connection asks for.
func (d *Daemon) assignAddresses(sa *IKESA, c *Connection, peer Peer) {
	if !peer.Responder {
		sa.LocalVIPs = givenAddresses(c.VIPs)
	}
	if peer.VIPs != nil {
		sa.RemoteVIPs = slices.Clone(peer.VIPs)
		return
	}
	for _, p := range d.pools {
		if !peer.Responder || !slices.Contains(c.Pools, p.name) {
			continue
		}
		if address, ok := p.acquire(identity(sa)); ok {
			sa.RemoteVIPs = append(sa.RemoteVIPs, address.String())
		} else {
			d.RaiseAlert("vip-failure", sa)
		}
	}
}

// givenAddresses are virtual IPs that a peer gives us: made up, where any is asked for.
func givenAddresses(wanted []string) []string {
	var given []string
	for _, vip := range wanted {
		switch vip {
		case "0.0.0.0", "%any":
			vip = "10.255.0.1"
		case "::", "%any6":
			vip = "fec0::ff:1"
		}
		given = append(given, vip)
	}
	return given
}

// identity is what leases are remembered for.
func identity(sa *IKESA) string { return cmp.Or(sa.RemoteEAPID, sa.Remote.ID) }

// keepAddresses lets a second IKE_SA use the same leases, as while a peer is reauthenticated.
func (d *Daemon) keepAddresses(sa *IKESA) {
	d.eachLease(sa, func(l *lease) { l.online++ })
}

func (d *Daemon) releaseAddresses(sa *IKESA) {
	d.eachLease(sa, func(l *lease) { l.online = max(0, l.online-1) })
}

func (d *Daemon) eachLease(sa *IKESA, f func(*lease)) {
	for _, p := range d.pools {
		for _, vip := range sa.RemoteVIPs {
			if l := p.lease(vip); l != nil {
				f(l)
			}
		}
	}
}

func (d *Daemon) getPools(request *vici.Message) (*vici.Message, error) {
	name, named := text(request, "name")
	withLeases := boolean(request, "leases") && d.since(5, 3, 4)
	answer := new(vici.Message)
	for _, p := range d.pools {
		if !named || p.name == name || !d.since(5, 5, 2) {
			answer.AddSection(p.name, d.poolMessage(p, withLeases))
		}
	}
	return answer, nil
}

func (d *Daemon) poolMessage(p *pool, withLeases bool) *vici.Message {
	base := p.network
	if d.since(6, 0, 0) {
		base = p.first
	}
	m := new(vici.Message).
		Add("base", base.String()).
		Add("size", strconv.FormatUint(uint64(p.size), 10)).
		Add("online", strconv.Itoa(p.online())).
		Add("offline", strconv.Itoa(p.offline()))
	if withLeases {
		m.AddSection("leases", p.leaseMessage())
	}
	return m
}

// leaseMessage lists a lease once per IKE_SA that uses it.
func (p *pool) leaseMessage() *vici.Message {
	m := new(vici.Message)
	for _, l := range p.leases {
		status := "online"
		if l.online == 0 {
			status = "offline"
		}
		for range max(1, l.online) {
			m.AddSection(strconv.Itoa(m.Len()), new(vici.Message).
				Add("address", l.address.String()).
				Add("identity", l.identity).
				Add("status", status))
		}
	}
	return m
}

func (d *Daemon) loadPool(request *vici.Message) (*vici.Message, error) {
	for e := range request.All() {
		if e.Kind != vici.SectionStart {
			continue
		}
		addrs, ok := text(e.Section, "addrs")
		if !ok {
			return nil, errors.New("missing addrs for pool")
		}
		p, err := newPool(e.Name, addrs)
		if err != nil {
			return nil, err
		}
		if err := d.checkPoolKeys(e.Section); err != nil {
			return nil, err
		}
		d.addPool(p)
	}
	return success(), nil
}

// poolAttributes are the keys of a pool beside its addresses, all but the last since the first release. Numbers of attributes
// are keys, too.
var poolAttributes = [...]string{
	"address", "dns", "nbns", "dhcp", "netmask", "server", "subnet", "split_include", "split_exclude", "p_cscf",
}

// hasAttribute tells whether a pool can have an attribute, and whether it is called by its name, so that its values are checked.
func (d dialect) hasAttribute(name string) (named, ok bool) {
	if number, err := strconv.Atoi(name); err == nil {
		return false, number > 0
	}
	return true, slices.Contains(poolAttributes[:], name) && (name != "p_cscf" || d.since(6, 0, 3))
}

// checkPoolKeys checks the lists of a pool's section. Daemons do not look at a list without items.
func (d dialect) checkPoolKeys(m *vici.Message) error {
	for e := range m.All() {
		if e.Kind == vici.SectionStart || e.Name == "addrs" && e.Kind == vici.KeyValue || e.Kind == vici.ListStart && len(e.Items) == 0 {
			continue
		}
		named, ok := d.hasAttribute(e.Name)
		if !ok || e.Kind != vici.ListStart || named && slices.ContainsFunc(e.Items, func(item string) bool { return !isNetwork(item) }) {
			return fmt.Errorf("invalid attribute: %s", e.Name)
		}
	}
	return nil
}

// isNetwork tells whether a text is an address, alone or with a prefix length.
func isNetwork(text string) bool {
	_, errAddress := netip.ParseAddr(text)
	_, errPrefix := netip.ParsePrefix(text)
	return errAddress == nil || errPrefix == nil
}

func (d *Daemon) unloadPool(request *vici.Message) (*vici.Message, error) {
	name, ok := text(request, "name")
	if !ok {
		return nil, errors.New("missing pool name to unload")
	}
	i := slices.IndexFunc(d.pools, func(p *pool) bool { return p.name == name })
	if i < 0 {
		return nil, errors.New("pool not found")
	}
	if n := d.pools[i].online(); n > 0 {
		return nil, fmt.Errorf("%s has %d online leases, unable to unload", name, n)
	}
	d.pools = slices.Delete(d.pools, i, i+1)
	return success(), nil
}
