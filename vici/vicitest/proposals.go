// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"slices"
	"strconv"
	"strings"
)

// What a proposal is for.
type proposalKind int

const (
	ikeProposal proposalKind = iota
	espProposal
	ahProposal
)

// readProposal reads strongSwan's notation, such as aes256-sha256-x25519.
func (d dialect) readProposal(s string, kind proposalKind) (Proposal, bool) {
	if strings.EqualFold(s, "default") {
		return defaultProposal(kind), true
	}
	r := proposalReader{dialect: d, kind: kind, words: algorithmWords()}
	for name := range strings.SplitSeq(s, "-") {
		if name != "" && !r.add(name) {
			return Proposal{}, false
		}
	}
	return r.proposal, r.settle()
}

func defaultProposal(kind proposalKind) Proposal {
	switch kind {
	case ikeProposal:
		return usualIKE()[0]
	case espProposal:
		return usualESP()[0]
	default:
		return Proposal{Integrity: []string{"HMAC_SHA2_256_128"}, ESN: []string{"NO_EXT_SEQ"}, AH: true}
	}
}

// A proposalReader collects the algorithms of a proposal.
type proposalReader struct {
	dialect

	kind     proposalKind
	words    map[string]word
	proposal Proposal
	ciphers  int      // that need an integrity algorithm
	aeads    int      // that need none
	prfs     []string // of the integrity algorithms
}

// add puts an algorithm where it belongs.
func (r *proposalReader) add(name string) bool {
	if rest, ok := strings.CutPrefix(name, "ke"); ok {
		return r.addAdditional(rest)
	}
	a, ok := r.word(name)
	if !ok {
		return false
	}
	p := &r.proposal
	switch a.kind {
	case cipher:
		r.ciphers++
		p.Encryption = append(p.Encryption, a.name)
	case aead:
		r.aeads++
		p.Encryption = append(p.Encryption, a.name)
	case gmac:
		r.aeads++
		p.Encryption = append(p.Encryption, "NULL_AES_GMAC_"+a.name)
		if r.kind == ahProposal {
			p.Integrity = append(p.Integrity, "AES_"+a.name+"_GMAC")
		}
	case integrity:
		p.Integrity = append(p.Integrity, a.name)
		if a.prf != "" {
			r.prfs = append(r.prfs, a.prf)
		}
	case prf:
		p.PRF = append(p.PRF, a.name)
	case keyExchange:
		if a.name != noKeyExchange || r.kind != ikeProposal {
			p.KE = append(p.KE, a.name)
		}
	case sequence:
		p.ESN = append(p.ESN, a.name)
	}
	return true
}

// addAdditional adds an additional key exchange, such as the 1_mlkem768 of ke1_mlkem768.
func (r *proposalReader) addAdditional(text string) bool {
	n, name, _ := strings.Cut(text, "_")
	i, err := strconv.Atoi(n)
	a, ok := r.word(name)
	if err != nil || i < 1 || i > len(r.proposal.AKE) || !ok || a.kind != keyExchange || !r.since(6, 0, 0) {
		return false
	}
	r.proposal.AKE[i-1] = append(r.proposal.AKE[i-1], a.name)
	return true
}

func (r *proposalReader) word(name string) (word, bool) {
	a, ok := r.words[name]
	return a, ok && r.release >= a.since && (a.until == 0 || r.release < a.until)
}

// settle completes the proposal, leaves out what it cannot need, and tells whether it has all that it must.
func (r *proposalReader) settle() bool {
	p := &r.proposal
	p.AH = r.kind == ahProposal
	if p.AH {
		p.Encryption, p.PRF = nil, nil
		r.setSequences()
		return len(p.Integrity) > 0
	}
	if len(p.Encryption) == 0 || r.ciphers > 0 && r.aeads > 0 {
		return false
	}
	if r.aeads > 0 {
		p.Integrity = nil
	}
	if r.kind == espProposal {
		p.PRF = nil // a CHILD_SA has its keys from the IKE_SA's
		r.setSequences()
		return true
	}
	if len(p.PRF) == 0 {
		p.PRF = r.prfs
	}
	return len(p.PRF) > 0 && len(p.KE) > 0 && (r.aeads > 0 || len(p.Integrity) > 0)
}

// setSequences adds what a CHILD_SA has that says nothing of extended sequence numbers.
func (r *proposalReader) setSequences() {
	if len(r.proposal.ESN) == 0 {
		r.proposal.ESN = []string{"NO_EXT_SEQ"}
	}
}

// splitKeySize splits the size off an algorithm that has several.
func splitKeySize(name string) (algorithm string, bits int) {
	i := strings.LastIndexByte(name, '_')
	if i < 0 || slices.Contains([]string{"CHACHA20_POLY1305", "3DES_CBC"}, name) {
		return name, 0
	}
	bits, err := strconv.Atoi(name[i+1:])
	if err != nil || bits < 128 { // not a size, but of a tag
		return name, 0
	}
	return name[:i], bits
}
