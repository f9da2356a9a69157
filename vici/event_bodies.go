// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// An EventBody is what an event says: one of [*Log], [*ControlLog], [*IKEUpDown], [*IKERekey], [*IKEUpdate],
// [*ChildUpDown], [*ChildRekey], [*Alert], [*UnknownEvent], and, for the events that stream the answer to a command,
// [*IKESA], [*Policy], [*Conn], [*Cert] and [*Authority].
type EventBody interface{ eventBody() }

func (*Log) eventBody()          {}
func (*ControlLog) eventBody()   {}
func (*IKEUpDown) eventBody()    {}
func (*IKERekey) eventBody()     {}
func (*IKEUpdate) eventBody()    {}
func (*ChildUpDown) eventBody()  {}
func (*ChildRekey) eventBody()   {}
func (*Alert) eventBody()        {}
func (*UnknownEvent) eventBody() {}
func (*IKESA) eventBody()        {}
func (*Policy) eventBody()       {}
func (*Conn) eventBody()         {}
func (*Cert) eventBody()         {}
func (*Authority) eventBody()    {}

// A LogEntry is a message of the daemon's log.
type LogEntry struct {
	Group   string      // subsystem, such as "IKE"
	Level   Opt[uint32] // 0 or 1; in a [ControlLog] up to what was asked for
	IKEName string      // of the IKE_SA that the message is about, if any
	IKEID   Opt[uint32] // unique id of that IKE_SA; absent if the message is about none
	Message string      // may have several lines
}

// A Log is an event log (since 5.2.0): a message of the daemon's log. What a client does over VICI can cause such
// messages, too.
type Log struct {
	LogEntry
	Thread Opt[uint32] // number of the daemon's thread
}

// A ControlLog is an event control-log (since 5.2.0): what the daemon logs while it carries out an initiate or
// terminate command, sent to who gave the command.
type ControlLog struct{ LogEntry }

// An IKEUpDown is an event ike-updown (since 5.3.1): an IKE_SA was established or closed. One that was never up can
// be reported as down, when its authentication fails late. Rekeying is reported by [IKERekey] instead, but with IKEv1
// by an up of the new and a down of the old IKE_SA.
type IKEUpDown struct {
	Up  bool  // false also before 5.3.3, which does not tell
	IKE IKESA // without children
}

// An IKERekey is an event ike-rekey (since 5.3.3): an IKEv2 IKE_SA was replaced by one with another unique id, which
// has taken over all its children.
type IKERekey struct {
	Old, New IKESA // without children
}

// An IKEUpdate is an event ike-update (since 5.9.2): the endpoints of an IKE_SA are about to change. On a responder
// this is usual in an early state, when the initiator changes to port 4500.
type IKEUpdate struct {
	// The endpoints to come; the present ones are in IKE.
	LocalHost  string
	LocalPort  Opt[uint16]
	RemoteHost string
	RemotePort Opt[uint16]

	IKE IKESA // without children
}

// A ChildUpDown is an event child-updown (since 5.3.1): a CHILD_SA was installed or closed. Its last traffic counters
// come with the latter. When an IKE_SA is closed, its event comes first and then one for each child.
type ChildUpDown struct {
	Up  bool  // false also before 5.3.3, which does not tell
	IKE IKESA // with the CHILD_SA as its only child
}

// Child returns the CHILD_SA that the event is about; a decoded event has one. It is valid as long as the event.
func (e *ChildUpDown) Child() *ChildSA { return &e.IKE.Children[0] }

// A ChildRekey is an event child-rekey (since 5.3.3): a CHILD_SA was replaced. The old one stays listed for a while,
// with final inbound counters here, and then vanishes without an event. A collision of both ends' rekeyings can be
// reported twice with the same old SA before 6.0.0, and as a chain since then.
type ChildRekey struct {
	IKE      IKESA // without children
	Old, New ChildSA
}

// An Alert is an event alert (since 6.0.3): something went wrong that deserves attention, such as an expired
// certificate.
type Alert struct {
	Type string // such as [AlertPeerAuthFailed]
	IKE  *IKESA // that it is about, without children; nil if it is about none

	buf IKESA // what IKE points to
}

// An UnknownEvent is an event that this package has no type for.
type UnknownEvent struct {
	Name    string
	Message *Message
}
