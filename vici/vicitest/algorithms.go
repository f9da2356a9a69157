// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import "github.com/strongswan-exporter/strongswan_exporter/vici"

// algorithmGroups are what get-algorithms lists, by the release that brought the group.
var algorithmGroups = [...]struct {
	name, plugin string
	since        int
	algorithms   []string
}{
	{"encryption", "openssl", 0, []string{"AES_CBC", "AES_CTR", "AES_ECB", "CAMELLIA_CBC", "CAMELLIA_CTR", "3DES_CBC", "NULL"}},
	{"integrity", "openssl", 0, []string{
		"HMAC_MD5_96", "HMAC_SHA1_96", "HMAC_SHA1_160", "HMAC_SHA2_256_128", "HMAC_SHA2_384_192", "HMAC_SHA2_512_256",
	}},
	{"aead", "openssl", 0, []string{"AES_GCM_8", "AES_GCM_12", "AES_GCM_16", "AES_CCM_16", "CHACHA20_POLY1305"}},
	{"hasher", "openssl", 0, []string{"HASH_SHA1", "HASH_MD5", "HASH_SHA2_256", "HASH_SHA2_384", "HASH_SHA2_512", "HASH_SHA3_256"}},
	{"prf", "openssl", 0, []string{"PRF_KEYED_SHA1", "PRF_HMAC_SHA1", "PRF_HMAC_SHA2_256", "PRF_HMAC_SHA2_384", "PRF_HMAC_SHA2_512"}},
	{"xof", "openssl", release(5, 5, 1), []string{"XOF_SHAKE128", "XOF_SHAKE256"}},
	{"kdf", "kdf", release(5, 9, 6), []string{"KDF_PRF", "KDF_PRF_PLUS"}},
	{"drbg", "", release(5, 8, 2), nil},
	{"ke", "openssl", 0, []string{
		"CURVE_25519", "CURVE_448", "ECP_256", "ECP_384", "ECP_521", "MODP_2048", "MODP_3072", "MODP_4096",
	}},
	{"rng", "random", 0, []string{"RNG_WEAK", "RNG_STRONG", "RNG_TRUE"}},
	{"nonce-gen", "nonce", 0, []string{"NONCE_GEN"}},
}

func (d *Daemon) getAlgorithms(*Call) (*vici.Message, error) {
	m := new(vici.Message)
	for _, g := range &algorithmGroups {
		if d.release < g.since {
			continue
		}
		section := new(vici.Message)
		for _, name := range g.algorithms {
			section.Add(name, g.plugin)
		}
		name := g.name
		if name == "ke" {
			name = d.keyExchanges(section)
		}
		m.AddSection(name, section)
	}
	return m, nil
}

// keyExchanges adds the post-quantum ones and returns the group's name, which changed with them.
func (d *Daemon) keyExchanges(section *vici.Message) string {
	if !d.since(6, 0, 0) {
		return "dh"
	}
	section.Add("ML_KEM_512", "ml").Add("ML_KEM_768", "ml").Add("ML_KEM_1024", "ml")
	return "ke"
}
