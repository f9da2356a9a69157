// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/collector/internal/pki"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// certificatesAge is how old what is known of certificates may be: listing them makes the daemon look for
// each one's private key, on a hardware token perhaps.
const certificatesAge = time.Minute

// certificatesSource gives the certificates, CRLs and OCSP responses that the daemon has. It
// keeps what it was told for a minute, but no longer than the daemon runs.
type certificatesSource struct {
	known  *certificates // nil if nothing is
	asked  time.Time
	uptime vici.Uptime // of the daemon that was asked
}

func (s *certificatesSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	if s.known != nil && (!sameProcess(s.uptime, r.stats.Uptime) || r.now().Sub(s.asked) >= certificatesAge) {
		s.known = nil
	}
	if s.known == nil {
		asked := r.now()
		known, err := listCertificates(ctx, r)
		if err != nil {
			return err
		}
		s.known, s.asked, s.uptime = known, asked, r.stats.Uptime
	}
	s.known.emit(out)
	return nil
}

// certificateTypes returns the types to ask for. Attribute certificates have no metrics. A CRL of
// more than 64 KiB makes daemons before 5.9.8 crash.
func certificateTypes(version string) []string {
	types := []string{vici.CertX509, vici.CertPublicKey}
	if atLeast(version, 5, 9, 8) {
		types = append(types, vici.CertX509CRL)
	}
	return append(types, vici.CertOCSPResponse)
}

func listCertificates(ctx context.Context, r *round) (*certificates, error) {
	known := newCertificates()
	for _, kind := range certificateTypes(r.version.Version) {
		var listed []*vici.Cert
		err := r.query(ctx, "list-certs", func(ctx context.Context, s *vici.Session) error {
			listed = listed[:0]
			for c, err := range s.ListCerts(ctx, vici.ListCertsRequest{Type: kind}) {
				if err != nil {
					return err
				}
				listed = append(listed, c)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, c := range listed {
			if err := known.add(c); err != nil {
				r.requests.reject("data")
			}
		}
	}
	return known, nil
}

// certificates are the label sets and values of all that the daemon listed.
type certificates struct {
	numbers   map[certificateKind]int
	validity  map[certificateName]validity
	infos     map[certificateDetails]bool
	crls      map[string]validity // by issuer
	responses map[string]validity // by responder
}

type certificateKind struct{ kind, flag string }

// A certificateName tells certificates apart; only authorities that break the rules issue two with one serial number.
type certificateName struct{ subject, issuer, serial, flag string }

type certificateDetails struct {
	certificateName

	privateKey, key, signature string
}

// A validity is from when and until when something holds; either may be unknown, which is the zero Time.
type validity struct{ from, until time.Time }

func newCertificates() *certificates {
	return &certificates{
		numbers:   make(map[certificateKind]int),
		validity:  make(map[certificateName]validity),
		infos:     make(map[certificateDetails]bool),
		crls:      make(map[string]validity),
		responses: make(map[string]validity),
	}
}

// add takes what the daemon listed. What cannot be read is counted all the same.
func (k *certificates) add(c *vici.Cert) error {
	k.numbers[certificateKind{labelText(c.Type), labelText(c.Flag)}]++
	switch c.Type {
	case vici.CertX509:
		return k.addX509(c)
	case vici.CertPublicKey:
		return k.addPublicKey(c)
	case vici.CertX509CRL:
		return k.addCRL(c)
	case vici.CertOCSPResponse:
		return k.addOCSPResponse(c)
	}
	return nil
}

func (k *certificates) addX509(c *vici.Cert) error {
	x, err := pki.ParseCertificate(c.Data)
	if err != nil {
		return err
	}
	name := certificateName{labelValue(x.Subject), labelValue(x.Issuer), labelValue(x.Serial), labelText(c.Flag)}
	k.addNamed(name, validity{x.NotBefore, x.NotAfter})
	k.infos[certificateDetails{name, yesNo(c.HasPrivateKey), labelValue(x.Key), labelValue(x.Signature)}] = true
	return nil
}

// addPublicKey takes a bare key. Its subject is its id unless it was given another.
func (k *certificates) addPublicKey(c *vici.Cert) error {
	key, err := pki.ParsePublicKey(c.Data)
	if err != nil {
		return err
	}
	name := certificateName{subject: key.ID}
	if c.Subject != "" {
		name.subject = labelText(c.Subject)
	}
	if c.NotBefore.Present() || c.NotAfter.Present() {
		k.addNamed(name, validity{c.NotBefore.Or(vici.CertTime{}).Time, c.NotAfter.Or(vici.CertTime{}).Time})
	}
	k.infos[certificateDetails{certificateName: name, privateKey: yesNo(c.HasPrivateKey), key: labelValue(key.Key)}] = true
	return nil
}

// addNamed takes a validity. Of certificates that have all labels in common the one counts that is valid longest, since
// the daemon uses whichever is valid: an alert for the other would be a false one.
func (k *certificates) addNamed(name certificateName, v validity) {
	if other, twice := k.validity[name]; !twice || v.until.After(other.until) {
		k.validity[name] = v
	}
}

// addCRL takes a revocation list. A delta CRL does not count, since it is of no use
// without a whole one.
func (k *certificates) addCRL(c *vici.Cert) error {
	crl, err := pki.ParseCRL(c.Data)
	if err != nil || crl.Delta {
		return err
	}
	addNewest(k.crls, labelValue(crl.Issuer), validity{crl.ThisUpdate, crl.NextUpdate})
	return nil
}

func (k *certificates) addOCSPResponse(c *vici.Cert) error {
	response, err := pki.ParseOCSPResponse(c.Data)
	if err != nil {
		return err
	}
	addNewest(k.responses, labelValue(response.Responder), validity{response.ThisUpdate, response.NextUpdate})
	return nil
}

// addNewest takes a list or response unless a newer one of the same origin is known, which has replaced it.
func addNewest(all map[string]validity, origin string, v validity) {
	if other, twice := all[origin]; !twice || v.from.After(other.from) {
		all[origin] = v
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
