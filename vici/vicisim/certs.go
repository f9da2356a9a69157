// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

const day = 24 * time.Hour

// Names that connections and certificates share.
const (
	caSubject      = "C=CH, O=Example, CN=Example Root CA"
	gatewaySubject = "C=CH, O=Example, CN=gateway.example.org"
)

// An issuer makes the throw-away certificates of a demonstration.
type issuer struct {
	now  time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// loadCertificates gives the daemon certificates that end at different times, a revocation
// list and an authority.
func loadCertificates(d *vicitest.Daemon, now time.Time) error {
	ca, err := newIssuer(now)
	if err != nil {
		return err
	}
	own := []struct {
		name     string
		validFor time.Duration
		private  bool
	}{
		{"gateway.example.org", 300 * day, true},
		{"old-gateway.example.org", 5 * day, true},
		{"branch-berlin.example.org", 20 * day, false},
		{"branch-madrid.example.org", -2 * day, false},
	}
	for _, c := range own {
		der, err := ca.issue(c.name, c.validFor)
		if err != nil {
			return err
		}
		d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "NONE", HasPrivkey: c.private, Data: der})
	}
	crl, err := ca.revocationList()
	if err != nil {
		return err
	}
	d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "CA", Data: ca.cert.Raw, Subject: caSubject})
	d.AddCertificate(vicitest.Certificate{Type: "X509_CRL", Data: crl})
	d.AddCertificate(vicitest.Certificate{Type: "PUBKEY", Data: ca.cert.RawSubjectPublicKeyInfo, Subject: "keys.example.org"})
	d.LoadAuthority(vicitest.Authority{
		Name: "example-ca", CACert: caSubject,
		CRLURIs: []string{"http://crl.example.org/root.crl"}, OCSPURIs: []string{"http://ocsp.example.org/"},
	})
	return nil
}

func newIssuer(now time.Time) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject("Example Root CA"),
		NotBefore: now.Add(-365 * day), NotAfter: now.Add(9 * 365 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &issuer{now: now, cert: cert, key: key, next: 2}, err
}

func subject(name string) pkix.Name {
	return pkix.Name{Country: []string{"CH"}, Organization: []string{"Example"}, CommonName: name}
}

func (i *issuer) issue(name string, validFor time.Duration) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(i.next), Subject: subject(name), DNSNames: []string{name},
		NotBefore: i.now.Add(-65 * day), NotAfter: i.now.Add(validFor),
	}
	i.next++
	return x509.CreateCertificate(rand.Reader, template, i.cert, i.key.Public(), i.key)
}

func (i *issuer) revocationList() ([]byte, error) {
	return x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(7), ThisUpdate: i.now.Add(-5 * day), NextUpdate: i.now.Add(2 * day),
	}, i.cert, i.key)
}
