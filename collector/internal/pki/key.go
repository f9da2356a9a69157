// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/sha1" // key ids are SHA-1 by definition; nothing is secured by it
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A PublicKey is what a bare public key says of itself.
type PublicKey struct {
	ID  string // SHA-1 hash of the whole encoding, as the daemon prints it: "a1:b2:…"
	Key string // type and size, as in [Certificate]
}

// ParsePublicKey reads a SubjectPublicKeyInfo in DER.
func ParsePublicKey(der []byte) (*PublicKey, error) {
	input := cryptobyte.String(der)
	var info cryptobyte.String
	if !input.ReadASN1(&info, asn1.SEQUENCE) {
		return nil, malformed("public key", "not a sequence")
	}
	id := sha1.Sum(der)
	return &PublicKey{ID: pairsOfDigits(id[:]), Key: keyName(info)}, nil
}

// keyName names type and size of a public key, given the inside of its SubjectPublicKeyInfo. A type
// that it does not know is named by its object identifier.
func keyName(info cryptobyte.String) string {
	var algorithm cryptobyte.String
	if !info.ReadASN1(&algorithm, asn1.SEQUENCE) {
		return ""
	}
	oid := readOID(&algorithm)
	switch oid {
	case "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10": // the latter only for PSS
		return sized("RSA", rsaBits(info))
	case "1.2.840.10040.4.1":
		return sized("DSA", dsaBits(algorithm))
	case "1.2.840.10045.2.1":
		return ecName(algorithm)
	}
	return pureName(oid)
}

// pureName names algorithms that have one size and one hash, for keys and signatures alike, and others
// by their object identifier.
func pureName(oid string) string {
	switch oid {
	case "1.3.101.112":
		return "ED25519"
	case "1.3.101.113":
		return "ED448"
	case "2.16.840.1.101.3.4.3.17":
		return "ML_DSA_44"
	case "2.16.840.1.101.3.4.3.18":
		return "ML_DSA_65"
	case "2.16.840.1.101.3.4.3.19":
		return "ML_DSA_87"
	}
	return oid
}

func sized(name string, bits int) string {
	if bits == 0 {
		return name
	}
	return name + "_" + strconv.Itoa(bits)
}

func rsaBits(info cryptobyte.String) int {
	var key []byte
	if !info.ReadASN1BitStringAsBytes(&key) {
		return 0
	}
	var numbers cryptobyte.String
	s := cryptobyte.String(key)
	if !s.ReadASN1(&numbers, asn1.SEQUENCE) {
		return 0
	}
	return integerBits(&numbers)
}

func dsaBits(algorithm cryptobyte.String) int {
	var parameters cryptobyte.String
	if !algorithm.ReadASN1(&parameters, asn1.SEQUENCE) {
		return 0
	}
	return integerBits(&parameters)
}

// integerBits returns the length of the next number, or 0 if there is none.
func integerBits(s *cryptobyte.String) int {
	var n cryptobyte.String
	if !s.ReadASN1(&n, asn1.INTEGER) {
		return 0
	}
	for len(n) > 0 && n[0] == 0 {
		n = n[1:]
	}
	if len(n) == 0 {
		return 0
	}
	return 8*(len(n)-1) + bits.Len8(n[0])
}

// ecName names an elliptic curve key by its curve. Curves may also be spelled out; such a key is
// just an ECDSA key.
func ecName(algorithm cryptobyte.String) string {
	curve := readOID(&algorithm)
	if curve == "" {
		return "ECDSA"
	}
	if n, ok := strings.CutPrefix(curve, "1.3.36.3.3.2.8.1.1."); ok {
		if name := brainpoolName(n); name != "" {
			return "ECDSA_" + name
		}
	}
	switch curve {
	case "1.2.840.10045.3.1.1":
		curve = "P192"
	case "1.3.132.0.33":
		curve = "P224"
	case "1.2.840.10045.3.1.7":
		curve = "P256"
	case "1.3.132.0.34":
		curve = "P384"
	case "1.3.132.0.35":
		curve = "P521"
	case "1.3.132.0.10":
		curve = "secp256k1"
	}
	return "ECDSA_" + curve
}

