// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A fleet is a crowd of IKE_SAs of which only the moments and numbers that make them different are
// kept, some 40 bytes each. All else follows from an SA's index and unique ids, so that
// each listing tells the same.
type fleet struct {
	o     options
	began time.Time
	conns []fleetConn
	ids   idSource

	mu      sync.RWMutex
	members []member
}

// idSource is the daemon, which hands out unique ids.
type idSource interface {
	NextIKEID() uint32
	NextChildID() uint32
}

// A member is an IKE_SA with its CHILD_SAs, whose unique ids follow each other and
// which are all rekeyed together.
type member struct {
	established int64 // milliseconds, as all times here
	installed   int64 // of its CHILD_SAs
	formerAt    int64 // when the CHILD_SAs that were rekeyed last had been installed
	ike         uint32
	child       uint32 // the first one
	former      uint32 // the first of those that were rekeyed last; 0: none
	wasRekeyed  bool   // so the IKE_SA's initiator is the peer
}

// formerLinger is how long charon keeps listing a rekeyed CHILD_SA.
const formerLinger = 5000

// A fleetConn is a connection that members belong to.
type fleetConn struct {
	name, childName string
	host, id        string // of the peer; empty for road warriors
	localTS         []string
	remoteTS        []string
}

func newFleet(o options, ids idSource, now time.Time) *fleet {
	f := &fleet{o: o, ids: ids, began: now}
	roadWarriors := o.sas > o.connections
	for i := range o.connections {
		f.conns = append(f.conns, newFleetConn(i, roadWarriors))
	}
	f.members = make([]member, o.sas)
	for i := range f.members {
		f.members[i] = f.newMember(now.UnixMilli())
	}
	return f
}

func newFleetConn(i int, roadWarriors bool) fleetConn {
	c := fleetConn{localTS: []string{"10.0.0.0/12"}}
	if roadWarriors {
		c.name, c.childName = "roadwarriors-"+place(i), "access"
		return c
	}
	c.name, c.childName = "branch-"+place(i), "lan"
	c.host, c.id = ip4(198, 18, i+1), place(i)+".example.org"
	c.remoteTS = []string{ip4(10, 16, i<<4) + "/28"}
	return c
}

func (f *fleet) newMember(now int64) member {
	m := member{established: now, installed: now, ike: f.ids.NextIKEID()}
	m.child = f.newChildren()
	return m
}

// newChildren takes the ids for an IKE_SA's CHILD_SAs and returns the first one.
func (f *fleet) newChildren() uint32 {
	var first uint32
	for i := range f.o.children {
		id := f.ids.NextChildID()
		if i == 0 {
			first = id
		}
	}
	return first
}

// Counts tells how many IKE_SAs there are.
func (f *fleet) Counts() (total, halfOpen int) {
	return len(f.members) + f.o.halfOpen, f.o.halfOpen
}

// IKESAs makes all IKE_SAs as they are at that moment.
func (f *fleet) IKESAs(now time.Time) iter.Seq[*vicitest.IKESA] {
	return func(yield func(*vicitest.IKESA) bool) {
		r := newRenderer(f)
		for i := range f.members {
			f.mu.RLock()
			m := f.members[i]
			f.mu.RUnlock()
			if !yield(r.render(i, m, now)) {
				return
			}
		}
		for i := range f.o.halfOpen {
			if !yield(r.halfOpen(i)) {
				return
			}
		}
	}
}

// A renderer makes IKE_SAs of members, each in the place of the one before.
type renderer struct {
	f        *fleet
	sa       vicitest.IKESA
	children []vicitest.ChildSA
	vip, ts  [1]string
}

func newRenderer(f *fleet) *renderer {
	return &renderer{f: f, children: make([]vicitest.ChildSA, 2*f.o.children)}
}

func (r *renderer) render(i int, m member, now time.Time) *vicitest.IKESA {
	conn := &r.f.conns[i%len(r.f.conns)]
	r.sa = vicitest.IKESA{
		Name:         conn.name,
		UniqueID:     m.ike,
		Version:      2,
		State:        vicitest.IKEEstablished,
		Local:        vicitest.Endpoint{Host: "192.0.2.1", Port: 4500, ID: "gateway.example.org"},
		Initiator:    !m.wasRekeyed && conn.host != "",
		InitiatorSPI: r.f.spi(uint64(m.ike) << 1),
		ResponderSPI: r.f.spi(uint64(m.ike)<<1 | 1),
		Suite: vicitest.Suite{
			Encryption: "AES_CBC", EncryptionBits: 256, Integrity: "HMAC_SHA2_256_128",
			PRF: "PRF_HMAC_SHA2_256", KE: "CURVE_25519",
		},
		Established: time.UnixMilli(m.established),
		RekeyAt:     r.f.after(m.established, 4),
		Children:    r.sa.Children[:0],
	}
	remoteTS := r.peer(i, conn)
	for n := range r.f.o.children {
		c := &r.children[2*n]
		r.child(c, conn, m.child+uint32(n), m.installed, now)
		c.ReqID, c.RemoteTS = uint32(i*r.f.o.children+n+1), remoteTS
		r.sa.Children = append(r.sa.Children, c)
	}
	if m.former != 0 && now.UnixMilli()-m.installed < formerLinger {
		r.formerChildren(i, conn, m, remoteTS)
	}
	return &r.sa
}

