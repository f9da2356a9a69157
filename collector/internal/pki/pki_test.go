// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/strongswan-exporter/strongswan_exporter/collector/internal/pki"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	der, err := os.ReadFile(filepath.Join("testdata", name+".der"))
	require.NoError(t, err)
	return der
}

func date(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

var (
	begin = date(2026, 1, 1, 0, 0, 0)
	end   = date(2036, 12, 31, 23, 59, 59)
)

func TestParseCertificate(t *testing.T) {
	for name, want := range map[string]pki.Certificate{
		"brainpool": {
			Subject: "C=DE, O=Musterfirma GmbH, CN=brainpool", Serial: "0b", NotBefore: begin, NotAfter: end,
			Key: "ECDSA_brainpoolP256r1", Signature: "ECDSA_SHA256",
		},
		"brainpool-twisted": {
			Subject: "CN=brainpool twisted", Serial: "0c", NotBefore: begin, NotAfter: end,
			Key: "ECDSA_brainpoolP512t1", Signature: "ECDSA_SHA256",
		},
		"explicit": {
			Subject: "CN=explicit curve", Serial: "0d", NotBefore: begin, NotAfter: end,
			Key: "ECDSA", Signature: "ECDSA_SHA256",
		},
		"p521": {
			Subject: "CN=P-521", Serial: "0e", NotBefore: begin, NotAfter: end,
			Key: "ECDSA_P521", Signature: "ECDSA_SHA256",
		},
		"ed448":   {Subject: "CN=Ed448", Serial: "0f", NotBefore: begin, NotAfter: end, Key: "ED448", Signature: "ED448"},
		"ed25519": {Subject: "CN=Ed25519", Serial: "10", NotBefore: begin, NotAfter: end, Key: "ED25519", Signature: "ED25519"},
		"rsa": { // a question mark for each byte, as the daemon has it
			Subject: "C=CH, ST=Z??rich, O=Gr????e & S??hne, AG, CN=rsa", Serial: "f1e2d3c4b5a697887766554433221100",
			NotBefore: begin, NotAfter: end, Key: "RSA_2048", Signature: "RSA_SHA256",
		},
		"rsa-pss": {
			Subject: "CN=RSA-PSS", Serial: "11", NotBefore: begin, NotAfter: end,
			Key: "RSA_2048", Signature: "RSA_PSS_SHA256",
		},
		"forever": {
			Subject: "DC=org, DC=example, CN=two in one, UID=forever", Serial: "12",
			NotBefore: begin, NotAfter: date(9999, 12, 31, 23, 59, 59), Key: "ECDSA_P256", Signature: "ECDSA_SHA256",
		},
		"negative": {
			Subject: "CN=negative", Serial: "-1234",
			NotBefore: date(2026, 11, 22, 20, 33, 9), NotAfter: date(2036, 11, 19, 20, 33, 9), Key: "ED25519", Signature: "ED25519",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want.Issuer = want.Subject
			got, err := pki.ParseCertificate(read(t, name))
			require.NoError(t, err)
			require.Equal(t, want, *got)
		})
	}
}

// What crypto/x509 can read says the same there.
func TestParseCertificateAgreesWithX509(t *testing.T) {
	for _, name := range []string{"p521", "ed25519", "rsa", "forever"} {
		der := read(t, name)
		want, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		got, err := pki.ParseCertificate(der)
		require.NoError(t, err)
		require.True(t, want.NotBefore.Equal(got.NotBefore))
		require.True(t, want.NotAfter.Equal(got.NotAfter))
		require.Equal(t, hex.EncodeToString(want.SerialNumber.Bytes()), got.Serial)
	}
	_, err := x509.ParseCertificate(read(t, "brainpool"))
	require.Error(t, err, "with a standard library that reads everything this package could go")
}

// A builder makes certificates as no authority should.
type builder struct {
	serial   []byte
	subject  func(*cryptobyte.Builder)
	notAfter func(*cryptobyte.Builder)
	key      []byte // nil for an ECDSA key
}

