// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "time"

// Metrics of certificates, CRLs and OCSP responses.
var (
	certificateNumber = gauge("certificates",
		"Number of certificates, bare public keys, CRLs and OCSP responses that the daemon has, by type, and flag of certificates.",
		"type", "flag")
	certificateNotBefore = gauge("certificate_not_before_timestamp_seconds",
		"From when the certificate is valid.", "subject", "issuer", "serial", "flag")
	certificateNotAfter = gauge("certificate_not_after_timestamp_seconds",
		"Until when the certificate is valid.", "subject", "issuer", "serial", "flag")
	certificateInfo = gauge("certificate_info",
		"A certificate or bare public key; always 1. One whose private key the daemon has is its own.",
		"subject", "issuer", "serial", "flag", "private_key", "key", "signature")
	crlThisUpdate = gauge("crl_this_update_timestamp_seconds",
		"When the issuer's newest CRL was issued.", "issuer")
	crlNextUpdate = gauge("crl_next_update_timestamp_seconds",
		"When the issuer's newest CRL is to be replaced.", "issuer")
	ocspThisUpdate = gauge("ocsp_this_update_timestamp_seconds",
		"When what the responder's newest response says was known to be right. Who cannot be named is given as the id of the key.",
		"responder")
	ocspNextUpdate = gauge("ocsp_next_update_timestamp_seconds",
		"When the responder's newest response is to be replaced.", "responder")
)

func (*certificatesSource) Metrics() []*Metric {
	return []*Metric{
		certificateNumber, certificateNotBefore, certificateNotAfter, certificateInfo,
		crlThisUpdate, crlNextUpdate, ocspThisUpdate, ocspNextUpdate,
	}
}

func (k *certificates) emit(out *Page) {
	for kind, n := range k.numbers {
		out.Gauge(certificateNumber, float64(n), newLabels("type", kind.kind, "flag", kind.flag))
	}
	for name, v := range k.validity {
		labels := name.labels()
		emitTime(out, certificateNotBefore, v.from, labels)
		emitTime(out, certificateNotAfter, v.until, labels)
	}
	for d := range k.infos {
		out.Gauge(certificateInfo, 1, d.labels().with(
			out.pair("private_key", d.privateKey), out.pair("key", d.key), out.pair("signature", d.signature)))
	}
	emitUpdates(out, crlThisUpdate, crlNextUpdate, "issuer", k.crls)
	emitUpdates(out, ocspThisUpdate, ocspNextUpdate, "responder", k.responses)
}

func (n certificateName) labels() Labels {
	return newLabels("subject", n.subject, "issuer", n.issuer, "serial", n.serial, "flag", n.flag)
}

func emitUpdates(out *Page, this, next *Metric, label string, updates map[string]validity) {
	for origin, v := range updates {
		labels := newLabels(label, origin)
		emitTime(out, this, v.from, labels)
		emitTime(out, next, v.until, labels)
	}
}

// emitTime adds a timestamp that is known.
func emitTime(out *Page, m *Metric, t time.Time, labels Labels) {
	if !t.IsZero() {
		out.Gauge(m, float64(t.Unix()), labels)
	}
}
