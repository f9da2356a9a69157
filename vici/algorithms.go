// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

// Algorithms are the algorithms that the daemon can use. Each map has the daemon's names of algorithms, such as
// "AES_CBC", with the plugin that provides them, such as "openssl". A map is nil where the daemon does not know the
// kind.
type Algorithms struct {
	Encryption map[string]string `vici:"encryption"`
	Integrity  map[string]string `vici:"integrity"`
	AEAD       map[string]string `vici:"aead"`
	Hasher     map[string]string `vici:"hasher"`
	PRF        map[string]string `vici:"prf"`
	XOF        map[string]string `vici:"xof"`  // extendable output functions, since 5.5.1
	KDF        map[string]string `vici:"kdf"`  // key derivation functions, since 5.9.6
	DRBG       map[string]string `vici:"drbg"` // deterministic random bit generators, since 5.8.2

	// KeyExchange has its present name since 6.0.0. What older daemons call "dh" (Diffie-Hellman group) is stored
	// here, too.
	KeyExchange map[string]string `vici:"ke"`

	RNG      map[string]string `vici:"rng"`
	NonceGen map[string]string `vici:"nonce-gen"`

	Extra *Message `vici:",rest"` // kinds that this package does not know; nil if there are none
}

// Algorithms returns the algorithms that the daemon has, with the plugins that provide them (command get-algorithms,
// since 5.4.0).
func (s *Session) Algorithms(ctx context.Context) (Algorithms, error) {
	var answer struct {
		Algorithms
		DH map[string]string `vici:"dh"`
	}
	err := s.callInto(ctx, "get-algorithms", nil, &answer)
	if answer.KeyExchange == nil {
		answer.KeyExchange = answer.DH
	}
	return answer.Algorithms, err
}