func (b builder) der(t *testing.T) []byte {
	t.Helper()
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(cert *cryptobyte.Builder) {
		cert.AddASN1(asn1.SEQUENCE, func(tbs *cryptobyte.Builder) {
			tbs.AddASN1(asn1.INTEGER, func(c *cryptobyte.Builder) { c.AddBytes(b.serial) })
			tbs.AddASN1(asn1.SEQUENCE, func(c *cryptobyte.Builder) { addOID(c, "\x2a\x03") })
			tbs.AddASN1(asn1.SEQUENCE, func(*cryptobyte.Builder) {})
			tbs.AddASN1(asn1.SEQUENCE, func(c *cryptobyte.Builder) {
				c.AddASN1UTCTime(begin)
				b.notAfter(c)
			})
			tbs.AddASN1(asn1.SEQUENCE, b.subject)
			tbs.AddBytes(b.key)
		})
	})
	return out.BytesOrPanic()
}

func addOID(b *cryptobyte.Builder, der string) {
	b.AddASN1(asn1.OBJECT_IDENTIFIER, func(c *cryptobyte.Builder) { c.AddBytes([]byte(der)) })
}

func addAttribute(b *cryptobyte.Builder, oid string, tag asn1.Tag, value string) {
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oid)
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
		})
	})
}

const commonName = "\x55\x04\x03"

func plain() builder {
	return builder{
		serial:   []byte{1},
		subject:  func(b *cryptobyte.Builder) { addAttribute(b, commonName, asn1.UTF8String, "x") },
		notAfter: func(b *cryptobyte.Builder) { b.AddASN1UTCTime(end) },
	}
}

func TestNames(t *testing.T) {
	bmp, universal := asn1.Tag(30), asn1.Tag(28)
	for name, test := range map[string]struct {
		subject func(*cryptobyte.Builder)
		want    string
	}{
		"empty":         {func(*cryptobyte.Builder) {}, ""},
		"two bytes":     {func(b *cryptobyte.Builder) { addAttribute(b, commonName, bmp, "\x00A\x00\xdf\x20\xac\xd8\x3d\xde\x00") }, "CN=A???"},
		"cut two bytes": {func(b *cryptobyte.Builder) { addAttribute(b, commonName, bmp, "\x00A\x00") }, "CN=?A?"},
		"four bytes":    {func(b *cryptobyte.Builder) { addAttribute(b, commonName, universal, "\x00\x00\x00A\xff\xff\xff\xff") }, "CN=A?"},
		"control":       {func(b *cryptobyte.Builder) { addAttribute(b, commonName, asn1.PrintableString, "a\x00\n\"b\\\x7f") }, `CN=a??"b\?`},
		"unknown type":  {func(b *cryptobyte.Builder) { addAttribute(b, "\x2b\x06\x01\x99\x37", asn1.UTF8String, "x") }, "2b:06:01:99:37=x"},
		"empty value":   {func(b *cryptobyte.Builder) { addAttribute(b, commonName, asn1.UTF8String, "") }, "CN="},
		"usual ones": {func(b *cryptobyte.Builder) {
			addAttribute(b, "\x55\x04\x06", asn1.PrintableString, "CH")
			addAttribute(b, "\x55\x04\x08", asn1.UTF8String, "BE")
			addAttribute(b, "\x55\x04\x07", asn1.T61String, "Bern")
			addAttribute(b, "\x55\x04\x05", asn1.PrintableString, "42")
			addAttribute(b, "\x55\x04\x0b", asn1.UTF8String, "unit")
			addAttribute(b, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", asn1.IA5String, "a@b")
		}, "C=CH, ST=BE, L=Bern, serialNumber=42, OU=unit, E=a@b"},
		"faulty end": {func(b *cryptobyte.Builder) {
			addAttribute(b, commonName, asn1.UTF8String, "x")
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
		}, "CN=x"},
		"long": {
			func(b *cryptobyte.Builder) { addAttribute(b, commonName, asn1.UTF8String, strings.Repeat("x", 60_000)) },
			"CN=" + strings.Repeat("x", 508),
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := plain()
			b.subject = test.subject
			got, err := pki.ParseCertificate(b.der(t))
			require.NoError(t, err)
			require.Equal(t, test.want, got.Subject)
		})
	}
}

