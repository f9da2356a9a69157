// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"errors"
	"iter"
)

// A CountersRequest selects counters. The zero value selects the daemon-wide ones.
type CountersRequest struct {
	// Name selects the counters of one connection. An empty name is a name, too.
	Name Opt[string] `vici:"name"`

	// All selects the counters of every connection that has any, instead of Name, and without the daemon-wide ones.
	// About 950 connections fit into an answer; a daemon with more never answers, and the call ends only with its
	// context.
	All bool `vici:"all"`
}

// Counters are the events and IKE messages of one connection, or of the whole daemon, since the daemon started or
// they were reset. Only IKEv2 is counted, and of it the four classic exchanges; a message counts once, however often
// it is sent.
type Counters struct {
	Name string `vici:",name"` // of the connection; empty for the daemon-wide counters

	IKERekeyInit Opt[uint64] `vici:"ike-rekey-init"` // rekeyings of IKE_SAs that this end initiated
	IKERekeyResp Opt[uint64] `vici:"ike-rekey-resp"` // … that the peer initiated
	ChildRekey   Opt[uint64] `vici:"child-rekey"`    // completed rekeyings of CHILD_SAs; a collision counts twice before 6.0.0
	Invalid      Opt[uint64] `vici:"invalid"`        // messages with an invalid type, length or value
	InvalidSPI   Opt[uint64] `vici:"invalid-spi"`    // messages with an unknown IKE SPI

	// Messages by exchange, direction and kind: In were received, Out sent; Req are requests, Resp responses.
	IKEInitInReq   Opt[uint64] `vici:"ike-init-in-req"` // IKE_SA_INIT
	IKEInitInResp  Opt[uint64] `vici:"ike-init-in-resp"`
	IKEInitOutReq  Opt[uint64] `vici:"ike-init-out-req"`
	IKEInitOutResp Opt[uint64] `vici:"ike-init-out-resp"`

	IKEAuthInReq   Opt[uint64] `vici:"ike-auth-in-req"` // IKE_AUTH
	IKEAuthInResp  Opt[uint64] `vici:"ike-auth-in-resp"`
	IKEAuthOutReq  Opt[uint64] `vici:"ike-auth-out-req"`
	IKEAuthOutResp Opt[uint64] `vici:"ike-auth-out-resp"`

	CreateChildInReq   Opt[uint64] `vici:"create-child-in-req"` // CREATE_CHILD_SA
	CreateChildInResp  Opt[uint64] `vici:"create-child-in-resp"`
	CreateChildOutReq  Opt[uint64] `vici:"create-child-out-req"`
	CreateChildOutResp Opt[uint64] `vici:"create-child-out-resp"`

	InfoInReq   Opt[uint64] `vici:"info-in-req"` // INFORMATIONAL
	InfoInResp  Opt[uint64] `vici:"info-in-resp"`
	InfoOutReq  Opt[uint64] `vici:"info-out-req"`
	InfoOutResp Opt[uint64] `vici:"info-out-resp"`

	Extra *Message `vici:",rest"` // counters that this package does not know; nil if there are none
}

// Counters returns IKE counters (command get-counters, since 5.6.1): one element for the daemon or one connection,
// any number for [CountersRequest.All], sorted by name.
//
// A name without counters is a [*CommandError], and so is a daemon without the plugin "counters". A connection has
// counters from its first message on whose configuration is known; they stay when it is unloaded.
func (s *Session) Counters(ctx context.Context, request CountersRequest) ([]Counters, error) {
	m, err := s.request("call", "get-counters", request)
	if err != nil {
		return nil, err
	}
	var (
		all []Counters
		c   Counters
	)
	err = s.call(ctx, "get-counters", m, func(body []byte) error {
		d := newSADecoder(body, nil, s.trace)
		_, err := d.counters(&c, func() { all = append(all, c) })
		return err
	})
	return all, err
}

