// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"iter"
	"time"
)

// A ListConnsRequest selects connections. The zero value selects all.
type ListConnsRequest struct {
	IKE string `vici:"ike"` // the connection of that name
}

// A Conn is a connection that the daemon knows, an event list-conn (since 5.2.0): what it would accept or propose,
// not what is up. Strings are as the daemon sent them; a string is empty and an Opt absent where it sent nothing.
type Conn struct {
	Name        string      `vici:",name"`
	LocalAddrs  []string    `vici:"local_addrs"` // as configured, such as "192.0.2.1" or "%any"
	RemoteAddrs []string    `vici:"remote_addrs"`
	LocalPort   Opt[uint16] `vici:"local_port"`  // since 6.0.3
	RemotePort  Opt[uint16] `vici:"remote_port"` // since 6.0.3
	Version     string      `vici:"version"`     // "IKEv1", "IKEv2" or "IKEv1/2"

	ReauthTime Opt[time.Duration] `vici:"reauth_time"` // whole seconds, 0 = never; since 5.5.0
	RekeyTime  Opt[time.Duration] `vici:"rekey_time"`  // whole seconds, 0 = never; since 5.5.0
	Unique     string             `vici:"unique"`      // such as "UNIQUE_REPLACE", since 5.5.2
	DPDDelay   Opt[time.Duration] `vici:"dpd_delay"`   // whole seconds, absent if off; since 5.6.2
	DPDTimeout Opt[time.Duration] `vici:"dpd_timeout"` // IKEv1, absent if off; since 5.6.2

	PPKID       string `vici:"ppk_id"`       // identity of a post-quantum preshared key, since 5.7.0
	PPKRequired bool   `vici:"ppk_required"` // since 5.7.0

	Proposals []Proposal  `vici:"proposals"` // for IKE, the preferred one first; since 6.1.0
	Local     []Auth      `vici:"local*"`    // how this end authenticates, round by round
	Remote    []Auth      `vici:"remote*"`   // what the peer must present, round by round
	Children  []ConnChild `vici:"children"`
}

// An Auth is one round of authentication of one end.
type Auth struct {
	Name  string `vici:",name"` // "local-1", "remote-2"…: the rounds in their order
	Class string `vici:"class"` // "public key", "pre-shared key", "EAP", "XAuth" or "any"

	EAPType    string `vici:"eap-type"` // with class EAP, such as "EAP_MSCHAPV2"
	EAPVendor  string `vici:"eap-vendor"`
	XAuth      string `vici:"xauth"`      // name of the backend, with class XAuth
	Revocation string `vici:"revocation"` // how much must be known about revocation, such as "GOOD"

	ID      string `vici:"id"`     // identity, such as "moon.example.org"
	CAID    string `vici:"ca_id"`  // identity of an acceptable CA, since 5.8.2
	AAAID   string `vici:"aaa_id"` // identity of the AAA backend
	EAPID   string `vici:"eap_id"`
	XAuthID string `vici:"xauth_id"`

	Groups       []string `vici:"groups"`      // the peer must be in one of them
	CertPolicies []string `vici:"cert_policy"` // object identifiers, since 5.7.0
	Certs        []string `vici:"certs"`       // subjects of the acceptable or offered certificates
	CACerts      []string `vici:"cacerts"`     // subjects of the acceptable CAs
}

// A ConnChild is the configuration of a CHILD_SA.
type ConnChild struct {
	Name  string `vici:",name"`
	Mode  string `vici:"mode"`  // such as "TUNNEL"; "PASS" and "DROP" are shunts, which never become SAs
	Label string `vici:"label"` // security label, since 5.9.6

	RekeyTime    Opt[time.Duration] `vici:"rekey_time"`    // whole seconds, 0 = never; since 5.5.0
	RekeyBytes   Opt[uint64]        `vici:"rekey_bytes"`   // 0 = never, since 5.5.0
	RekeyPackets Opt[uint64]        `vici:"rekey_packets"` // 0 = never, since 5.5.0

	// What happens when the peer is dead or closes the CHILD_SA: "none", "trap" or "start" since 5.9.6, and "clear",
	// "hold" or "restart" before.
	DPDAction   string `vici:"dpd_action"`   // since 5.6.2
	CloseAction string `vici:"close_action"` // since 5.6.2

	LocalTS   []string    `vici:"local-ts"` // traffic selectors such as "10.1.0.0/16[tcp/https]" or "dynamic"
	RemoteTS  []string    `vici:"remote-ts"`
	Interface string      `vici:"interface"` // that outbound policies are bound to, since 5.5.0
	Priority  Opt[uint32] `vici:"priority"`  // of the policies, where it is not computed; since 5.5.0

	ESPProposals []Proposal `vici:"esp_proposals"` // the preferred one first, since 6.1.0
	AHProposals  []Proposal `vici:"ah_proposals"`  // likewise, since 6.1.0
}

// A Proposal is a set of algorithms that a connection offers or accepts: one of each list is chosen. Ciphers have
// their key size in the name, such as "AES_CBC_256".
type Proposal struct {
	Index       string   `vici:",name"` // "0", "1"…: the order of preference
	Encryption  []string `vici:"encr"`
	Integrity   []string `vici:"integ"` // none where all ciphers are AEAD
	PRF         []string `vici:"prf"`   // IKE only
	KeyExchange []string `vici:"ke"`    // such as "CURVE_25519"
	AKE1        []string `vici:"ake1"`  // first additional key exchange, such as "ML_KEM_768"
	AKE2        []string `vici:"ake2"`
	AKE3        []string `vici:"ake3"`
	AKE4        []string `vici:"ake4"`
	AKE5        []string `vici:"ake5"`
	AKE6        []string `vici:"ake6"`
	AKE7        []string `vici:"ake7"`
	ESN         []string `vici:"sn"` // "NO_EXT_SEQ", "EXT_SEQ"; ESP and AH only
}

// AdditionalKE returns the algorithms of the seven additional key exchanges; those not used are empty.
func (p *Proposal) AdditionalKE() [7][]string {
	return [7][]string{p.AKE1, p.AKE2, p.AKE3, p.AKE4, p.AKE5, p.AKE6, p.AKE7}
}

// ListConns streams the connections that the daemon knows (command list-conns, since 5.2.0), those of other sources
// than VICI included. The loop is as [Session.Stream] describes it; what it yields may be kept.
func (s *Session) ListConns(ctx context.Context, request ListConnsRequest) iter.Seq2[*Conn, error] {
	return streamSections[Conn](ctx, s, "list-conns", "list-conn", request)
}

// ConnNames returns the names of the connections that were loaded over VICI (command get-conns, since 5.2.0).
func (s *Session) ConnNames(ctx context.Context) ([]string, error) {
	var answer struct {
		Names []string `vici:"conns"`
	}
	err := s.callInto(ctx, "get-conns", nil, &answer)
	return answer.Names, err
}
