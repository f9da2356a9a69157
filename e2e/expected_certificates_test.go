// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// requireCertificates compares what a page tells of certificates and revocation lists with what openssl reads from those
// that swanctl lists. The page has to be the first one of its exporter: what that learns of certificates it keeps for a
// minute, and peers' certificates come with their tunnels.
func requireCertificates(ctx context.Context, t *testing.T, l *lab.Lab, p *page) {
	t.Helper()
	e := newExpectation()
	untils := make(series) // by subject: serial numbers are written in more than one way
	for _, message := range ask(ctx, t, l.Moon, "--list-certs") {
		v := message.values
		if message.name != "list-cert event" || v["type"] == "X509_CRL" && l.Version() == "5.9.1" {
			continue // the exporter does not ask such a daemon for CRLs, since large ones crash it
		}
		e.exact.add(1, "strongswan_certificates", "type", v["type"], "flag", v["flag"])
		der, err := hex.DecodeString(strings.TrimPrefix(v["data"], "0x"))
		require.NoError(t, err)
		switch v["type"] {
		case "X509":
			read := openssl(ctx, t, der, "x509", "-startdate", "-enddate", "-subject")
			id := seriesName("until", "subject", commas(read["subject"]), "flag", v["flag"],
				"private_key", cmp.Or(v["has_privkey"], "no"))
			untils[id] = opensslTime(t, read["notAfter"])
		case "X509_CRL":
			read := openssl(ctx, t, der, "crl", "-lastupdate", "-nextupdate", "-issuer")
			issuer := commas(read["issuer"])
			e.exact.add(opensslTime(t, read["lastUpdate"]), "strongswan_crl_this_update_timestamp_seconds", "issuer", issuer)
			e.exact.add(opensslTime(t, read["nextUpdate"]), "strongswan_crl_next_update_timestamp_seconds", "issuer", issuer)
		}
	}
	e.require(t, p)
	require.Equal(t, untils, certificateEnds(p))
	requireOddCertificates(t, p)
}

// certificateEnds returns until when the certificates of a page are valid, with a part of their labels.
func certificateEnds(p *page) series {
	ends := make(series)
	for _, m := range p.families["strongswan_certificate_info"].GetMetric() {
		l := labelsOf(m)
		until := seriesName("strongswan_certificate_not_after_timestamp_seconds",
			"subject", l["subject"], "issuer", l["issuer"], "serial", l["serial"], "flag", l["flag"])
		end := seriesName("until", "subject", l["subject"], "flag", l["flag"], "private_key", l["private_key"])
		ends[end] = p.series[until]
	}
	return ends
}

// requireOddCertificates insists on the certificates that other programs stumble over.
func requireOddCertificates(t *testing.T, p *page) {
	t.Helper()
	const day = 24 * 60 * 60
	now := float64(time.Now().Unix())
	ends, keys := map[string]float64{}, map[string]string{}
	for _, m := range p.families["strongswan_certificate_not_after_timestamp_seconds"].GetMetric() {
		ends[labelsOf(m)["subject"]] = m.GetGauge().GetValue()
	}
	for _, m := range p.families["strongswan_certificate_info"].GetMetric() {
		keys[labelsOf(m)["subject"]] = labelsOf(m)["key"]
	}
	const brainpool, negative = "C=CH, O=Laboratory, CN=brainpool.example", "C=CH, O=Laboratory, CN=negative.example"
	require.InDelta(t, now+90*day, ends[brainpool], 10*60)
	require.InDelta(t, now+5*day, ends[negative], 10*60)
	require.Contains(t, strings.ToLower(keys[brainpool]), "brainpool")
}

// openssl reads a certificate or CRL, in DER or PEM, and returns what it prints, by name.
func openssl(ctx context.Context, t *testing.T, certificate []byte, kind string, what ...string) map[string]string {
	t.Helper()
	c := exec.CommandContext(ctx, "openssl", append([]string{kind, "-noout"}, what...)...)
	if !bytes.HasPrefix(certificate, []byte("-----BEGIN")) {
		c.Args = append(c.Args, "-inform", "DER")
	}
	c.Stdin = bytes.NewReader(certificate)
	output, err := c.CombinedOutput()
	require.NoError(t, err, string(output))
	read := make(map[string]string)
	for line := range strings.Lines(string(output)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		read[key] = value
	}
	return read
}

// opensslTime reads a time as openssl prints it.
func opensslTime(t *testing.T, text string) float64 {
	t.Helper()
	moment, err := time.Parse("Jan _2 15:04:05 2006 MST", text)
	require.NoError(t, err)
	return float64(moment.Unix())
}

// commas writes a name of openssl's, "C = CH, O = Laboratory", as strongSwan does.
func commas(name string) string { return strings.ReplaceAll(name, " = ", "=") }