// CountersOf streams the counters of connections by name, with a command get-counters for each: for daemons with so many
// connections that the counters of all do not fit into an answer. Some of the commands are always under way together, which
// takes a tenth of the time of as many calls; the daemon still executes one at a time.
//
// A connection without counters is left out; a daemon without the plugin "counters" gives a [*CommandError]. The yielded
// Counters is reused: it is valid until the next step of the loop; strings in it may be kept, and [Counters.Extra] too.
// The session is taken while the loop runs. Leaving the loop early reads the answers that are under way, so that the
// session stays usable. An error comes last, with a nil Counters.
func (s *Session) CountersOf(ctx context.Context, connections []string) iter.Seq2[*Counters, error] {
	return func(yield func(*Counters, error) bool) {
		var (
			c     Counters
			words words
			left  bool
		)
		p := pipeline{session: s, command: "get-counters"}
		p.next = func(request *Encoder) bool {
			if left || p.sent == len(connections) {
				return false
			}
			request.KeyValue("name", connections[p.sent])
			return true
		}
		p.answer = func(body []byte) error {
			d := newSADecoder(body, &words, s.trace)
			plugin, err := d.counters(&c, func() { left = left || !yield(&c, nil) })
			if _, refused := errors.AsType[*CommandError](err); refused && plugin {
				return nil // this connection has none
			}
			return err
		}
		if len(connections) == 0 {
			return
		}
		if err := legibleNames(connections); err != nil {
			yield(nil, s.opError("call", "get-counters", err))
			return
		}
		if err := s.exchange(ctx, "call", "get-counters", func() error { return p.run(ctx) }); err != nil && !left {
			yield(nil, err)
		}
	}
}

// counters reads an answer to get-counters. It calls found with each connection's counters in c, and reports whether the
// daemon has the plugin: else an answer has no section for them, not even an empty one.
func (d *saDecoder) counters(c *Counters, found func()) (plugin bool, err error) {
	var refusal CommandError
	refused := false
	for d.Next() {
		switch {
		case d.kind == SectionStart && string(d.name) == "counters":
			plugin = true
			d.countersByName(c, found)
		case d.kind == KeyValue && string(d.name) == "success":
			refused = string(d.value) == "no"
		case d.kind == KeyValue && string(d.name) == "errmsg":
			refusal.Message = string(d.value)
		default:
			d.Skip()
		}
	}
	if d.err == nil && refused {
		refusal.Command = "get-counters"
		return plugin, &refusal
	}
	return plugin, d.err
}

func (d *saDecoder) countersByName(c *Counters, found func()) {
	for d.Next() && d.kind != SectionEnd {
		if d.kind != SectionStart {
			d.Skip()
			continue
		}
		*c = Counters{Name: d.nameText()}
		for d.Next() && d.kind != SectionEnd {
			if d.kind == KeyValue {
				d.counter(c)
			} else {
				d.Skip()
			}
		}
		if d.err == nil {
			found()
		}
	}
}

func (d *saDecoder) counter(c *Counters) {
	if d.messageCounter(c) {
		return
	}
	switch string(d.name) {
	case "ike-rekey-init":
		number(d, &c.IKERekeyInit)
	case "ike-rekey-resp":
		number(d, &c.IKERekeyResp)
	case "child-rekey":
		number(d, &c.ChildRekey)
	case "invalid":
		number(d, &c.Invalid)
	case "invalid-spi":
		number(d, &c.InvalidSPI)
	default:
		if c.Extra == nil {
			c.Extra = new(Message)
		}
		c.Extra.Add(string(d.name), string(d.value))
	}
}

// messageCounter reads the counters of messages.
func (d *saDecoder) messageCounter(c *Counters) bool {
	switch string(d.name) {
	case "ike-init-in-req":
		number(d, &c.IKEInitInReq)
	case "ike-init-in-resp":
		number(d, &c.IKEInitInResp)
	case "ike-init-out-req":
		number(d, &c.IKEInitOutReq)
	case "ike-init-out-resp":
		number(d, &c.IKEInitOutResp)
	case "ike-auth-in-req":
		number(d, &c.IKEAuthInReq)
	case "ike-auth-in-resp":
		number(d, &c.IKEAuthInResp)
	case "ike-auth-out-req":
		number(d, &c.IKEAuthOutReq)
	case "ike-auth-out-resp":
		number(d, &c.IKEAuthOutResp)
	case "create-child-in-req":
		number(d, &c.CreateChildInReq)
	case "create-child-in-resp":
		number(d, &c.CreateChildInResp)
	case "create-child-out-req":
		number(d, &c.CreateChildOutReq)
	case "create-child-out-resp":
		number(d, &c.CreateChildOutResp)
	case "info-in-req":
		number(d, &c.InfoInReq)
	case "info-in-resp":
		number(d, &c.InfoInResp)
	case "info-out-req":
		number(d, &c.InfoOutReq)
	case "info-out-resp":
		number(d, &c.InfoOutResp)
	default:
		return false
	}
	return true
}

// ResetCounters sets IKE counters back to zero (command reset-counters, since 5.6.1): those of the daemon alone, of
// one connection, or of all connections but not of the daemon. Counters of connections vanish by it until their next
// message. An unknown name is not an error.
func (s *Session) ResetCounters(ctx context.Context, request CountersRequest) error {
	return s.callInto(ctx, "reset-counters", request, nil)
}
