// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

// A LoadCertRequest holds a certificate for the daemon.
type LoadCertRequest struct {
	Type string `vici:"type"` // such as [CertX509]
	Flag string `vici:"flag"` // such as [CertFlagCA]; since 5.4.0, and in Type before ("x509ca")
	Data []byte `vici:"data"` // PEM or DER
}

// LoadCert gives the daemon a certificate or revocation list (command load-cert, since 5.2.0). A certificate with the
// CA basic constraint becomes a CA whatever its flag is; the flag without the constraint is refused.
func (s *Session) LoadCert(ctx context.Context, request LoadCertRequest) error {
	return s.callInto(ctx, "load-cert", request, nil)
}

// A LoadKeyRequest holds a private key for the daemon.
type LoadKeyRequest struct {
	Type string `vici:"type"` // "rsa", "ecdsa" or "any"; since 5.9.1 also "ed25519", "ed448" and "dsa"
	Data []byte `vici:"data"` // PEM or DER, not encrypted
}

// LoadKey gives the daemon a private key (command load-key, since 5.2.0) and returns its id, which [Session.KeyIDs]
// describes; it is empty before 5.5.3.
func (s *Session) LoadKey(ctx context.Context, request LoadKeyRequest) (id string, err error) {
	return s.loadID(ctx, "load-key", request)
}

// A LoadTokenRequest says where a private key is that stays on a token.
type LoadTokenRequest struct {
	Handle string      `vici:"handle"` // of the key object (CKA_ID), in hex digits
	Slot   Opt[uint32] `vici:"slot"`   // of the token; absent means any
	Module string      `vici:"module"` // name of the PKCS#11 module; empty means any
	PIN    string      `vici:"pin"`
}

// LoadToken makes the daemon use a private key on a token (command load-token, since 5.5.2) and returns the key's id,
// as [Session.LoadKey] does.
func (s *Session) LoadToken(ctx context.Context, request LoadTokenRequest) (id string, err error) {
	return s.loadID(ctx, "load-token", request)
}

func (s *Session) loadID(ctx context.Context, command string, request any) (string, error) {
	var answer struct {
		ID string `vici:"id"`
	}
	err := s.callInto(ctx, command, request, &answer)
	return answer.ID, err
}

// UnloadKey removes the private key with an id (command unload-key, since 5.5.2).
func (s *Session) UnloadKey(ctx context.Context, id string) error {
	return s.callInto(ctx, "unload-key", byID{Some(id)}, nil)
}

// KeyIDs returns the ids of the private keys that were loaded over VICI (command get-keys, since 5.5.2): the SHA-1
// hash of the public key in 40 hex digits.
func (s *Session) KeyIDs(ctx context.Context) ([]string, error) {
	return s.ids(ctx, "get-keys")
}

// A LoadSharedRequest holds a secret for the daemon that both ends share.
type LoadSharedRequest struct {
	ID   string `vici:"id"`   // under which it can be unloaded and replaced, since 5.5.2
	Type string `vici:"type"` // "ike", "eap", "xauth", "ntlm" (5.5.2) or "ppk" (5.7.0)
	Data []byte `vici:"data"` // the secret as it is

	// Owners are the identities that the secret belongs to; none means any.
	Owners []string `vici:"owners"`
}

// LoadShared gives the daemon a shared secret (command load-shared, since 5.2.0).
func (s *Session) LoadShared(ctx context.Context, request LoadSharedRequest) error {
	return s.callInto(ctx, "load-shared", request, nil)
}

// UnloadShared removes the shared secret with an id (command unload-shared, since 5.5.2). An unknown id is not an
// error.
func (s *Session) UnloadShared(ctx context.Context, id string) error {
	return s.callInto(ctx, "unload-shared", byID{Some(id)}, nil)
}

// SharedIDs returns the ids of the shared secrets that were loaded over VICI with an id (command get-shared, since
// 5.5.2).
func (s *Session) SharedIDs(ctx context.Context) ([]string, error) {
	return s.ids(ctx, "get-shared")
}

// FlushCerts removes certificates, revocation lists and OCSP responses from the daemon's cache (command flush-certs,
// since 5.5.1): those of a type such as [CertX509CRL], or all for an empty one.
func (s *Session) FlushCerts(ctx context.Context, certType string) error {
	request := struct {
		Type string `vici:"type"`
	}{certType}
	return s.callInto(ctx, "flush-certs", request, nil)
}

// ClearCreds removes all certificates, keys and secrets that were loaded over VICI, and flushes the daemon's cache
// (command clear-creds, since 5.2.0).
func (s *Session) ClearCreds(ctx context.Context) error {
	return s.callInto(ctx, "clear-creds", nil, nil)
}

type byID struct {
	ID Opt[string] `vici:"id"` // sent also if empty
}

func (s *Session) ids(ctx context.Context, command string) ([]string, error) {
	var answer struct {
		Keys []string `vici:"keys"`
	}
	err := s.callInto(ctx, command, nil, &answer)
	return answer.Keys, err
}
