// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// States of an IKE_SA, as the daemon names them.
const (
	IKECreated     = vici.StateCreated
	IKEConnecting  = vici.StateConnecting
	IKEEstablished = vici.StateEstablished
	IKEPassive     = vici.StatePassive
	IKERekeying    = vici.StateRekeying
	IKERekeyed     = vici.StateRekeyed
	IKEDeleting    = vici.StateDeleting
	IKEDestroying  = vici.StateDestroying
)

// States of a CHILD_SA, as the daemon names them.
const (
	ChildCreated    = vici.StateCreated
	ChildRouted     = vici.StateRouted
	ChildInstalling = vici.StateInstalling
	ChildInstalled  = vici.StateInstalled
	ChildUpdating   = vici.StateUpdating
	ChildRekeying   = vici.StateRekeying
	ChildRekeyed    = vici.StateRekeyed
	ChildRetrying   = vici.StateRetrying
	ChildDeleting   = vici.StateDeleting
	ChildDeleted    = vici.StateDeleted
	ChildDestroying = vici.StateDestroying
)

// Unnamed is what a responder's IKE_SA is called while no configuration was selected.
const Unnamed = vici.Unnamed

// An IKESA is all that the daemon tells of an IKE_SA. Zero values are left out of listings as
// the daemon leaves them out.
type IKESA struct {
	Name     string // of its connection, or Unnamed
	UniqueID uint32
	Version  int // of IKE: 1 or 2
	State    string

	Local, Remote Endpoint
	RemoteEAPID   string // EAP (IKEv2) or XAuth (IKEv1) identity, if it is not Remote.ID

	Initiator                              bool
	InitiatorSPI, ResponderSPI             uint64
	NATLocal, NATRemote, NATFake, NATAny   bool
	IfIDIn, IfIDOut                        uint32
	Suite                                  Suite // zero before a proposal was agreed
	PPK                                    bool
	Established                            time.Time // shown in state ESTABLISHED
	RekeyAt, ReauthAt                      time.Time // zero: not scheduled
	LocalVIPs, RemoteVIPs                  []string
	TasksQueued, TasksActive, TasksPassive []string
	Children                               []*ChildSA // in the order of their creation

	busy  chan struct{} // closed when the IKE_SA is free again; nil while it is
	ended bool          // no longer among the daemon's
}

// An Endpoint is one side of an IKE_SA.
type Endpoint struct {
	Host string // an IP address or %any
	Port uint16
	ID   string // %any before authentication
}

// A Suite is a set of negotiated algorithms. Sizes are in bits, 0 where the algorithm has only one.
type Suite struct {
	Encryption     string
	EncryptionBits int
	Integrity      string // empty with AEAD
	IntegrityBits  int
	PRF            string // of IKE_SAs
	KE             string // key exchange; empty for a CHILD_SA made without one of its own
	AKE            []string
	ESN            bool // of CHILD_SAs
}

// A ChildSA is all that the daemon tells of a CHILD_SA.
type ChildSA struct {
	Name     string
	UniqueID uint32
	ReqID    uint32
	State    string
	Mode     string // TUNNEL, TRANSPORT, …
	Label    string // security label in hex digits
	Protocol string // ESP or AH
	Encap    bool   // in UDP

	SPIIn, SPIOut   uint32
	CPIIn, CPIOut   uint16 // with IPComp
	MarkIn, MarkOut Mark
	IfIDIn, IfIDOut uint32
	PerCPU          bool
	CPU             int // shown with PerCPU; negative: not bound to one
	Suite           Suite

	In, Out           Traffic
	RekeyAt, ExpireAt time.Time // zero: no such limit
	Installed         time.Time
	LocalTS, RemoteTS []string

	queried  Traffic   // Out when the daemon last asked the kernel for it
	replaced time.Time // when it was rekeyed
}

// query notes that the daemon asked the kernel for the counters.
func (c *ChildSA) query() { c.queried = c.Out }

// A Mark is a packet mark with its mask.
type Mark struct{ Value, Mask uint32 }

// Traffic is what a CHILD_SA carried in one direction.
type Traffic struct {
	Bytes, Packets uint64
	// Last is when the last packet passed; zero if none did. A moment to come shows as the underflow
	// 18446744073709551615 that real daemons produce.
	Last time.Time
}

// clone copies an IKE_SA with its children.
func (sa *IKESA) clone() IKESA {
	c := *sa
	c.busy = nil
	c.Children = make([]*ChildSA, len(sa.Children))
	for i, child := range sa.Children {
		copied := *child
		c.Children[i] = &copied
	}
	return c
}

// child returns the CHILD_SA with that unique id or nil.
func (sa *IKESA) child(id uint32) *ChildSA {
	for _, c := range sa.Children {
		if c.UniqueID == id {
			return c
		}
	}
	return nil
}

func (sa *IKESA) remove(child *ChildSA) {
	sa.Children = slices.DeleteFunc(sa.Children, func(c *ChildSA) bool { return c == child })
}