// peer fills in who the other end is and returns what is behind it.
func (r *renderer) peer(i int, conn *fleetConn) []string {
	if conn.host != "" {
		r.sa.Remote = vicitest.Endpoint{Host: conn.host, Port: 4500, ID: conn.id}
		return conn.remoteTS
	}
	r.sa.Remote = vicitest.Endpoint{Host: ip4(203, 0, i+1), Port: 4500, ID: "user-" + strconv.Itoa(i) + "@example.org"}
	r.sa.NATRemote, r.sa.NATAny = true, true
	r.vip[0] = ip4(10, 128, i+1)
	r.ts[0] = r.vip[0] + "/32"
	r.sa.RemoteVIPs = r.vip[:]
	return r.ts[:]
}

func (r *renderer) formerChildren(i int, conn *fleetConn, m member, remoteTS []string) {
	end := time.UnixMilli(m.installed) // its counters stopped when the new one was installed
	for n := range r.f.o.children {
		c := &r.children[2*n+1]
		r.child(c, conn, m.former+uint32(n), m.formerAt, end)
		c.ReqID, c.RemoteTS, c.State = uint32(i*r.f.o.children+n+1), remoteTS, vicitest.ChildDeleted
		r.sa.Children = append(r.sa.Children, c)
	}
}

// child fills in a CHILD_SA with what it carried up to a moment.
func (r *renderer) child(c *vicitest.ChildSA, conn *fleetConn, id uint32, installed int64, until time.Time) {
	carried := r.f.carried(installed, until)
	*c = vicitest.ChildSA{
		Name:      conn.childName,
		UniqueID:  id,
		State:     vicitest.ChildInstalled,
		Mode:      "TUNNEL",
		Protocol:  "ESP",
		Encap:     conn.host == "",
		SPIIn:     uint32(r.f.spi(1<<40 | uint64(id))),
		SPIOut:    uint32(r.f.spi(1<<41 | uint64(id))),
		Suite:     vicitest.Suite{Encryption: "AES_GCM_16", EncryptionBits: 256},
		In:        carried,
		Out:       carried,
		RekeyAt:   r.f.after(installed, 1),
		ExpireAt:  r.f.after(installed, 2),
		Installed: time.UnixMilli(installed),
		LocalTS:   conn.localTS,
	}
}

// packetSize is how many bytes a packet has on average.
const packetSize = 800

func (f *fleet) carried(installed int64, until time.Time) vicitest.Traffic {
	ms := max(0, until.UnixMilli()-installed)
	bytes := f.o.traffic / 1000 * uint64(ms)
	bytes += f.o.traffic % 1000 * uint64(ms) / 1000
	if bytes == 0 {
		return vicitest.Traffic{}
	}
	return vicitest.Traffic{Bytes: bytes, Packets: bytes/packetSize + 1, Last: until}
}

// after is a moment some rekey intervals later; zero if nothing is rekeyed.
func (f *fleet) after(since int64, intervals int) time.Time {
	if f.o.rekeyInterval == 0 {
		return time.Time{}
	}
	return time.UnixMilli(since).Add(time.Duration(intervals) * f.o.rekeyInterval)
}

// spi makes a number that looks random of one that identifies an SA.
func (f *fleet) spi(of uint64) uint64 {
	x := of*0x9e3779b97f4a7c15 + f.o.seed
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (r *renderer) halfOpen(i int) *vicitest.IKESA {
	r.sa = vicitest.IKESA{
		Name:         vicitest.Unnamed,
		UniqueID:     ^uint32(0) - uint32(i),
		Version:      2,
		State:        vicitest.IKEConnecting,
		Local:        vicitest.Endpoint{Host: "192.0.2.1", Port: 500, ID: "%any"},
		Remote:       vicitest.Endpoint{Host: ip4(198, 51, i+1), Port: 500, ID: "%any"},
		InitiatorSPI: r.f.spi(1<<42 | uint64(i)),
		ResponderSPI: r.f.spi(1<<43 | uint64(i)),
		Suite: vicitest.Suite{
			Encryption: "AES_CBC", EncryptionBits: 256, Integrity: "HMAC_SHA2_256_128",
			PRF: "PRF_HMAC_SHA2_256", KE: "CURVE_25519",
		},
		TasksPassive: halfOpenTasks[:],
		Children:     r.sa.Children[:0],
	}
	return &r.sa
}

var halfOpenTasks = [...]string{"IKE_CERT_PRE", "IKE_AUTH", "IKE_CERT_POST", "IKE_CONFIG", "CHILD_CREATE"}
