// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// keyID is the SHA-1 of the public key inside a SubjectPublicKeyInfo.
func keyID(spki []byte) string {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return hex.EncodeToString(sha1Sum(spki))
	}
	return hex.EncodeToString(sha1Sum(info.Key.Bytes))
}

// privateKeyID returns the id of a private key's public one.
func privateKeyID(der []byte) (string, error) {
	public, err := publicKey(der)
	if err != nil {
		return "", err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	return keyID(spki), nil
}

func publicKey(der []byte) (crypto.PublicKey, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := k.(crypto.Signer); ok {
			return signer.Public(), nil
		}
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k.Public(), nil
	}
	k, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, errors.New("parsing private key failed")
	}
	return k.Public(), nil
}

func (d *Daemon) loadKey(request *vici.Message) (*vici.Message, error) {
	kind, ok := text(request, "type")
	if !ok {
		return nil, errors.New("private key type missing")
	}
	known := []string{"rsa", "ecdsa", "any"}
	if d.since(5, 9, 1) {
		known = append(known, "ed25519", "ed448", "dsa")
	}
	if !slices.Contains(known, strings.ToLower(kind)) {
		return nil, errors.New("invalid private key type: " + kind)
	}
	data, ok := request.Value("data")
	if !ok {
		return nil, errors.New("private key data missing")
	}
	id, err := privateKeyID(decodePEM([]byte(data)))
	if err != nil {
		return nil, err
	}
	d.addKey(id)
	return d.loaded(id), nil
}

// loaded is the answer that names what was loaded, which came with 5.5.3.
func (d *Daemon) loaded(id string) *vici.Message {
	if !d.since(5, 5, 3) {
		return success()
	}
	return success().Add("id", id)
}

func (d *Daemon) addKey(id string) {
	if !slices.Contains(d.keys, id) {
		d.keys = append([]string{id}, d.keys...) // newest first
	}
}

// loadToken makes up a key, since there is no token.
func (d *Daemon) loadToken(request *vici.Message) (*vici.Message, error) {
	handle, ok := text(request, "handle")
	if !ok {
		return nil, errors.New("keyid missing")
	}
	if _, err := hex.DecodeString(handle); err != nil {
		return nil, errors.New("invalid keyid: " + handle)
	}
	id := hex.EncodeToString(sha1Sum([]byte(handle)))
	d.addKey(id)
	return d.loaded(id), nil
}

func (d *Daemon) unloadKey(request *vici.Message) (*vici.Message, error) {
	id, ok := text(request, "id")
	if !ok {
		return nil, errors.New("key id missing")
	}
	i := slices.Index(d.keys, strings.ToLower(id))
	if i < 0 {
		return nil, errors.New("key not found")
	}
	d.keys = slices.Delete(d.keys, i, i+1)
	return success(), nil
}

func (d *Daemon) getKeys(*vici.Message) (*vici.Message, error) {
	return new(vici.Message).AddList("keys", d.keys...), nil
}

func (d *Daemon) loadShared(request *vici.Message) (*vici.Message, error) {
	kind, ok := text(request, "type")
	if !ok {
		return nil, errors.New("shared key type missing")
	}
	known := []string{"ike", "eap", "xauth"}
	if d.since(5, 5, 2) {
		known = append(known, "ntlm")
	}
	if d.since(5, 7, 0) {
		known = append(known, "ppk")
	}
	if !slices.Contains(known, strings.ToLower(kind)) {
		return nil, fmt.Errorf("invalid shared key type: %s", kind)
	}
	if _, ok := request.Value("data"); !ok {
		return nil, errors.New("shared key data missing")
	}
	if id, ok := text(request, "id"); ok && d.since(5, 5, 2) {
		d.shared = slices.DeleteFunc(d.shared, func(s string) bool { return s == id })
		d.shared = append([]string{id}, d.shared...) // newest first
	}
	return success(), nil
}

func (d *Daemon) unloadShared(request *vici.Message) (*vici.Message, error) {
	id, ok := text(request, "id")
	if !ok {
		return nil, errors.New("unique identifier missing")
	}
	d.shared = slices.DeleteFunc(d.shared, func(s string) bool { return s == id })
	return success(), nil
}

func (d *Daemon) getShared(*vici.Message) (*vici.Message, error) {
	return new(vici.Message).AddList("keys", d.shared...), nil
}

// clearCreds forgets certificates, private keys and secrets. Authorities stay.
func (d *Daemon) clearCreds(*vici.Message) (*vici.Message, error) {
	d.certs, d.keys, d.shared = nil, nil, nil
	return success(), nil
}
