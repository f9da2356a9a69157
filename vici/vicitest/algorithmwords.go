// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"strconv"
	"strings"
)

// A word of a proposal is an algorithm of some kind.
type word struct {
	kind  wordKind
	name  string // as listings have it
	prf   string // what an integrity algorithm brings for the keys of an IKE_SA
	since int    // the release that brought it
	until int    // the release that took it away; 0: none did
}

// Kinds of algorithms.
type wordKind int

const (
	cipher wordKind = iota
	aead            // a cipher that needs no integrity algorithm
	gmac            // an AEAD cipher that does not encrypt, and with AH an integrity algorithm
	integrity
	prf
	keyExchange
	sequence // extended sequence numbers, or not
)

// algorithmWords returns the words of proposals. Whether a daemon has a plugin for the algorithm is not asked when a
// connection is loaded.
func algorithmWords() map[string]word {
	w := make(map[string]word)
	addCiphers(w)
	addIntegrity(w)
	addKeyExchanges(w)
	w["esn"] = word{kind: sequence, name: "EXT_SEQ"}
	w["noesn"] = word{kind: sequence, name: "NO_EXT_SEQ"}
	return w
}

func addCiphers(w map[string]word) {
	for _, size := range []string{"128", "192", "256"} {
		for _, block := range []struct{ word, name string }{{"aes", "AES"}, {"camellia", "CAMELLIA"}} {
			w[block.word+size] = word{kind: cipher, name: block.name + "_CBC_" + size}
			w[block.word+size+"ctr"] = word{kind: cipher, name: block.name + "_CTR_" + size}
			addTagged(w, block.word+size+"ccm", block.name+"_CCM_", size)
		}
		addTagged(w, "aes"+size+"gcm", "AES_GCM_", size)
		w["aes"+size+"gcm"] = word{kind: aead, name: "AES_GCM_16_" + size, since: release(5, 9, 8)} // 5.9.1 does not know it
		w["aes"+size+"gmac"] = word{kind: gmac, name: size}
		w["blowfish"+size] = word{kind: cipher, name: "BLOWFISH_CBC_" + size}
		w["serpent"+size] = word{kind: cipher, name: "SERPENT_CBC_" + size}
		w["twofish"+size] = word{kind: cipher, name: "TWOFISH_CBC_" + size}
	}
	for _, alias := range []string{"aes", "blowfish", "camellia", "serpent", "twofish"} {
		w[alias] = w[alias+"128"]
	}
	w["null"] = word{kind: cipher, name: "NULL"}
	w["des"] = word{kind: cipher, name: "DES_CBC"}
	w["3des"] = word{kind: cipher, name: "3DES_CBC"}
	w["cast128"] = word{kind: cipher, name: "CAST_CBC_128"}
	w["chacha20poly1305"] = word{kind: aead, name: "CHACHA20_POLY1305"}
	w["chacha20poly1305compat"] = word{kind: aead, name: "CHACHA20_POLY1305_256"}
}

// addTagged adds an AEAD cipher, whose tags have 8, 12 or 16 bytes; the word may have the bits instead.
func addTagged(w map[string]word, prefix, name, size string) {
	for _, tag := range []int{8, 12, 16} {
		algorithm := word{kind: aead, name: name + strconv.Itoa(tag) + "_" + size}
		w[prefix+strconv.Itoa(tag)], w[prefix+strconv.Itoa(8*tag)] = algorithm, algorithm
	}
}

func addIntegrity(w map[string]word) {
	for _, a := range []struct{ words, name, prf string }{
		{"md5", "HMAC_MD5_96", "PRF_HMAC_MD5"},
		{"md5_128", "HMAC_MD5_128", "PRF_HMAC_MD5"},
		{"sha1 sha", "HMAC_SHA1_96", "PRF_HMAC_SHA1"},
		{"sha1_160", "HMAC_SHA1_160", "PRF_HMAC_SHA1"},
		{"sha256 sha2_256", "HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256"},
		{"sha384 sha2_384", "HMAC_SHA2_384_192", "PRF_HMAC_SHA2_384"},
		{"sha512 sha2_512", "HMAC_SHA2_512_256", "PRF_HMAC_SHA2_512"},
		{"sha256_96 sha2_256_96", "HMAC_SHA2_256_96", ""},
		{"aesxcbc", "AES_XCBC_96", "PRF_AES128_XCBC"},
		{"aescmac", "AES_CMAC_96", "PRF_AES128_CMAC"},
		{"camelliaxcbc", "CAMELLIA_XCBC_96", "PRF_CAMELLIA128_XCBC"},
	} {
		list := strings.Fields(a.words)
		for _, name := range list {
			w[name] = word{kind: integrity, name: a.name, prf: a.prf}
		}
		if a.prf != "" && !strings.Contains(list[0], "_") {
			w["prf"+list[0]] = word{kind: prf, name: a.prf}
		}
	}
}

func addKeyExchanges(w map[string]word) {
	for bits := range strings.FieldsSeq("768 1024 1536 2048 3072 4096 6144 8192") {
		w["modp"+bits] = word{kind: keyExchange, name: "MODP_" + bits}
	}
	for bits := range strings.FieldsSeq("192 224 256 384 521") {
		w["ecp"+bits] = word{kind: keyExchange, name: "ECP_" + bits}
	}
	for bits := range strings.FieldsSeq("224 256 384 512") {
		w["ecp"+bits+"bp"] = word{kind: keyExchange, name: "ECP_" + bits + "_BP"}
	}
	for subgroup := range strings.FieldsSeq("1024s160 2048s224 2048s256") {
		w["modp"+subgroup] = word{kind: keyExchange, name: "MODP_" + strings.Replace(subgroup, "s", "_", 1)}
	}
	for bits := range strings.FieldsSeq("25519 448") {
		w["x"+bits] = word{kind: keyExchange, name: "CURVE_" + bits}
		w["curve"+bits] = w["x"+bits]
	}
	for bits := range strings.FieldsSeq("512 768 1024") {
		w["mlkem"+bits] = word{kind: keyExchange, name: "ML_KEM_" + bits, since: release(6, 0, 0)}
	}
	for bits := range strings.FieldsSeq("112 128 192 256") {
		w["ntru"+bits] = word{kind: keyExchange, name: "NTRU_" + bits, until: release(6, 0, 0)}
	}
	w["newhope128"] = word{kind: keyExchange, name: "NEWHOPE_128", until: release(6, 0, 0)}
	w["modpnull"] = word{kind: keyExchange, name: "MODP_NULL"}
	w["modpnone"] = word{kind: keyExchange, name: noKeyExchange}
	w["none"] = word{kind: keyExchange, name: noKeyExchange, since: release(5, 9, 8)} // 5.9.1 does not know it
}

// noKeyExchange stands for none, where it may be left out.
const noKeyExchange = "KE_NONE"
