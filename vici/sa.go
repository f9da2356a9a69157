// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"fmt"
	"time"
)

// An IKESPI is the security parameter index of one side of an IKE_SA (a cookie in IKEv1). It is 0
// until it is known.
type IKESPI uint64

// String returns the 16 hex digits that the daemon prints.
func (s IKESPI) String() string { return fmt.Sprintf("%016x", uint64(s)) }

// An SPI is the security parameter index of a CHILD_SA in one direction.
type SPI uint32

// String returns the 8 hex digits that the daemon prints.
func (s SPI) String() string { return fmt.Sprintf("%08x", uint32(s)) }

// States of IKE_SAs and CHILD_SAs as the daemon names them. Newer daemons may have more.
const (
	StateCreated     = "CREATED"
	StateConnecting  = "CONNECTING"  // IKE_SA: half-open
	StateEstablished = "ESTABLISHED" // IKE_SA
	StatePassive     = "PASSIVE"     // IKE_SA: managed by another node
	StateRouted      = "ROUTED"      // CHILD_SA
	StateInstalling  = "INSTALLING"  // CHILD_SA
	StateInstalled   = "INSTALLED"   // CHILD_SA: carries traffic
	StateUpdating    = "UPDATING"    // CHILD_SA: its addresses change
	StateRekeying    = "REKEYING"    // being replaced
	StateRekeyed     = "REKEYED"     // replaced; of IKE_SAs since 5.5.0
	StateRetrying    = "RETRYING"    // CHILD_SA
	StateDeleting    = "DELETING"
	StateDeleted     = "DELETED" // CHILD_SA: listed for some seconds longer, since 5.6.3
	StateDestroying  = "DESTROYING"
)

// Unnamed is the name of an IKE_SA for which a responder has not chosen a configuration yet.
const Unnamed = "(unnamed)"

// A Suite is the proposal that both ends agreed on.
type Suite struct {
	Encryption     string      // such as "AES_CBC"
	EncryptionBits Opt[uint32] // where the algorithm has keys of several sizes
	Integrity      string      // such as "HMAC_SHA2_256_128"; empty with AEAD ciphers
	IntegrityBits  Opt[uint32]
	PRF            string    // such as "PRF_HMAC_SHA2_256"
	KeyExchange    string    // such as "CURVE_25519"; the key is "dh-group"
	AdditionalKE   [7]string // "ake1" to "ake7", such as "ML_KEM_768", since 6.0.0
}

// An IKESA is the daemon's description of an IKE_SA: an event list-sa (since 5.2.0) in answers to
// list-sas, and a part of other events. Strings are as the daemon sent them; a string is empty and
// an Opt absent where it sent nothing.
type IKESA struct {
	Name     string      // of the configuration, or [Unnamed]; many SAs may share it
	UniqueID Opt[uint32] // since the daemon's start
	Version  string      // "1" or "2"
	State    string      // such as [StateEstablished]

	LocalHost  string      // IP address, "%any" or "%any6" if unset
	LocalPort  Opt[uint16] // since 5.4.0
	LocalID    string      // identity, "%any" before authentication
	RemoteHost string
	RemotePort Opt[uint16] // since 5.4.0
	RemoteID   string

	RemoteXAuthID string // IKEv1, if not the same as RemoteID
	RemoteEAPID   string // IKEv2, if not the same as RemoteID

	Initiator    bool        // role in the exchange that made this IKE_SA; a rekeying may change it
	InitiatorSPI Opt[IKESPI] // with its bytes reversed before 5.4.0, on little-endian hosts
	ResponderSPI Opt[IKESPI] // likewise

	NATLocal  bool        // the local end is behind a NAT, since 5.3.4
	NATRemote bool        // the remote end is behind a NAT, since 5.3.4
	NATFake   bool        // UDP encapsulation was forced, since 5.3.4
	NATAny    bool        // any of these, since 5.3.4
	IfIDIn    Opt[uint32] // XFRM interface, since 5.8.0
	IfIDOut   Opt[uint32] // likewise, since 5.8.0

	Suite      // empty before a proposal is agreed on
	PPK   bool // a post-quantum preshared key is in use, since 5.7.0

	// Ages and remaining times, in whole seconds as of the answer. They are sent in state
	// ESTABLISHED only. Established restarts with a rekeying; a negative time means overdue.
	Established Opt[time.Duration]
	RekeyTime   Opt[time.Duration]
	ReauthTime  Opt[time.Duration]

	LocalVIPs    []string // virtual IPs assigned to this end, since 5.3.4
	RemoteVIPs   []string // virtual IPs assigned to the peer, since 5.3.4
	TasksQueued  []string // what is still to be done, such as "IKE_REKEY"
	TasksActive  []string // what this end has begun
	TasksPassive []string // what the peer has begun

	Children []ChildSA // in the order of the daemon; several may have one name
}

