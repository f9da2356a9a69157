// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/sha1" // key ids are SHA-1 by definition; nothing is secured by it
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// An OCSPResponse is a basic OCSP response without what it says of each certificate.
type OCSPResponse struct {
	Responder  string // subject of the responder's certificate, or the id of its key in pairs of digits: "a1:b2:…"
	ProducedAt time.Time
	ThisUpdate time.Time // the latest of those that it holds
	NextUpdate time.Time // the earliest; zero if it does not say
}

// Object identifiers of OCSP.
const oidBasicResponse = "1.3.6.1.5.5.7.48.1.1"

// ParseOCSPResponse reads an OCSP response in DER (RFC 6960). One that only tells
// an error is an error here, too.
func ParseOCSPResponse(der []byte) (*OCSPResponse, error) {
	basic, ok := unwrapOCSP(der)
	if !ok {
		return nil, malformed("OCSP response", "no basic response in it")
	}
	var data, certificates, responder, responses cryptobyte.String
	var tag asn1.Tag
	if !basic.ReadASN1(&data, asn1.SEQUENCE) ||
		!data.SkipOptionalASN1(explicit(0)) || // version
		!data.ReadAnyASN1(&responder, &tag) {
		return nil, malformed("OCSP response", "responder")
	}
	if basic.SkipASN1(asn1.SEQUENCE) && basic.SkipASN1(asn1.BIT_STRING) { // algorithm and signature
		_ = basic.ReadASN1(&certificates, explicit(0)) // they are optional
	}
	r := OCSPResponse{Responder: responderText(responder, tag, certificates)}
	if r.ProducedAt, ok = readTime(&data); !ok || !data.ReadASN1(&responses, asn1.SEQUENCE) {
		return nil, malformed("OCSP response", "time of production")
	}
	for !responses.Empty() {
		if !r.add(&responses) {
			return nil, malformed("OCSP response", "status of a certificate")
		}
	}
	return &r, nil
}

func unwrapOCSP(der []byte) (basic cryptobyte.String, ok bool) {
	input := cryptobyte.String(der)
	var response, bytes, octets cryptobyte.String
	ok = input.ReadASN1(&response, asn1.SEQUENCE) &&
		response.SkipASN1(asn1.ENUM) && // status
		response.ReadASN1(&bytes, explicit(0)) &&
		bytes.ReadASN1(&bytes, asn1.SEQUENCE) &&
		readOID(&bytes) == oidBasicResponse &&
		bytes.ReadASN1(&octets, asn1.OCTET_STRING) &&
		octets.ReadASN1(&basic, asn1.SEQUENCE)
	return basic, ok
}

// add takes over the times of the next single response.
func (r *OCSPResponse) add(responses *cryptobyte.String) bool {
	var single, status cryptobyte.String
	var tag asn1.Tag
	if !responses.ReadASN1(&single, asn1.SEQUENCE) ||
		!single.SkipASN1(asn1.SEQUENCE) || // the certificate's id
		!single.ReadAnyASN1(&status, &tag) {
		return false
	}
	this, ok := readTime(&single)
	if !ok {
		return false
	}
	if this.After(r.ThisUpdate) {
		r.ThisUpdate = this
	}
	var next cryptobyte.String
	if !single.PeekASN1Tag(explicit(0)) {
		return true
	}
	if !single.ReadASN1(&next, explicit(0)) {
		return false
	}
	t, ok := readTime(&next)
	if ok && (r.NextUpdate.IsZero() || t.Before(r.NextUpdate)) {
		r.NextUpdate = t
	}
	return ok
}

// responderText names the responder. One that only tells its key's id is looked up among the certificates that
// came along.
func responderText(id cryptobyte.String, tag asn1.Tag, certificates cryptobyte.String) string {
	var name, hash cryptobyte.String
	switch {
	case tag == explicit(1) && id.ReadASN1(&name, asn1.SEQUENCE):
		return nameText(name)
	case tag == explicit(2) && id.ReadASN1(&hash, asn1.OCTET_STRING):
		if subject, ok := subjectOfKey(hash, certificates); ok {
			return subject
		}
		return pairsOfDigits(hash)
	}
	return ""
}

// subjectOfKey returns the subject of the certificate whose public key has that id: the SHA-1
// hash of the bit string.
func subjectOfKey(id, certificates cryptobyte.String) (subject string, ok bool) {
	if !certificates.ReadASN1(&certificates, asn1.SEQUENCE) {
		return "", false
	}
	for {
		var der cryptobyte.String
		if !certificates.ReadASN1Element(&der, asn1.SEQUENCE) {
			return "", false
		}
		if name, key, ok := subjectAndKey(der); ok {
			if sum := sha1.Sum(key); bytes.Equal(sum[:], id) {
				return nameText(name), true
			}
		}
	}
}

// subjectAndKey returns the subject of a certificate and the bits of its public key.
func subjectAndKey(der []byte) (subject cryptobyte.String, key []byte, ok bool) {
	tbs, ok := unwrapSigned(der)
	if !ok {
		return nil, nil, false
	}
	var info cryptobyte.String
	ok = tbs.SkipOptionalASN1(explicit(0)) &&
		tbs.SkipASN1(asn1.INTEGER) &&
		tbs.SkipASN1(asn1.SEQUENCE) &&
		tbs.SkipASN1(asn1.SEQUENCE) &&
		tbs.SkipASN1(asn1.SEQUENCE) &&
		tbs.ReadASN1(&subject, asn1.SEQUENCE) &&
		tbs.ReadASN1(&info, asn1.SEQUENCE) &&
		info.SkipASN1(asn1.SEQUENCE) &&
		info.ReadASN1BitStringAsBytes(&key)
	return subject, key, ok
}