func TestSerials(t *testing.T) {
	for serial, want := range map[string]string{
		"":                         "",
		"\x00":                     "00",
		"\x7f":                     "7f",
		"\x00\xff":                 "ff",
		"\xff":                     "-01",
		"\x80":                     "-80",
		"\xff\x00":                 "-0100",
		"\x80\x00\x00":             "-800000",
		"\x00\x00\x00\x12\x34":     "1234",
		strings.Repeat("\x11", 99): strings.Repeat("11", 64),
	} {
		b := plain()
		b.serial = []byte(serial)
		got, err := pki.ParseCertificate(b.der(t))
		require.NoError(t, err)
		require.Equal(t, want, got.Serial, "%x", serial)
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		tag  asn1.Tag
		text string
		want time.Time // zero: not a time
	}{
		{asn1.UTCTime, "261122182905Z", date(2026, 11, 22, 18, 29, 5)},
		{asn1.UTCTime, "491231235959Z", date(2049, 12, 31, 23, 59, 59)},
		{asn1.UTCTime, "500101000000Z", date(1950, 1, 1, 0, 0, 0)},
		{asn1.UTCTime, "520229000000Z", date(1952, 2, 29, 0, 0, 0)},
		{asn1.UTCTime, "991231235959Z", date(1999, 12, 31, 23, 59, 59)},
		{asn1.UTCTime, "2611221829Z", date(2026, 11, 22, 18, 29, 0)},
		{asn1.UTCTime, "261122182905+0130", date(2026, 11, 22, 16, 59, 5)},
		{asn1.GeneralizedTime, "20261122182905Z", date(2026, 11, 22, 18, 29, 5)},
		{asn1.GeneralizedTime, "20261122182905.5Z", date(2026, 11, 22, 18, 29, 5).Add(500 * time.Millisecond)},
		{asn1.GeneralizedTime, "202611221829-0200", date(2026, 11, 22, 20, 29, 0)},
		{asn1.GeneralizedTime, "99991231235959Z", date(9999, 12, 31, 23, 59, 59)},
		{asn1.GeneralizedTime, "20261122182905", time.Time{}},
		{asn1.UTCTime, "261322182905Z", time.Time{}},
		{asn1.UTCTime, "", time.Time{}},
		{asn1.OCTET_STRING, "261122182905Z", time.Time{}},
	} {
		b := plain()
		b.notAfter = func(c *cryptobyte.Builder) {
			c.AddASN1(test.tag, func(c *cryptobyte.Builder) { c.AddBytes([]byte(test.text)) })
		}
		got, err := pki.ParseCertificate(b.der(t))
		if test.want.IsZero() {
			require.ErrorIs(t, err, pki.ErrMalformed, test.text)
			continue
		}
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, got.NotAfter, test.text)
	}
}

// Names and times count also where the key is nothing that is known.
func TestUnknownAlgorithms(t *testing.T) {
	for name, test := range map[string]struct {
		key  func(*cryptobyte.Builder) // inside of the AlgorithmIdentifier
		want string
	}{
		"unknown type": {func(b *cryptobyte.Builder) { addOID(b, "\x2b\x65\x87\x67") }, "1.3.101.999"},
		"unknown curve": {func(b *cryptobyte.Builder) {
			addOID(b, "\x2a\x86\x48\xce\x3d\x02\x01")
			addOID(b, "\x2a\x03\x04")
		}, "ECDSA_1.2.3.4"},
		"RSA without key": {func(b *cryptobyte.Builder) { addOID(b, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") }, "RSA"},
		"ML-DSA":          {func(b *cryptobyte.Builder) { addOID(b, "\x60\x86\x48\x01\x65\x03\x04\x03\x12") }, "ML_DSA_65"},
		"nothing":         {func(*cryptobyte.Builder) {}, ""},
		"endless arc":     {func(b *cryptobyte.Builder) { addOID(b, strings.Repeat("\xff", 30)+"\x01") }, ""},
		"cut arc":         {func(b *cryptobyte.Builder) { addOID(b, "\x2a\x83") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var key cryptobyte.Builder
			key.AddASN1(asn1.SEQUENCE, func(c *cryptobyte.Builder) { c.AddASN1(asn1.SEQUENCE, test.key) })
			b := plain()
			b.key = key.BytesOrPanic()
			got, err := pki.ParseCertificate(b.der(t))
			require.NoError(t, err)
			require.Equal(t, test.want, got.Key)
			require.Equal(t, "1.2.3", got.Signature)
		})
	}
}

func TestParseCRL(t *testing.T) {
	got, err := pki.ParseCRL(read(t, "crl"))
	require.NoError(t, err)
	require.Equal(t, pki.CRL{Issuer: "CN=P-521", ThisUpdate: begin, NextUpdate: date(2026, 2, 1, 0, 0, 0)}, *got)

	got, err = pki.ParseCRL(read(t, "delta-crl"))
	require.NoError(t, err)
	require.Equal(t, pki.CRL{
		Issuer: "CN=P-521", ThisUpdate: date(2026, 1, 15, 0, 0, 0), NextUpdate: date(2026, 2, 1, 0, 0, 0), Delta: true,
	}, *got)
}

// The first version of CRLs need not say when the next one comes.
func TestParseCRLWithoutNextUpdate(t *testing.T) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(*cryptobyte.Builder) {})
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { addAttribute(b, commonName, asn1.UTF8String, "old") })
			b.AddASN1UTCTime(begin)
		})
	})
	got, err := pki.ParseCRL(b.BytesOrPanic())
	require.NoError(t, err)
	require.Equal(t, pki.CRL{Issuer: "CN=old", ThisUpdate: begin}, *got)
}

