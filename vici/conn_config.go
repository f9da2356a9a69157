// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "time"

// A ConnConfig is a connection as [Session.LoadConn] takes it. The fields are the keys of swanctl.conf(5), which
// describes them. What is zero or absent is not sent, so that the daemon's default applies; an Opt stands where the
// default is not zero. The daemon refuses a connection with a key or value that it does not know, so leave out what
// it is too old for.
type ConnConfig struct {
	Name string `vici:",name"` // printable ASCII

	Version     Opt[uint8]  `vici:"version"` // 1 or 2; 0, the default, accepts both and proposes 2
	LocalAddrs  []string    `vici:"local_addrs"`
	RemoteAddrs []string    `vici:"remote_addrs"`
	LocalPort   Opt[uint16] `vici:"local_port"`
	RemotePort  Opt[uint16] `vici:"remote_port"`
	Proposals   []string    `vici:"proposals"` // such as "aes256-sha256-x25519"
	VIPs        []string    `vici:"vips"`      // to request; "0.0.0.0" and "::" mean any
	Pools       []string    `vici:"pools"`     // to assign addresses from

	Aggressive    bool      `vici:"aggressive"`    // IKEv1
	Pull          Opt[bool] `vici:"pull"`          // IKEv1 mode config, default yes
	DSCP          string    `vici:"dscp"`          // of IKE packets, six binary digits; since 5.5.2
	Encap         bool      `vici:"encap"`         // forces UDP encapsulation
	MOBIKE        Opt[bool] `vici:"mobike"`        // default yes
	Fragmentation string    `vici:"fragmentation"` // "yes" (default), "accept" (5.5.3), "force" or "no"
	Childless     string    `vici:"childless"`     // "allow", "prefer" (5.9.10), "force" or "never"; since 5.8.0
	SendCertReq   Opt[bool] `vici:"send_certreq"`  // default yes
	SendCert      string    `vici:"send_cert"`     // "ifasked", "always" or "never"
	OCSP          string    `vici:"ocsp"`          // "reply", "request", "both" or "never"; since 5.9.14
	PPKID         string    `vici:"ppk_id"`        // identity of a post-quantum preshared key, since 5.7.0
	PPKRequired   bool      `vici:"ppk_required"`  // the key is not optional, since 5.7.0
	Unique        string    `vici:"unique"`        // "no" (default), "never", "keep" or "replace"
	IfIDIn        string    `vici:"if_id_in"`      // XFRM interface: a number, "%unique" or "%unique-dir"; since 5.8.0
	IfIDOut       string    `vici:"if_id_out"`     // likewise, since 5.8.0

	Mediation     bool   `vici:"mediation"`      // the connection serves mediation only, since 5.5.2
	MediatedBy    string `vici:"mediated_by"`    // name of the connection with the mediation server, since 5.5.2; needs MediationPeer
	MediationPeer string `vici:"mediation_peer"` // identity of the peer at the mediation server, since 5.5.2; 5.9.8 dies without it

	// Times are whole seconds.
	DPDDelay    time.Duration      `vici:"dpd_delay"`   // after which a silent peer is asked for a sign of life; default never
	DPDTimeout  time.Duration      `vici:"dpd_timeout"` // IKEv1: after which a silent peer is dead
	KeyingTries Opt[uint32]        `vici:"keyingtries"` // default 1; 0 means for ever
	ReauthTime  Opt[time.Duration] `vici:"reauth_time"` // 0 means never
	RekeyTime   Opt[time.Duration] `vici:"rekey_time"`  // default 4 h; 0 means never
	OverTime    Opt[time.Duration] `vici:"over_time"`   // until the IKE_SA is closed after a rekeying should have been
	RandTime    Opt[time.Duration] `vici:"rand_time"`   // range by which rekeying comes earlier at random

	Local    []AuthConfig  `vici:"local*"`  // how this end authenticates, round by round
	Remote   []AuthConfig  `vici:"remote*"` // how the peer must, round by round
	Children []ChildConfig `vici:"children"`

	Extra *Message `vici:",rest"` // keys that this package does not know
}

// An AuthConfig is one round of authentication of one end.
type AuthConfig struct {
	// Name begins with "local" or "remote"; if it is empty, the rounds are numbered.
	Name string `vici:",name"`

	Round        Opt[uint32] `vici:"round"`       // orders the rounds, instead of their position; since 5.4.0
	Auth         string      `vici:"auth"`        // "pubkey" (default), "psk", "eap", "xauth" and more
	ID           string      `vici:"id"`          // identity; since 6.0.2 also a regular expression
	AAAID        string      `vici:"aaa_id"`      // of the AAA backend
	CAID         string      `vici:"ca_id"`       // of a CA that must have issued the certificate, since 5.8.2
	EAPID        string      `vici:"eap_id"`      // identity for EAP, where it is not ID
	XAuthID      string      `vici:"xauth_id"`    // user name for XAuth
	Revocation   string      `vici:"revocation"`  // "relaxed", "ifuri" or "strict"
	Groups       []string    `vici:"groups"`      // the peer must be in one of them
	CertPolicies []string    `vici:"cert_policy"` // object identifiers, since 5.5.2
	Certs        [][]byte    `vici:"certs"`       // PEM or DER
	CACerts      [][]byte    `vici:"cacerts"`     // PEM or DER
	PublicKeys   [][]byte    `vici:"pubkeys"`     // PEM or DER, since 5.4.0

	// Certificates that the daemon finds itself.
	CertSources   []CertSource `vici:"cert*"`   // since 5.5.2
	CACertSources []CertSource `vici:"cacert*"` // since 5.5.2

	Extra *Message `vici:",rest"` // keys that this package does not know
}

