// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Types of certificates. The daemon does not regard letter case in requests.
const (
	CertX509         = "X509"
	CertX509AC       = "X509_AC" // attribute certificate
	CertX509CRL      = "X509_CRL"
	CertOCSPResponse = "OCSP_RESPONSE"
	CertPublicKey    = "PUBKEY" // a bare public key
	CertAny          = "ANY"
)

// Flags of certificates of type [CertX509], since 5.4.0.
const (
	CertFlagNone = "NONE" // an end entity's
	CertFlagCA   = "CA"   // of a certification authority
	CertFlagAA   = "AA"   // of an attribute authority
	CertFlagOCSP = "OCSP" // of an OCSP signer
	CertFlagAny  = "ANY"
)

// A ListCertsRequest selects certificates. The zero value selects all, which can be slow and large: CRLs and OCSP
// responses are certificates, too. A type or flag that the daemon does not know selects none.
type ListCertsRequest struct {
	Type string `vici:"type"` // such as [CertX509]
	Flag string `vici:"flag"` // such as [CertFlagCA], since 5.4.0

	// Subject is matched as an identity: the whole distinguished name matches, a part of it does not.
	Subject string `vici:"subject"`
}

// A Cert is a certificate, revocation list or public key that the daemon has: an event list-cert (since 5.2.0).
type Cert struct {
	Type          string `vici:"type"`        // such as [CertX509]
	Flag          string `vici:"flag"`        // of X.509 certificates, since 5.4.0
	HasPrivateKey bool   `vici:"has_privkey"` // the daemon has the key, so the certificate is its own
	Data          []byte `vici:"data"`        // DER; a SubjectPublicKeyInfo for public keys

	// Only for public keys, where set; X.509 certificates have it in Data.
	Subject   string        `vici:"subject"`
	NotBefore Opt[CertTime] `vici:"not-before"` // since 5.4.0
	NotAfter  Opt[CertTime] `vici:"not-after"`  // since 5.4.0
}

// A CertTime is a time in the form in which the daemon prints the validity of public keys.
type CertTime struct{ time.Time }

const certTimeLayout = "20060102150405Z"

// MarshalText returns the time as the daemon prints it, such as "20261122182905Z".
func (t CertTime) MarshalText() ([]byte, error) {
	return t.UTC().AppendFormat(nil, certTimeLayout), nil
}

// UnmarshalText reads what MarshalText returns.
func (t *CertTime) UnmarshalText(text []byte) error {
	v, err := time.Parse(certTimeLayout, string(text))
	if err != nil {
		return fmt.Errorf("not a time of the form YYYYMMDDhhmmssZ: %w", err)
	}
	t.Time = v
	return nil
}

// ListCerts streams the certificates that the daemon knows (command list-certs, since 5.2.0), those of other sources
// than VICI included. What it yields may be kept; the loop is as [Session.Stream] describes it.
//
// For each certificate the daemon looks for a private key, which may reach a hardware token. An item of more than
// 65,535 bytes is left out; a daemon before 5.9.8 crashes on it, so ask that one with a type that has no such items.
func (s *Session) ListCerts(ctx context.Context, request ListCertsRequest) iter.Seq2[*Cert, error] {
	return streamMessages(ctx, s, "list-certs", "list-cert", request, func(m *Message, c *Cert) error {
		return lenient(s.trace).Unmarshal(m, c)
	})
}
