// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A secret is what swanctl.conf has in its section of secrets.
type secret struct {
	Kind   string // ike or eap
	Name   string
	IDs    []string // none: anybody's
	Secret string
}

// secretsOf returns the shared secrets that a gateway has.
func secretsOf(gateway string) []secret {
	var preshared []secret
	for _, tunnel := range []string{"gw-gw", "gw-v1", "gw-pq", "gw-trap", "gw-odd"} {
		preshared = append(preshared, secret{
			Kind:   "ike",
			Name:   tunnel,
			IDs:    []string{tunnel + ".moon.example", tunnel + ".sun.example"},
			Secret: "preshared-" + tunnel + "-6bafe1c3",
		})
	}
	users := []secret{
		{Kind: "eap", Name: "carol", IDs: []string{"carol"}, Secret: "password-carol-d20f77a8"},
		{Kind: "eap", Name: "dave", IDs: []string{"dave"}, Secret: "password-dave-91c4be05"},
	}
	switch gateway {
	case Moon:
		return append(preshared, users...)
	case Sun:
		return preshared
	default:
		return users
	}
}

// Secrets returns everything that is loaded into moon and must never be seen
// outside of it: pre-shared keys, passwords, and the text of private keys.
func (l *Lab) Secrets() ([]string, error) {
	var all []string
	for _, s := range secretsOf(Moon) {
		all = append(all, s.Secret)
	}
	for _, path := range glob(filepath.Join(l.Moon.dir, "swanctl", "private", "*")) {
		key, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the laboratory's private keys: %w", err)
		}
		all = append(all, keyLines(string(key))...)
	}
	return all, nil
}

// keyLines returns the lines of a PEM file that are long enough not to occur by
// chance elsewhere.
func keyLines(pem string) []string {
	const minLength = 16
	var lines []string
	for line := range strings.SplitSeq(pem, "\n") {
		if len(line) >= minLength && !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	return lines
}

// pkiScript makes a CA, a certificate for each site and a CRL, with the pki of
// the generation. It runs in the tree.
const pkiScript = `
set -e
unset STRONGSWAN_CONF # the daemon's
cd /lab
dn="C=CH, O=Laboratory"
pki --gen --type ecdsa --size 256 --outform pem >ca.key
pki --self --ca --in ca.key --type ecdsa --dn "$dn, CN=Laboratory CA" --lifetime 3650 --outform pem >ca.pem
for name in moon sun; do
	pki --gen --type ecdsa --size 256 --outform pem >$name.key
	pki --issue --in $name.key --type ecdsa --cacert ca.pem --cakey ca.key \
		--dn "$dn, CN=$name.example" --san $name.example --lifetime 365 --outform pem >$name.pem
done
pki --signcrl --cacert ca.pem --cakey ca.key --lifetime 30 --serial 0badc0de --outform pem >lab.crl
`

// oddScript makes certificates that are loaded but not used, to be read by those
// who list them: one with a key on a brainpool curve, one with a negative serial
// number. It needs openssl, which strongSwan's pki cannot stand in for here, and
// runs on the machine, in the directory of the CA.
const oddScript = `
set -e
openssl ecparam -name brainpoolP256r1 -genkey -noout -out brainpool.key
openssl req -new -key brainpool.key -subj "/C=CH/O=Laboratory/CN=brainpool.example" |
	openssl x509 -req -CA ca.pem -CAkey ca.key -set_serial 4711 -days 90 -out brainpool.pem
openssl req -new -key sun.key -subj "/C=CH/O=Laboratory/CN=negative.example" |
	openssl x509 -req -CA ca.pem -CAkey ca.key -set_serial -4711 -days 5 -out negative.pem
`

// makeCertificates makes all certificates anew and gives each gateway its own.
func (l *Lab) makeCertificates(ctx context.Context) error {
	dir := filepath.Join(l.dir, "pki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if _, err := run(ctx, l.tree.enter(ctx, "", dir, "sh", "-c", pkiScript)); err != nil {
		return err
	}
	odd := command(ctx, "sh", "-c", oddScript)
	odd.Dir = dir
	if _, err := run(ctx, odd); err != nil {
		return err
	}
	return l.installCredentials(dir)
}

// installCredentials gives each gateway its files of the CA's directory.
func (l *Lab) installCredentials(dir string) error {
	for _, g := range l.Gateways() {
		for from, to := range credentialFiles(g.Name) {
			if err := copyFile(filepath.Join(dir, from), filepath.Join(g.dir, "swanctl", to, from)); err != nil {
				return err
			}
		}
	}
	return nil
}

// credentialFiles tells where swanctl expects the files that a gateway has.
func credentialFiles(gateway string) map[string]string {
	files := map[string]string{"ca.pem": "x509ca", "lab.crl": "x509crl"}
	if gateway != Carol {
		files[gateway+".pem"] = "x509"
		files[gateway+".key"] = "private"
	}
	if gateway == Moon {
		files["brainpool.pem"] = "x509"
		files["negative.pem"] = "x509"
	}
	return files
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
