// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

const day = 24 * time.Hour

// Names that connections and certificates share.
const (
	caSubject      = "C=CH, O=Example, CN=Example Root CA"
	gatewaySubject = "C=CH, O=Example, CN=gateway.example.org"
)

// loadCredentials gives the daemon certificates of its own, of which one was forgotten, a CA, a peer's, and what tells
// of their revocation.
func (g *gateway) loadCredentials(now time.Time) error {
	ca, key, err := newCA(now)
	if err != nil {
		return err
	}
	g.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "CA", Data: ca.Raw, Subject: caSubject})
	for i, c := range []struct {
		name string
		left time.Duration
		own  bool
	}{
		{"gateway.example.org", 210 * day, true},
		{"old-" + g.instance + ".example.org", 5 * day, true},
		{"peer.example.org", 40 * day, false},
	} {
		template := certificate(c.name, int64(i+2), now.Add(-155*day), now.Add(c.left))
		der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), key)
		if err != nil {
			return err
		}
		g.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "NONE", HasPrivkey: c.own, Data: der})
	}
	g.LoadAuthority(vicitest.Authority{
		Name: "example-ca", CACert: caSubject,
		CRLURIs: []string{"http://crl.example.org/root.crl"}, OCSPURIs: []string{"http://ocsp.example.org/"},
	})
	return g.loadRevocation(now, ca, key)
}

func newCA(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificate("Example Root CA", 1, now.Add(-400*day), now.Add(3000*day))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// loadRevocation gives the daemon a CRL and an OCSP response.
func (g *gateway) loadRevocation(now time.Time, ca *x509.Certificate, key *ecdsa.PrivateKey) error {
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(7), ThisUpdate: now.Add(-5 * day), NextUpdate: now.Add(2 * day),
	}, ca, key)
	if err != nil {
		return err
	}
	response, err := ocsp.CreateResponse(ca, ca, ocsp.Response{
		Status: ocsp.Good, SerialNumber: big.NewInt(2), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(day),
	}, key)
	if err != nil {
		return err
	}
	g.AddCertificate(vicitest.Certificate{Type: "X509_CRL", Data: crl})
	g.AddCertificate(vicitest.Certificate{Type: "OCSP_RESPONSE", Data: response})
	return nil
}

func certificate(name string, serial int64, from, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: until,
		Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Example"}, CommonName: name},
	}
}