func TestParseOCSPResponse(t *testing.T) {
	made := date(2026, 11, 22, 20, 33, 9)
	for name, want := range map[string]pki.OCSPResponse{
		"ocsp-by-name":      {Responder: "CN=P-521", ProducedAt: made, ThisUpdate: made, NextUpdate: made.AddDate(0, 0, 7)},
		"ocsp-by-key":       {Responder: "CN=P-521", ProducedAt: made, ThisUpdate: made},
		"ocsp-by-key-alone": {Responder: "60:e0:24:d7:57:83:b2:ed:76:30:8f:f6:f5:29:fe:98:7f:44:87:41", ProducedAt: made, ThisUpdate: made},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pki.ParseOCSPResponse(read(t, name))
			require.NoError(t, err)
			require.Equal(t, want, *got)
		})
	}
	_, err := pki.ParseOCSPResponse([]byte{0x30, 3, 0x0a, 1, 3}) // "try later"
	require.ErrorIs(t, err, pki.ErrMalformed)
}

func TestParsePublicKey(t *testing.T) {
	got, err := pki.ParsePublicKey(read(t, "public-key"))
	require.NoError(t, err)
	require.Equal(t, "ED25519", got.Key)
	require.Regexp(t, `^([0-9a-f]{2}:){19}[0-9a-f]{2}$`, got.ID)
}

// Whatever is cut off is an error or leaves out what was cut, and nothing else.
func TestTruncated(t *testing.T) {
	parsers := map[string]func([]byte) error{
		"rsa":         func(der []byte) error { _, err := pki.ParseCertificate(der); return err },
		"crl":         func(der []byte) error { _, err := pki.ParseCRL(der); return err },
		"ocsp-by-key": func(der []byte) error { _, err := pki.ParseOCSPResponse(der); return err },
		"public-key":  func(der []byte) error { _, err := pki.ParsePublicKey(der); return err },
	}
	for name, parse := range parsers {
		der := read(t, name)
		for n := range der {
			require.ErrorIs(t, parse(der[:n]), pki.ErrMalformed, "%s cut to %d bytes", name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.der"))
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		der, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if c, err := pki.ParseCertificate(der); err == nil {
			requirePlain(t, c.Subject, c.Issuer, c.Serial, c.Key, c.Signature)
		}
		if c, err := pki.ParseCRL(der); err == nil {
			requirePlain(t, c.Issuer)
		}
		if r, err := pki.ParseOCSPResponse(der); err == nil {
			requirePlain(t, r.Responder)
		}
		if k, err := pki.ParsePublicKey(der); err == nil {
			requirePlain(t, k.ID, k.Key)
		}
	})
}

// requirePlain holds that text is short and printable whatever was read.
func requirePlain(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.LessOrEqual(t, len(text), 1024)
		require.NotContains(t, strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '\n'
			}
			return r
		}, text), "\n")
	}
}