// brainpoolName names the curves of RFC 5639, of which there are two of each size.
func brainpoolName(last string) string {
	sizes := [...]string{"P160", "P192", "P224", "P256", "P320", "P384", "P512"}
	n, err := strconv.Atoi(last)
	if err != nil || n < 1 || n > 2*len(sizes) {
		return ""
	}
	kind := [...]string{"r1", "t1"}[(n-1)%2]
	return "brainpool" + sizes[(n-1)/2] + kind
}

// signatureName names a signature algorithm, given the inside of its AlgorithmIdentifier.
func signatureName(algorithm cryptobyte.String) string {
	switch oid := readOID(&algorithm); oid {
	case "1.2.840.113549.1.1.4":
		return "RSA_MD5"
	case "1.2.840.113549.1.1.5":
		return "RSA_SHA1"
	case "1.2.840.113549.1.1.14":
		return "RSA_SHA224"
	case "1.2.840.113549.1.1.11":
		return "RSA_SHA256"
	case "1.2.840.113549.1.1.12":
		return "RSA_SHA384"
	case "1.2.840.113549.1.1.13":
		return "RSA_SHA512"
	case "2.16.840.1.101.3.4.3.14":
		return "RSA_SHA3_256"
	case "2.16.840.1.101.3.4.3.15":
		return "RSA_SHA3_384"
	case "2.16.840.1.101.3.4.3.16":
		return "RSA_SHA3_512"
	case "1.2.840.113549.1.1.10":
		return "RSA_PSS_" + pssHash(algorithm)
	case "1.2.840.10040.4.3":
		return "DSA_SHA1"
	case "2.16.840.1.101.3.4.3.2":
		return "DSA_SHA256"
	default:
		return ecdsaName(oid)
	}
}

func ecdsaName(oid string) string {
	switch oid {
	case "1.2.840.10045.4.1":
		return "ECDSA_SHA1"
	case "1.2.840.10045.4.3.1":
		return "ECDSA_SHA224"
	case "1.2.840.10045.4.3.2":
		return "ECDSA_SHA256"
	case "1.2.840.10045.4.3.3":
		return "ECDSA_SHA384"
	case "1.2.840.10045.4.3.4":
		return "ECDSA_SHA512"
	case "2.16.840.1.101.3.4.3.10":
		return "ECDSA_SHA3_256"
	case "2.16.840.1.101.3.4.3.11":
		return "ECDSA_SHA3_384"
	case "2.16.840.1.101.3.4.3.12":
		return "ECDSA_SHA3_512"
	}
	return pureName(oid)
}

// pssHash names the hash of RSASSA-PSS parameters, which is SHA-1 if they do not say.
func pssHash(algorithm cryptobyte.String) string {
	var parameters, hash cryptobyte.String
	if !algorithm.ReadASN1(&parameters, asn1.SEQUENCE) || !parameters.ReadASN1(&hash, explicit(0)) ||
		!hash.ReadASN1(&hash, asn1.SEQUENCE) {
		return "SHA1"
	}
	switch oid := readOID(&hash); oid {
	case "1.3.14.3.2.26":
		return "SHA1"
	case "2.16.840.1.101.3.4.2.4":
		return "SHA224"
	case "2.16.840.1.101.3.4.2.1":
		return "SHA256"
	case "2.16.840.1.101.3.4.2.2":
		return "SHA384"
	case "2.16.840.1.101.3.4.2.3":
		return "SHA512"
	default:
		return oid
	}
}

// readOID reads an object identifier as text; it is empty if there is none.
func readOID(s *cryptobyte.String) string {
	var oid cryptobyte.String
	if !s.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
		return ""
	}
	return oidText(oid)
}

// maxOID bounds object identifiers, in bytes of the encoding.
const maxOID = 64

// oidText prints an object identifier in the usual form, such as 2.5.4.3. It is empty if the bytes are none, or
// one beyond all reason.
func oidText(oid []byte) string {
	if len(oid) == 0 || len(oid) > maxOID || oid[len(oid)-1]&0x80 != 0 {
		return ""
	}
	var b strings.Builder
	var arc uint64
	for _, c := range oid {
		if arc > 1<<56 {
			return ""
		}
		arc = arc<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if b.Len() == 0 { // the first two arcs share a number
			first := min(arc/40, 2)
			b.WriteString(strconv.FormatUint(first, 10))
			arc -= 40 * first
		}
		b.WriteByte('.')
		b.WriteString(strconv.FormatUint(arc, 10))
		arc = 0
	}
	return b.String()
}
