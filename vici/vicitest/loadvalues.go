// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"crypto/x509"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

func port(e vici.Element) (uint16, error) {
	n, err := strconv.ParseUint(e.Value, 0, 16)
	if err != nil {
		return 0, invalidValue(e.Name)
	}
	return uint16(n), nil
}

func number(e vici.Element) (uint64, error) {
	n, err := strconv.ParseUint(e.Value, 0, 64)
	if err != nil {
		return 0, invalidValue(e.Name)
	}
	return n, nil
}

func ikeVersionNumber(e vici.Element) (int, error) {
	v, err := oneOf(e, "0", "1", "2")
	if err != nil {
		return 0, err
	}
	return int(v[0] - '0'), nil
}

// duration reads seconds, or a number with one of strongSwan's units.
func duration(e vici.Element) (time.Duration, error) {
	digits, unit := e.Value, time.Second
	switch {
	case strings.HasSuffix(digits, "s"):
	case strings.HasSuffix(digits, "m"):
		unit = time.Minute
	case strings.HasSuffix(digits, "h"):
		unit = time.Hour
	case strings.HasSuffix(digits, "d"):
		unit = 24 * time.Hour
	}
	n, err := strconv.ParseUint(strings.TrimRight(digits, "smhd"), 10, 32)
	if err != nil {
		return 0, invalidValue(e.Name)
	}
	return time.Duration(n) * unit, nil
}

func flag(e vici.Element) (bool, error) {
	m := new(vici.Message).Add("x", e.Value)
	if boolean(m, "x", false) != boolean(m, "x", true) {
		return false, invalidValue(e.Name)
	}
	return boolean(m, "x", false), nil
}

func oneOf(e vici.Element, allowed ...string) (string, error) {
	if !slices.Contains(allowed, strings.ToLower(e.Value)) {
		return "", invalidValue(e.Name)
	}
	return strings.ToLower(e.Value), nil
}

// action reads what is to happen to a child, old names included.
func action(e vici.Element) (string, error) {
	v, err := oneOf(e, "none", "trap", "start", "clear", "hold", "route", "restart", "trap|start")
	switch v {
	case "clear":
		v = "none"
	case "hold", "route":
		v = "trap"
	case "restart":
		v = "start"
	}
	return v, err
}

// subjects names certificates; what is none is left out.
func subjects(data []string) []string {
	var names []string
	for _, item := range data {
		if cert, err := x509.ParseCertificate(decodePEM([]byte(item))); err == nil {
			names = append(names, cert.Subject.String())
		}
	}
	return names
}

// What a proposal is for.
type proposalKind int

const (
	ikeProposal proposalKind = iota
	espProposal
	ahProposal
)

// readProposals reads strongSwan's notation, such as aes256-sha256-x25519.
func readProposals(list []string, kind proposalKind) ([]Proposal, error) {
	var proposals []Proposal
	for _, s := range list {
		p, ok := readProposal(s, kind)
		if !ok {
			return nil, invalidValue("proposals")
		}
		proposals = append(proposals, p)
	}
	return proposals, nil
}

func readProposal(s string, kind proposalKind) (p Proposal, ok bool) {
	switch {
	case s == "default" && kind == ikeProposal:
		return usualIKE()[0], true
	case s == "default":
		return usualESP()[0], true
	}
	for word := range strings.SplitSeq(s, "-") {
		if !p.add(word) {
			return p, false
		}
	}
	p.AH = kind == ahProposal
	if kind != ikeProposal {
		p.PRF = nil // a CHILD_SA has its keys from the IKE_SA's
	}
	return p, true
}

// add puts an algorithm where it belongs.
func (p *Proposal) add(word string) bool {
	if n, name, ok := strings.Cut(strings.TrimPrefix(word, "ke"), "_"); ok && strings.HasPrefix(word, "ke") {
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > len(p.AKE) || keyExchange(name) == "" {
			return false
		}
		p.AKE[i-1] = append(p.AKE[i-1], keyExchange(name))
		return true
	}
	switch {
	case encryption(word) != "":
		p.Encryption = append(p.Encryption, encryption(word))
	case integrity(word) != "":
		p.Integrity = append(p.Integrity, integrity(word))
		p.PRF = append(p.PRF, prfOf(integrity(word)))
	case strings.HasPrefix(word, "prf") && integrity(word[3:]) != "":
		p.PRF = append(p.PRF, prfOf(integrity(word[3:])))
	case keyExchange(word) != "":
		p.KE = append(p.KE, keyExchange(word))
	case word == "esn":
		p.ESN = append(p.ESN, "EXT_SEQ")
	case word == "noesn":
		p.ESN = append(p.ESN, "NO_EXT_SEQ")
	default:
		return false
	}
	return true
}

func encryption(word string) string {
	switch word {
	case "aes128", "aes192", "aes256":
		return "AES_CBC_" + word[3:]
	case "aes128gcm16", "aes192gcm16", "aes256gcm16", "aes128gcm128", "aes256gcm128":
		return "AES_GCM_16_" + word[3:6]
	case "chacha20poly1305":
		return "CHACHA20_POLY1305"
	case "3des":
		return "3DES_CBC"
	case "null":
		return "NULL"
	}
	return ""
}

func integrity(word string) string {
	switch word {
	case "sha1", "sha":
		return "HMAC_SHA1_96"
	case "sha256", "sha2_256":
		return "HMAC_SHA2_256_128"
	case "sha384", "sha2_384":
		return "HMAC_SHA2_384_192"
	case "sha512", "sha2_512":
		return "HMAC_SHA2_512_256"
	case "md5":
		return "HMAC_MD5_96"
	}
	return ""
}

// prfOf names the pseudo-random function of an integrity algorithm: without its truncation.
func prfOf(integrity string) string {
	return "PRF_" + integrity[:strings.LastIndexByte(integrity, '_')]
}

func keyExchange(word string) string {
	switch word {
	case "x25519", "curve25519":
		return "CURVE_25519"
	case "x448", "curve448":
		return "CURVE_448"
	case "ecp256", "ecp384", "ecp521":
		return "ECP_" + word[3:]
	case "modp1024", "modp1536", "modp2048", "modp3072", "modp4096", "modp6144", "modp8192":
		return "MODP_" + word[4:]
	case "mlkem512", "mlkem768", "mlkem1024":
		return "ML_KEM_" + word[5:]
	}
	return ""
}

// splitKeySize splits the size off an algorithm that has several.
func splitKeySize(name string) (algorithm string, bits int) {
	for _, variable := range []string{"AES_CBC", "AES_CTR", "AES_GCM_16", "AES_CCM_16", "CAMELLIA_CBC"} {
		if size, ok := strings.CutPrefix(name, variable+"_"); ok {
			bits, _ = strconv.Atoi(size) // it stays 0 where there is no size
			return variable, bits
		}
	}
	return name, 0
}
