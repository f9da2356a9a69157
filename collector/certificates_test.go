// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// der returns a certificate, CRL or response from the test data of the package that reads them.
func der(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("internal", "pki", "testdata", name+".der"))
	require.NoError(t, err)
	return data
}

// What crypto/x509 does not read has its series like anything else.
func TestCertificatesOfAllKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for _, c := range []vicitest.Certificate{
			{Type: "X509", Flag: "NONE", HasPrivkey: true, Data: der(t, "brainpool")},
			{Type: "X509", Flag: "CA", Data: der(t, "negative")},
			{Type: "X509", Flag: "OCSP", Data: der(t, "ed448")},
			{Type: "X509_CRL", Data: der(t, "crl")},
			{Type: "OCSP_RESPONSE", Data: der(t, "ocsp-by-name")},
			{Type: "PUBKEY", Data: der(t, "public-key")},
			{Type: "PUBKEY", Subject: "moon", HasPrivkey: true, Data: der(t, "public-key"), NotAfter: recordedAt},
		} {
			d.AddCertificate(c)
		}
		s := newTestbed(t, d, only("certificates")).scrape()
		require.Empty(t, s.failed())
		require.Equal(t, samples{
			`{flag="NONE",type="X509"}`: "1", `{flag="CA",type="X509"}`: "1", `{flag="OCSP",type="X509"}`: "1",
			`{flag="",type="X509_CRL"}`: "1", `{flag="",type="OCSP_RESPONSE"}`: "1", `{flag="",type="PUBKEY"}`: "2",
		}, s.of("certificates"))
		brainpool := "C=DE, O=Musterfirma GmbH, CN=brainpool"
		require.Equal(t, samples{
			`{flag="NONE",issuer="` + brainpool + `",serial="0b",subject="` + brainpool + `"}`: "2.114380799e+09",

			`{flag="CA",issuer="CN=negative",serial="-1234",subject="CN=negative"}`: "2.110739589e+09",
			`{flag="OCSP",issuer="CN=Ed448",serial="0f",subject="CN=Ed448"}`:        "2.114380799e+09",
			`{flag="",issuer="",serial="",subject="moon"}`:                          "1.795370963e+09",
		}, s.of("certificate_not_after_timestamp_seconds"))
		require.Len(t, s.of("certificate_not_before_timestamp_seconds"), 3)
		infos := s.of("certificate_info")
		require.Len(t, infos, 5)
		require.Contains(t, infos, `{flag="",issuer="",key="ED25519",private_key="yes",serial="",signature="",subject="moon"}`)
		require.Equal(t, samples{`{issuer="CN=P-521"}`: "1.769904e+09"}, s.of("crl_next_update_timestamp_seconds"))
		require.Equal(t, samples{`{responder="CN=P-521"}`: "1.795379589e+09"}, s.of("ocsp_this_update_timestamp_seconds"))
		require.Equal(t, samples{`{responder="CN=P-521"}`: "1.795984389e+09"}, s.of("ocsp_next_update_timestamp_seconds"))
	})
}

// A CRL of more than 64 KiB makes daemons before 5.9.8 crash when they list it, so they are not asked to.
func TestCertificateTypesByVersion(t *testing.T) {
	for version, want := range map[vicitest.Generation][]string{
		"5.9.7":               {"X509", "PUBKEY", "OCSP_RESPONSE"},
		"5.9.8":               {"X509", "PUBKEY", "X509_CRL", "OCSP_RESPONSE"},
		vicitest.Generation61: {"X509", "PUBKEY", "X509_CRL", "OCSP_RESPONSE"},
	} {
		t.Run(string(version), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t, vicitest.Config{Generation: version})
				require.Empty(t, newTestbed(t, d, only("certificates")).scrape().failed())
				var asked []string
				for _, request := range d.Requests("list-certs") {
					kind, _ := request.Value("type")
					asked = append(asked, kind)
				}
				require.Equal(t, want, asked)
			})
		})
	}
}

func TestCertificatesAreAskedForOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("certificates"))
		for range 4 { // in the first minute
			require.Empty(t, b.scrape().of("certificates"))
			pass(19 * time.Second)
		}
		require.Len(t, d.Requests("list-certs"), 4, "one for each type")

		d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "CA", Data: der(t, "ed448")})
		require.Len(t, b.scrape().of("certificates"), 1, "the minute is over")
		require.Len(t, d.Requests("list-certs"), 8)
	})
}

