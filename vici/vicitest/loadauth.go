// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// readAuth reads a round of authentication.
func (d dialect) readAuth(m *vici.Message) (Auth, error) {
	var a Auth
	for e := range m.All() {
		if e.Kind == vici.SectionStart {
			if err := d.checkCertSource(e.Name, e.Section); err != nil {
				return a, err
			}
			continue
		}
		if err := d.check(authOptions[:], e); err != nil {
			return a, err
		}
		a.set(e)
	}
	return a, nil
}

// checkCertSource checks where a certificate is to be had: in a file or on a token, which the fake has not.
func (d dialect) checkCertSource(name string, m *vici.Message) error {
	if !d.since(5, 5, 2) || !strings.HasPrefix(name, "cert") && !strings.HasPrefix(name, "cacert") {
		return fmt.Errorf("invalid section: %s", name)
	}
	for e := range m.All() {
		if err := d.check(certOptions[:], e); err != nil {
			return err
		}
	}
	file, inFile := m.Value("file")
	_, onToken := m.Value("handle")
	switch {
	case inFile && onToken:
		return fmt.Errorf("handle and file path given: %s", name)
	case !inFile && !onToken:
		return fmt.Errorf("handle or file path missing: %s", name)
	}
	if data, err := os.ReadFile(file); err != nil || !certificateData(d, string(data)) {
		return fmt.Errorf("unable to load certificate: %s", name)
	}
	return nil
}

// set applies a key that was found to be valid.
func (a *Auth) set(e vici.Element) {
	switch e.Name {
	case "auth":
		a.setMethod(strings.ToLower(e.Value))
	case "id":
		a.ID = e.Value
	case "ca_id":
		a.CAID = e.Value
	case "aaa_id":
		a.AAAID = e.Value
	case "eap_id":
		a.EAPID = e.Value
	case "xauth_id":
		a.XAuthID = e.Value
	case "revocation":
		a.Revocation = map[string]string{"strict": "GOOD", "ifuri": "SKIPPED"}[strings.ToLower(e.Value)]
	case "groups":
		a.Groups = values(e)
	case "cert_policy":
		a.CertPolicy = values(e)
	case "certs":
		a.Certs = subjects(values(e))
	case "cacerts":
		a.CACerts = subjects(values(e))
	}
}

// authMethod takes the ways to authenticate. What follows a method's name is not checked.
func authMethod(_ dialect, value string) bool {
	value = strings.ToLower(value)
	if value == "psk" {
		return true
	}
	for _, method := range []string{"ike:", "pubkey", "rsa", "ecdsa", "eap", "xauth"} {
		if strings.HasPrefix(value, method) {
			return true
		}
	}
	return false
}

func (a *Auth) setMethod(method string) {
	switch {
	case method == "psk":
		a.Class = "pre-shared key"
	case strings.HasPrefix(method, "xauth"):
		a.Class = "XAuth"
		_, a.XAuth, _ = strings.Cut(method, "-")
	case strings.HasPrefix(method, "eap"):
		a.Class = "EAP"
		if _, variant, ok := strings.Cut(method, "-"); ok {
			a.setEAP(variant)
		}
	default:
		a.Class = "public key"
	}
}

// eapTypes are the methods that are known by name.
var eapTypes = [...]struct {
	name   string
	number int
}{
	{"identity", 1},
	{"md5", 4},
	{"gtc", 6},
	{"tls", 13},
	{"sim", 18},
	{"ttls", 21},
	{"aka", 23},
	{"peap", 25},
	{"mschapv2", 26},
	{"tnc", 38},
	{"dynamic", 252},
	{"radius", 253},
}

// setEAP reads an EAP method: a name or number, the number of its vendor if it has one, and signature schemes after a colon.
func (a *Auth) setEAP(variant string) {
	variant, _, _ = strings.Cut(variant, ":")
	name, vendor, _ := strings.Cut(variant, "-")
	a.EAPVendor = vendor
	number, err := strconv.Atoi(name)
	for _, known := range eapTypes {
		if known.name == name || known.number == number && vendor == "" {
			a.EAPType = "EAP_" + strings.ToUpper(known.name)
			return
		}
	}
	if err == nil {
		a.EAPType = fmt.Sprintf("(%d)", number)
	}
}
