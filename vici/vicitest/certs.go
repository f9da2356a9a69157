// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A Certificate is an item that list-certs tells of.
type Certificate struct {
	Type       string // X509, X509_AC, X509_CRL, OCSP_RESPONSE or PUBKEY
	Flag       string // of X509: NONE, CA, AA or OCSP
	HasPrivkey bool
	Data       []byte // DER
	Subject    string // the full name that the filter "subject" matches; shown only for PUBKEY

	NotBefore, NotAfter time.Time // shown for PUBKEY

	key string // id of an X.509 certificate's key
}

// AddCertificate puts a certificate into the daemon.
func (d *Daemon) AddCertificate(c Certificate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addCert(c)
}

// addCert adds a certificate and learns which private key it would go with.
func (d *Daemon) addCert(c Certificate) {
	if parsed, err := x509.ParseCertificate(c.Data); err == nil {
		c.key = keyID(parsed.RawSubjectPublicKeyInfo)
	}
	d.certs = append(d.certs, c)
}

var (
	certTypes = [...]string{"PUBKEY", "X509", "X509_AC", "X509_CRL", "OCSP_RESPONSE"} // in the order of listings
	certFlags = [...]string{"NONE", "CA", "AA", "OCSP"}
)

// certKind reads type and flag of a request, the old one-word types included. False means that
// nothing is of that kind.
func certKind(m *vici.Message) (kind, flag string, ok bool) {
	kind, flag = "ANY", "ANY"
	if v, given := text(m, "type"); given {
		kind = strings.ToUpper(v)
	}
	if v, given := text(m, "flag"); given {
		flag = strings.ToUpper(v)
	}
	if kind == "X509" && !present(m, "flag") {
		flag = "ANY"
	}
	switch kind {
	case "X509CA":
		kind, flag = "X509", "CA"
	case "X509OCSP":
		kind, flag = "X509", "OCSP"
	case "X509AA":
		kind, flag = "X509", "AA"
	case "X509AC":
		kind = "X509_AC"
	case "X509CRL":
		kind = "X509_CRL"
	}
	ok = (kind == "ANY" || slices.Contains(certTypes[:], kind)) && (flag == "ANY" || slices.Contains(certFlags[:], flag))
	return kind, flag, ok
}

func (c *Certificate) matches(kind, flag, subject string) bool {
	return (kind == "ANY" || c.Type == kind) &&
		(flag == "ANY" || c.Type != "X509" || c.Flag == flag) &&
		(subject == "" || c.Subject == subject)
}

// listCerts streams certificates; a wrong type or flag is an empty listing.
func (d *Daemon) listCerts(c *Call) (*vici.Message, error) {
	kind, flag, ok := certKind(c.Request)
	if !ok {
		return nil, nil //nolint:nilnil // the empty answer
	}
	subject, _ := text(c.Request, "subject")
	d.mu.Lock()
	certs := slices.Clone(d.certs)
	for i := range certs {
		certs[i].HasPrivkey = certs[i].HasPrivkey || slices.Contains(d.keys, certs[i].key)
	}
	d.mu.Unlock()
	slices.SortStableFunc(certs, func(a, b Certificate) int { return a.rank() - b.rank() })
	for i := range certs {
		if !certs[i].matches(kind, flag, subject) {
			continue
		}
		if err := c.EventMessage("list-cert", d.certMessage(&certs[i])); err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // the empty answer
}

// rank is a certificate's place in listings.
func (c *Certificate) rank() int {
	return slices.Index(certTypes[:], c.Type)*len(certFlags) + max(0, slices.Index(certFlags[:], c.Flag))
}

func (d *Daemon) certMessage(c *Certificate) *vici.Message {
	m := new(vici.Message).Add("type", c.Type)
	if c.Type == "X509" && d.since(5, 4, 0) {
		m.Add("flag", cmp.Or(c.Flag, "NONE"))
	}
	if c.HasPrivkey {
		m.Add("has_privkey", "yes")
	}
	m.Add("data", string(c.Data))
	if c.Type != "PUBKEY" {
		return m
	}
	if c.Subject != "" {
		m.Add("subject", c.Subject)
	}
	if d.since(5, 4, 0) {
		addTime(m, "not-before", c.NotBefore)
		addTime(m, "not-after", c.NotAfter)
	}
	return m
}

func addTime(m *vici.Message, key string, t time.Time) {
	if !t.IsZero() {
		m.Add(key, t.UTC().Format("20060102150405Z"))
	}
}

// loadCert takes PEM or DER. X.509 certificates are parsed as far as Go knows their keys.
func (d *Daemon) loadCert(request *vici.Message) (*vici.Message, error) {
	kind, flag, ok := certKind(request)
	if !ok || kind == "ANY" {
		return nil, errors.New("invalid certificate type requested")
	}
	data, ok := request.Value("data")
	if !ok || data == "" {
		return nil, errors.New("missing certificate data")
	}
	if flag == "ANY" {
		flag = "NONE"
	}
	cert := Certificate{Type: kind, Flag: flag, Data: decodePEM([]byte(data))}
	if kind == "X509" {
		parsed, err := x509.ParseCertificate(cert.Data)
		if err != nil {
			return nil, errors.New("parsing X509 certificate failed")
		}
		if flag == "CA" && !parsed.IsCA {
			return nil, errors.New("certificate without CA flag cannot be loaded as a CA certificate")
		}
		if parsed.IsCA {
			cert.Flag = "CA"
		}
		cert.Subject = parsed.Subject.String()
	}
	d.addCert(cert)
	return success(), nil
}

func decodePEM(data []byte) []byte {
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes
	}
	return data
}

func (d *Daemon) flushCerts(request *vici.Message) (*vici.Message, error) {
	kind, _, ok := certKind(request)
	if !ok {
		return nil, errors.New("invalid certificate type")
	}
	cached := []string{"X509_CRL", "OCSP_RESPONSE"}
	d.certs = slices.DeleteFunc(d.certs, func(c Certificate) bool {
		return slices.Contains(cached, c.Type) && c.matches(kind, "ANY", "")
	})
	return success(), nil
}

// sha1Sum is how charon makes ids of keys, by their definition and not for security.
func sha1Sum(data []byte) []byte {
	sum := sha1.Sum(data)
	return sum[:]
}
