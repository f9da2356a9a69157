// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// issueScripts make credentials anew, with the keys and names that they have; see pkiScript. They take the name of a gateway,
// and from when to when they are valid.
func issueScripts() map[string]string {
	return map[string]string{
		"certificate": `pki --issue --in $1.key --type ecdsa --cacert ca.pem --cakey ca.key \
		--dn "$dn, CN=$1.example" --san $1.example --not-before "$2" --not-after "$3" --outform pem >new.pem && mv new.pem $1.pem`,
		"ca": `pki --self --ca --in ca.key --type ecdsa --dn "$dn, CN=Laboratory CA" \
		--not-before "$2" --not-after "$3" --outform pem >new.pem && mv new.pem ca.pem`,
		"crl": `pki --signcrl --cacert ca.pem --cakey ca.key --serial 0badc0de \
		--this-update "$2" --next-update "$3" --outform pem >new.pem && mv new.pem lab.crl`,
	}
}

// IssueCertificate makes a new certificate for a gateway, in place of its file. As with all that is issued, the daemon knows of it
// when the caller has loaded it: [Gateway.LoadAll] adds it to what is loaded, swanctl's option --clear replaces that.
func (l *Lab) IssueCertificate(ctx context.Context, g *Gateway, from, to time.Time) error {
	return l.issue(ctx, "certificate", g.Name, from, to)
}

// IssueCA makes a new certificate for the CA's key, in place of all gateways' files.
func (l *Lab) IssueCA(ctx context.Context, from, to time.Time) error {
	return l.issue(ctx, "ca", "", from, to)
}

// IssueCRL makes a new revocation list, in place of all gateways' files. It needs strongSwan 6.
func (l *Lab) IssueCRL(ctx context.Context, from, to time.Time) error {
	return l.issue(ctx, "crl", "", from, to)
}

func (l *Lab) issue(ctx context.Context, what, name string, from, to time.Time) error {
	const script = "set -e\nunset STRONGSWAN_CONF\ncd /lab\ndn='C=CH, O=Laboratory'\n"
	moment := func(at time.Time) string { return at.UTC().Format("02.01.06 15:04:05") } // the trees are in UTC
	dir := filepath.Join(l.dir, "pki")
	if _, err := run(ctx, l.tree.enter(ctx, "", dir, "sh", "-c", script+issueScripts()[what], "issue",
		name, moment(from), moment(to))); err != nil {
		return fmt.Errorf("issuing the %s anew: %w", what, err)
	}
	return l.installCredentials(dir)
}
