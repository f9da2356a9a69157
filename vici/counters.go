// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

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
	var answer struct {
		Counters []Counters `vici:"counters"`
	}
	err := s.callInto(ctx, "get-counters", request, &answer)
	return answer.Counters, err
}

// ResetCounters sets IKE counters back to zero (command reset-counters, since 5.6.1): those of the daemon alone, of
// one connection, or of all connections but not of the daemon. Counters of connections vanish by it until their next
// message. An unknown name is not an error.
func (s *Session) ResetCounters(ctx context.Context, request CountersRequest) error {
	return s.callInto(ctx, "reset-counters", request, nil)
}
