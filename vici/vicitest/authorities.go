// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An Authority is a certification authority's configuration.
type Authority struct {
	Name        string
	CACert      string // the subject of its certificate
	CRLURIs     []string
	OCSPURIs    []string
	CertURIBase string
}

// LoadAuthority adds an authority, or replaces the one of that name.
func (d *Daemon) LoadAuthority(a Authority) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.putAuthority(a)
}

func (d *Daemon) putAuthority(a Authority) {
	if i := d.authorityIndex(a.Name); i >= 0 {
		d.authorities[i] = a
		return
	}
	d.authorities = append(d.authorities, a)
}

func (d *Daemon) authorityIndex(name string) int {
	return slices.IndexFunc(d.authorities, func(a Authority) bool { return a.Name == name })
}

func (d *Daemon) listAuthorities(c *Call) (*vici.Message, error) {
	name, named := text(c.Request, "name")
	d.mu.Lock()
	authorities := slices.Clone(d.authorities)
	d.mu.Unlock()
	for _, a := range authorities {
		if named && a.Name != name {
			continue
		}
		m := new(vici.Message).
			Add("cacert", a.CACert).
			AddList("crl_uris", a.CRLURIs...).
			AddList("ocsp_uris", a.OCSPURIs...)
		if a.CertURIBase != "" {
			m.Add("cert_uri_base", a.CertURIBase)
		}
		if err := c.EventMessage("list-authority", new(vici.Message).AddSection(a.Name, m)); err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // the empty answer
}

func (d *Daemon) getAuthorities(*vici.Message) (*vici.Message, error) {
	names := make([]string, 0, len(d.authorities))
	for _, a := range d.authorities {
		names = append(names, a.Name)
	}
	return new(vici.Message).AddList("authorities", names...), nil
}

func (d *Daemon) loadAuthority(request *vici.Message) (*vici.Message, error) {
	for e := range request.All() {
		if e.Kind != vici.SectionStart {
			continue
		}
		a, err := readAuthority(e.Name, e.Section)
		if err != nil {
			return nil, err
		}
		d.putAuthority(a)
	}
	return success(), nil
}

func readAuthority(name string, m *vici.Message) (Authority, error) {
	a := Authority{Name: name}
	for e := range m.All() {
		switch e.Name {
		case "cacert":
			cert, err := x509.ParseCertificate(decodePEM([]byte(e.Value)))
			if err != nil {
				return a, invalidValue(e.Name)
			}
			a.CACert = cert.Subject.String()
		case "crl_uris":
			a.CRLURIs = values(e)
		case "ocsp_uris":
			a.OCSPURIs = values(e)
		case "cert_uri_base":
			a.CertURIBase = e.Value
		case "file", "handle", "slot", "module":
		default:
			return a, fmt.Errorf("unknown option: %s, config discarded", e.Name)
		}
	}
	if a.CACert == "" {
		return a, errors.New("CA certificate missing: " + name)
	}
	return a, nil
}

// values returns the items of a list, or a single value that stands for a list.
func values(e vici.Element) []string {
	if e.Kind == vici.ListStart {
		return e.Items
	}
	return []string{e.Value}
}

func (d *Daemon) unloadAuthority(request *vici.Message) (*vici.Message, error) {
	name, ok := text(request, "name")
	if !ok {
		return nil, errors.New("unload: missing authority name")
	}
	i := d.authorityIndex(name)
	if i < 0 {
		return nil, fmt.Errorf("unload: authority '%s' not found", name)
	}
	d.authorities = slices.Delete(d.authorities, i, i+1)
	return success(), nil
}