// What is kept is never shown for another run of the daemon, nor beyond its minute where it cannot be asked for again.
func TestCertificatesAreNotKeptTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "CA", Data: der(t, "ed448")})
		b := newTestbed(t, d, only("certificates"))
		require.Len(t, b.scrape().of("certificates"), 1)

		pass(10 * time.Second)
		d.Crash()
		s := b.scrape()
		require.Equal(t, []string{"certificates"}, s.failed())
		require.Empty(t, s.of("certificates"), "the daemon is gone")
		require.NoError(t, d.Restart())
		s = b.scrape()
		require.Empty(t, s.failed())
		require.Empty(t, s.of("certificates"), "the new one has none")

		d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "CA", Data: der(t, "ed448")})
		pass(certificatesAge)
		require.Len(t, b.scrape().of("certificates"), 1)
		heal := d.Fault("list-certs", vicitest.OnAnswer(vicitest.Malformed()))
		require.Len(t, b.scrape().of("certificates"), 1, "it need not be asked")
		pass(certificatesAge)
		s = b.scrape()
		require.Equal(t, []string{"certificates"}, s.failed())
		require.Empty(t, s.of("certificates"))
		heal()
		require.Len(t, b.scrape().of("certificates"), 1, "a failure is not kept")
	})
}

// Of two certificates that nothing tells apart the one counts that is valid longest.
func TestCertificatesWithEqualLabels(t *testing.T) {
	first, second := recordedAt.AddDate(1, 0, 0), recordedAt.AddDate(2, 0, 0)
	for name, order := range map[string][]time.Time{"upwards": {first, second}, "downwards": {second, first}} {
		t.Run(name, func(t *testing.T) {
			k := newCertificates()
			for _, notAfter := range order {
				require.NoError(t, k.add(&vici.Cert{Type: vici.CertX509, Flag: "NONE", Data: selfSigned(t, notAfter)}))
			}
			require.Equal(t, map[certificateKind]int{{"X509", "NONE"}: 2}, k.numbers)
			require.Len(t, k.infos, 1)
			require.Equal(t, map[certificateName]validity{
				{"CN=twin", "CN=twin", "07", "NONE"}: {recordedAt, second},
			}, k.validity)
		})
	}
}

func selfSigned(t *testing.T, notAfter time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "twin"}, NotBefore: recordedAt, NotAfter: notAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return der
}

func TestNewestCRLCounts(t *testing.T) {
	k := newCertificates()
	for _, name := range []string{"crl", "delta-crl"} {
		require.NoError(t, k.add(&vici.Cert{Type: vici.CertX509CRL, Data: der(t, name)}))
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, map[string]validity{"CN=P-521": {begin, begin.AddDate(0, 1, 0)}}, k.crls, "a delta CRL replaces none")
	newer := validity{begin.Add(time.Hour), begin.Add(2 * time.Hour)}
	addNewest(k.crls, "CN=P-521", newer)
	addNewest(k.crls, "CN=P-521", validity{begin, begin.AddDate(1, 0, 0)})
	require.Equal(t, map[string]validity{"CN=P-521": newer}, k.crls)
}

// What cannot be read is counted, told, and costs nothing else.
func TestUnreadableCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		for _, kind := range []string{"X509", "X509_CRL", "OCSP_RESPONSE", "PUBKEY"} {
			d.AddCertificate(vicitest.Certificate{Type: kind, Flag: "NONE", Data: []byte("garbage")})
		}
		d.AddCertificate(vicitest.Certificate{Type: "X509", Flag: "NONE", Data: der(t, "ed25519")})
		s := newTestbed(t, d, only("certificates")).scrape()
		require.Empty(t, s.failed())
		require.Equal(t, "2", s.of("certificates")[`{flag="NONE",type="X509"}`])
		require.Len(t, s.of("certificate_info"), 1)
		require.Equal(t, samples{`{field="data"}`: "4"}, s.of("vici_values_rejected_total"))
	})
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{
		"5.9.8": true, "5.9.9": true, "5.9.14": true, "5.10.0": true, "6.0.0": true, "6.0.0beta6": true, "10.0.0": true,
		"5.9.7": false, "5.8.10": false, "4.12.99": false, "5.9.8rc1": false, "5.9.9dr2": true,
		"": false, "5": false, "5.9": false, "U5.9.8/K6.1": false, "5.9.x": false, "5..8": false,
	} {
		require.Equal(t, want, atLeast(version, 5, 9, 8), version)
	}
}
