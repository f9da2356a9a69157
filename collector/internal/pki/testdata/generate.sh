#!/usr/bin/env bash
# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# Makes the certificates, CRLs and OCSP responses beside it anew, with keys that are thrown away. The tests do not run it:
# key ids in the expectations change with the keys.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

start=20260101000000Z
end=20361231235959Z

cat >ca.cnf <<'CONF'
[ca]
default_ca = lab
[lab]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
default_md = default
policy = any
default_crl_days = 30
unique_subject = no
[any]
[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[leaf]
[ocsp]
extendedKeyUsage = OCSPSigning
[delta]
2.5.29.27 = critical,DER:02:01:01
CONF
: >index.txt
echo 01 >serial
echo 01 >crlnumber

# self NAME SUBJECT SERIAL END KEY-OPTIONS…: a certificate that its own key signs.
self() {
	local name=$1 subject=$2 serial=$3 until=$4
	shift 4
	[[ -f $name.key ]] || openssl genpkey -out "$name.key" "$@"
	openssl req -new -utf8 -config ca.cnf -multivalue-rdn -key "$name.key" -subj "$subject" -out "$name.csr"
	echo "$serial" >serial
	openssl ca -batch -config ca.cnf -preserveDN -selfsign -keyfile "$name.key" -in "$name.csr" -notext -extensions leaf \
		-startdate "$start" -enddate "$until" -out "$name.pem"
	openssl x509 -in "$name.pem" -outform DER -out "$here/$name.der"
}

{
	ec=(-algorithm EC -pkeyopt)
	self brainpool '/C=DE/O=Musterfirma GmbH/CN=brainpool' 0B "$end" "${ec[@]}" ec_paramgen_curve:brainpoolP256r1
	self brainpool-twisted '/CN=brainpool twisted' 0C "$end" "${ec[@]}" ec_paramgen_curve:brainpoolP512t1
	self explicit '/CN=explicit curve' 0D "$end" "${ec[@]}" ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
	self p521 '/CN=P-521' 0E "$end" "${ec[@]}" ec_paramgen_curve:P-521
	self ed448 '/CN=Ed448' 0F "$end" -algorithm ED448
	self ed25519 '/CN=Ed25519' 10 "$end" -algorithm ED25519
	self rsa '/C=CH/ST=Zürich/O=Größe & Söhne, AG/CN=rsa' 00F1E2D3C4B5A697887766554433221100 "$end" \
		-algorithm RSA -pkeyopt rsa_keygen_bits:2048
	self rsa-pss '/CN=RSA-PSS' 11 "$end" -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
	self forever '/DC=org/DC=example/UID=forever+CN=two in one/1.2.3.4=unknown' 12 99991231235959Z "${ec[@]}" ec_paramgen_curve:P-256

	openssl req -new -x509 -config ca.cnf -key ed25519.key -subj '/CN=negative' -set_serial -4660 -days 3650 -outform DER \
		-out "$here/negative.der"
	openssl pkey -in ed25519.key -pubout -outform DER -out "$here/public-key.der"

	crl=(openssl ca -config ca.cnf -keyfile p521.key -cert p521.pem -md sha512 -gencrl)
	"${crl[@]}" -crl_lastupdate "$start" -crl_nextupdate 20260201000000Z | openssl crl -outform DER -out "$here/crl.der"
	"${crl[@]}" -crlexts delta -crl_lastupdate 20260115000000Z -crl_nextupdate 20260201000000Z |
		openssl crl -outform DER -out "$here/delta-crl.der"

	ocsp=(openssl ocsp -index index.txt -CA p521.pem -issuer p521.pem -cert ed448.pem -cert p521.pem -rsigner p521.pem -rkey p521.key -no_nonce)
	"${ocsp[@]}" -ndays 7 -respout "$here/ocsp-by-name.der"
	"${ocsp[@]}" -resp_key_id -respout "$here/ocsp-by-key.der"
	"${ocsp[@]}" -resp_key_id -resp_no_certs -respout "$here/ocsp-by-key-alone.der"
} 2>log || {
	cat log >&2
	exit 1
}
