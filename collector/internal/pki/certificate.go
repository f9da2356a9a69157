// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package pki reads from certificates, revocation lists and OCSP responses what a monitoring system wants to know of
// them: names, serial numbers, times and algorithms. It verifies nothing.
//
// It exists because crypto/x509 refuses what an IKE daemon works with every day: keys on brainpool curves,
// Ed448, negative serial numbers. What this package does not understand it leaves empty or gives as
// an object identifier; an error means that names or times cannot be found.
package pki

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrMalformed is the error for bytes that are not what they should be.
var ErrMalformed = errors.New("malformed")

func malformed(what, part string) error { return fmt.Errorf("%w %s: %s", ErrMalformed, what, part) }

// A Certificate is what an X.509 certificate says of itself.
type Certificate struct {
	Subject   string // as the daemon prints names: "C=CH, O=Org, CN=name"
	Issuer    string // likewise
	Serial    string // lower-case hexadecimal digits, in pairs, after a minus sign if negative
	NotBefore time.Time
	NotAfter  time.Time
	Key       string // type and size of the public key, such as RSA_2048; empty if not understood
	Signature string // algorithm of the issuer's signature, such as ECDSA_SHA256; empty if not understood
}

// ParseCertificate reads a certificate in DER.
func ParseCertificate(der []byte) (*Certificate, error) {
	tbs, ok := unwrapSigned(der)
	if !ok {
		return nil, malformed("certificate", "not a sequence")
	}
	var c Certificate
	var serial, signature, issuer, validity, subject cryptobyte.String
	if !tbs.SkipOptionalASN1(explicit(0)) || // version
		!tbs.ReadASN1(&serial, asn1.INTEGER) ||
		!tbs.ReadASN1(&signature, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&issuer, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&validity, asn1.SEQUENCE) {
		return nil, malformed("certificate", "serial number, issuer or validity")
	}
	if c.NotBefore, ok = readTime(&validity); !ok {
		return nil, malformed("certificate", "begin of validity")
	}
	if c.NotAfter, ok = readTime(&validity); !ok {
		return nil, malformed("certificate", "end of validity")
	}
	if !tbs.ReadASN1(&subject, asn1.SEQUENCE) {
		return nil, malformed("certificate", "subject")
	}
	c.Serial = serialText(serial)
	c.Issuer = nameText(issuer)
	c.Subject = nameText(subject)
	c.Signature = signatureName(signature)
	var key cryptobyte.String
	if tbs.ReadASN1(&key, asn1.SEQUENCE) {
		c.Key = keyName(key)
	}
	return &c, nil
}

// A CRL is a certificate revocation list without its entries.
type CRL struct {
	Issuer     string
	ThisUpdate time.Time
	NextUpdate time.Time // zero if it does not say
	Delta      bool      // it only holds changes to another list
}

// ParseCRL reads a revocation list in DER.
func ParseCRL(der []byte) (*CRL, error) {
	tbs, ok := unwrapSigned(der)
	if !ok {
		return nil, malformed("CRL", "not a sequence")
	}
	var c CRL
	var issuer cryptobyte.String
	if !tbs.SkipOptionalASN1(asn1.INTEGER) || // version
		!tbs.SkipASN1(asn1.SEQUENCE) || // signature algorithm
		!tbs.ReadASN1(&issuer, asn1.SEQUENCE) {
		return nil, malformed("CRL", "issuer")
	}
	c.Issuer = nameText(issuer)
	if c.ThisUpdate, ok = readTime(&tbs); !ok {
		return nil, malformed("CRL", "time of issue")
	}
	if isTime(tbs) {
		if c.NextUpdate, ok = readTime(&tbs); !ok {
			return nil, malformed("CRL", "time of the next issue")
		}
	}
	c.Delta = isDelta(tbs)
	return &c, nil
}

// isDelta looks for the extension that marks a delta CRL behind the times.
func isDelta(tbs cryptobyte.String) bool {
	var extensions cryptobyte.String
	if !tbs.SkipOptionalASN1(asn1.SEQUENCE) || !tbs.ReadASN1(&extensions, explicit(0)) ||
		!extensions.ReadASN1(&extensions, asn1.SEQUENCE) {
		return false
	}
	for !extensions.Empty() {
		var extension cryptobyte.String
		if !extensions.ReadASN1(&extension, asn1.SEQUENCE) {
			return false
		}
		if readOID(&extension) == oidDeltaCRLIndicator {
			return true
		}
	}
	return false
}

const oidDeltaCRLIndicator = "2.5.29.27"

// unwrapSigned returns the inside of what is signed in a sequence of that, algorithm and signature.
func unwrapSigned(der []byte) (tbs cryptobyte.String, ok bool) {
	input := cryptobyte.String(der)
	var signed cryptobyte.String
	ok = input.ReadASN1(&signed, asn1.SEQUENCE) && signed.ReadASN1(&tbs, asn1.SEQUENCE)
	return tbs, ok
}

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
