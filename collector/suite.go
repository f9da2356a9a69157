// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"strconv"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An ikeKind is what IKE_SAs are counted by.
type ikeKind struct{ version, state string }

// label adds to the labels of a connection. Pairs come from a cache.
func (k *ikeKind) label(base Labels, pair makePair) Labels {
	return base.with(pair("version", k.version), pair("state", k.state))
}

func labelIKEKind(k ikeKind) ikeKind {
	return ikeKind{version: labelText(k.version), state: labelText(k.state)}
}

// A childKind is what CHILD_SAs are counted by.
type childKind struct{ mode, protocol, state string }

// label adds to the labels of a child.
func (k *childKind) label(base Labels, pair makePair) Labels {
	return base.with(pair("mode", k.mode), pair("protocol", k.protocol), pair("state", k.state))
}

func labelChildKind(k childKind) childKind {
	return childKind{mode: labelText(k.mode), protocol: labelText(k.protocol), state: labelText(k.state)}
}

// A rawSuite is a negotiated proposal with the rest of what its label set tells.
type rawSuite struct {
	vici.Suite
	protocol string // of a CHILD_SA
	flag     bool   // ppk of an IKE_SA, esn of a CHILD_SA
}

// A suite is the label set of a proposal.
type suite struct{ encryption, integrity, prf, keyExchange, protocol, flag string }

// labelIKE adds to the labels of a connection.
func (s *suite) labelIKE(base Labels, pair makePair) Labels {
	return base.with(pair("encryption", s.encryption), pair("integrity", s.integrity), pair("prf", s.prf),
		pair("key_exchange", s.keyExchange), pair("ppk", s.flag))
}

// labelChild adds to the labels of a child.
func (s *suite) labelChild(base Labels, pair makePair) Labels {
	return base.with(pair("protocol", s.protocol), pair("encryption", s.encryption), pair("integrity", s.integrity),
		pair("key_exchange", s.keyExchange), pair("esn", s.flag))
}

func labelSuite(r rawSuite) suite {
	flag := "no"
	if r.flag {
		flag = "yes"
	}
	return suite{
		encryption:  algorithm(r.Encryption, r.EncryptionBits),
		integrity:   algorithm(r.Integrity, r.IntegrityBits),
		prf:         labelText(r.PRF),
		keyExchange: keyExchange(&r.Suite),
		protocol:    labelText(r.protocol),
		flag:        flag,
	}
}

// algorithm joins name and key size, as in AES_CBC_256.
func algorithm(name string, bits vici.Opt[uint32]) string {
	if n, ok := bits.Get(); ok {
		name += "_" + strconv.FormatUint(uint64(n), 10)
	}
	return labelText(name)
}

// keyExchange joins all key exchanges, as in CURVE_25519+ML_KEM_768.
func keyExchange(s *vici.Suite) string {
	names := make([]string, 0, 1+len(s.AdditionalKE))
	for _, name := range append([]string{s.KeyExchange}, s.AdditionalKE[:]...) {
		if name != "" {
			names = append(names, name)
		}
	}
	return labelText(strings.Join(names, "+"))
}

// labelText is labelValue in memory of its own: what the daemon sent is
// part of a piece of memory for many strings, which a label that is kept must not keep too.
func labelText(s string) string { return strings.Clone(labelValue(s)) }