// A ChildSA is the daemon's description of a CHILD_SA. What begins with Protocol and ends with
// InstallTime is sent only in the states INSTALLED, REKEYING and REKEYED, and since 5.8.2 in DELETING
// and DELETED; so not in UPDATING.
type ChildSA struct {
	Key      string      // of its section: name-uniqueid, before 5.5.2 just the name
	Name     string      // of the configuration, since 5.5.2; before, this package takes it from Key
	UniqueID Opt[uint32] // since the daemon's start; since 5.3.0
	ReqID    Opt[uint32] // stays through rekeyings
	State    string      // such as [StateInstalled]
	Mode     string      // such as "TUNNEL"
	Label    string      // security label in hex, since 5.9.6

	Protocol    string // "ESP" or "AH"
	Encap       bool   // ESP in UDP
	SPIIn       Opt[SPI]
	SPIOut      Opt[SPI]
	CPIIn       Opt[uint16] // with IPComp
	CPIOut      Opt[uint16] // with IPComp
	MarkIn      Opt[uint32] // since 5.5.2
	MarkMaskIn  Opt[uint32] // absent if all bits count, since 5.5.2
	MarkOut     Opt[uint32] // since 5.5.2
	MarkMaskOut Opt[uint32] // likewise, since 5.5.2
	IfIDIn      Opt[uint32] // XFRM interface, since 5.8.0
	IfIDOut     Opt[uint32] // likewise, since 5.8.0
	PerCPUSAs   bool        // there is one for each CPU, since 6.0.2
	CPU         Opt[uint32] // the CPU that the SA is bound to, since 6.0.2

	Suite      // without KeyExchange where the keys come from IKE_AUTH; with PRF up to 5.3.5
	ESN   bool // extended sequence numbers

	BytesIn    Opt[uint64]
	PacketsIn  Opt[uint64]
	UseIn      Opt[time.Duration] // since the last packet received; absent if there was none
	BytesOut   Opt[uint64]
	PacketsOut Opt[uint64]
	UseOut     Opt[time.Duration] // since the last packet sent; absent if there was none

	RekeyTime   Opt[time.Duration] // until the next rekeying; negative if overdue
	LifeTime    Opt[time.Duration] // until the SA expires
	InstallTime Opt[time.Duration] // since the SA was installed; restarts with a rekeying

	LocalTS  []string // traffic selectors such as "10.1.0.0/16[tcp/https]"
	RemoteTS []string
}

// RemoteIdentity returns who the peer is: its EAP identity, else its XAuth identity, else its IKE
// identity.
func (sa *IKESA) RemoteIdentity() string {
	switch {
	case sa.RemoteEAPID != "":
		return sa.RemoteEAPID
	case sa.RemoteXAuthID != "":
		return sa.RemoteXAuthID
	}
	return sa.RemoteID
}

// Clone returns a copy that stays valid when the original is reused.
func (sa *IKESA) Clone() *IKESA {
	c := *sa
	c.LocalVIPs = cloned(sa.LocalVIPs)
	c.RemoteVIPs = cloned(sa.RemoteVIPs)
	c.TasksQueued = cloned(sa.TasksQueued)
	c.TasksActive = cloned(sa.TasksActive)
	c.TasksPassive = cloned(sa.TasksPassive)
	c.Children = cloned(sa.Children)
	for i := range c.Children {
		child := &c.Children[i]
		child.LocalTS = cloned(child.LocalTS)
		child.RemoteTS = cloned(child.RemoteTS)
	}
	return &c
}

// cloned copies a slice; an empty one becomes nil, whether it has the memory of an earlier SA or
// not.
func cloned[T any](s []T) []T { return append([]T(nil), s...) }

// reset empties the SA and keeps the slices' memory.
func (sa *IKESA) reset(name string) {
	*sa = IKESA{
		Name:         name,
		LocalVIPs:    sa.LocalVIPs[:0],
		RemoteVIPs:   sa.RemoteVIPs[:0],
		TasksQueued:  sa.TasksQueued[:0],
		TasksActive:  sa.TasksActive[:0],
		TasksPassive: sa.TasksPassive[:0],
		Children:     sa.Children[:0],
	}
}

// addChild appends an empty child, reusing the memory of an earlier one.
func (sa *IKESA) addChild(key string) *ChildSA {
	n := len(sa.Children)
	if n < cap(sa.Children) {
		sa.Children = sa.Children[:n+1]
	} else {
		sa.Children = append(sa.Children, ChildSA{})
	}
	return sa.Children[n].reset(key)
}

// reset empties the SA and keeps the slices' memory.
func (c *ChildSA) reset(key string) *ChildSA {
	*c = ChildSA{Key: key, Name: key, LocalTS: c.LocalTS[:0], RemoteTS: c.RemoteTS[:0]}
	return c
}