// A CertSource says where the daemon finds a certificate: in a file or on a token (since 5.5.2).
type CertSource struct {
	Name   string      `vici:",name"`  // begins with "cert" or "cacert"; if it is empty, the sources are numbered
	File   string      `vici:"file"`   // path, as the daemon sees it
	Handle string      `vici:"handle"` // of the object on the token (CKA_ID), in hex digits
	Slot   Opt[uint32] `vici:"slot"`   // of the token; absent means any
	Module string      `vici:"module"` // name of the PKCS#11 module; empty means any
}

// A ChildConfig is the configuration of a CHILD_SA.
type ChildConfig struct {
	Name string `vici:",name"`

	AHProposals  []string `vici:"ah_proposals"`
	ESPProposals []string `vici:"esp_proposals"` // such as "aes128gcm16-x25519"
	LocalTS      []string `vici:"local_ts"`      // such as "10.1.0.0/16[tcp/443]"; default "dynamic"
	RemoteTS     []string `vici:"remote_ts"`
	Mode         string   `vici:"mode"` // "tunnel" (default), "transport", "transport_proxy" (5.5.2), "beet", "pass", "drop", "iptfs" (6.0.2)

	// Actions are "none" (default), "trap" or "start".
	StartAction string `vici:"start_action"`
	CloseAction string `vici:"close_action"`
	DPDAction   string `vici:"dpd_action"`

	// Limits: Rekey when to replace the CHILD_SA (0 means never), Life when to close it, Rand the range by which
	// rekeying comes earlier at random. Times are whole seconds.
	RekeyTime    Opt[time.Duration] `vici:"rekey_time"` // default 1 h
	LifeTime     Opt[time.Duration] `vici:"life_time"`
	RandTime     Opt[time.Duration] `vici:"rand_time"`
	RekeyBytes   Opt[uint64]        `vici:"rekey_bytes"`
	LifeBytes    Opt[uint64]        `vici:"life_bytes"`
	RandBytes    Opt[uint64]        `vici:"rand_bytes"`
	RekeyPackets Opt[uint64]        `vici:"rekey_packets"`
	LifePackets  Opt[uint64]        `vici:"life_packets"`
	RandPackets  Opt[uint64]        `vici:"rand_packets"`
	Inactivity   time.Duration      `vici:"inactivity"` // after which the CHILD_SA is closed; 0 means never

	Updown         string      `vici:"updown"`           // path of a script
	HostAccess     bool        `vici:"hostaccess"`       // a variable for the updown script
	Policies       Opt[bool]   `vici:"policies"`         // installs policies; default yes, since 5.3.3
	PoliciesFwdOut bool        `vici:"policies_fwd_out"` // installs outbound forward policies too, since 5.5.1
	Priority       Opt[uint32] `vici:"priority"`         // of the policies; 0, the default, computes it from the selectors
	Interface      string      `vici:"interface"`        // that outbound policies are bound to, since 5.5.0
	ReqID          Opt[uint32] `vici:"reqid"`            // a fixed one; absent means that the daemon chooses

	// Marks are "value" or "value/mask", those of policies also "%unique" or "%unique-dir", those to set also "%same".
	MarkIn     string `vici:"mark_in"`
	MarkOut    string `vici:"mark_out"`
	MarkInSA   bool   `vici:"mark_in_sa"`   // sets MarkIn on the inbound SA, too; since 5.6.1
	SetMarkIn  string `vici:"set_mark_in"`  // since 5.7.0
	SetMarkOut string `vici:"set_mark_out"` // since 5.7.0
	IfIDIn     string `vici:"if_id_in"`     // XFRM interface: a number, "%unique" or "%unique-dir"; since 5.8.0
	IfIDOut    string `vici:"if_id_out"`    // likewise, since 5.8.0
	Label      string `vici:"label"`        // security label, since 5.9.6
	LabelMode  string `vici:"label_mode"`   // "system", "simple" or "selinux"; since 5.9.6

	IPComp       bool        `vici:"ipcomp"`        // proposes compression
	ReplayWindow Opt[uint32] `vici:"replay_window"` // packets; 0 switches replay protection off
	TFCPadding   string      `vici:"tfc_padding"`   // bytes, or "mtu"
	HWOffload    string      `vici:"hw_offload"`    // "no", "yes" or "auto", later also "crypto" and "packet"; since 5.5.3
	SHA256Trunc  bool        `vici:"sha256_96"`     // HMAC-SHA-256 truncated to 96 bits, as old kernels did; since 5.5.3
	CopyDF       Opt[bool]   `vici:"copy_df"`       // default yes, since 5.7.0
	CopyECN      Opt[bool]   `vici:"copy_ecn"`      // default yes, since 5.7.0
	CopyDSCP     string      `vici:"copy_dscp"`     // "out" (default), "in", "yes" or "no"; since 5.7.0
	PerCPUSAs    string      `vici:"per_cpu_sas"`   // "no", "yes" or "encap"; since 6.0.2
	ICMP         Opt[bool]   `vici:"icmp"`          // accepts ICMP errors about packets that pass, since 6.0.5

	Extra *Message `vici:",rest"` // keys that this package does not know
}
