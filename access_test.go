// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// A served is the whole program with its listener, as it runs but for the process.
type served struct {
	address string // host and port
	logs    *syncBuffer
}

// serveExporter runs the program until the test ends.
func serveExporter(t *testing.T, flags ...string) *served {
	t.Helper()
	_, gateway := newListeningGateway(t)
	s := &served{logs: new(syncBuffer)}
	ctx, stop := context.WithCancel(t.Context())
	lines, stderr := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		args := append([]string{"--vici.address=" + gateway, "--web.listen-address=127.0.0.1:0", "--log.level=debug"}, flags...)
		err := run(ctx, args, io.Discard, stderr)
		_ = stderr.CloseWithError(io.EOF)
		ended <- err
	}()
	listening := make(chan string, 1)
	go s.readLog(lines, listening)
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	select {
	case s.address = <-listening:
	case <-time.After(10 * time.Second):
		require.Fail(t, "it does not listen", s.logs)
	}
	return s
}

var listeningOn = regexp.MustCompile(`msg="Listening on".* address=(\S+)`)

// readLog keeps the log until it ends and tells the address that is in it.
func (s *served) readLog(lines io.Reader, listening chan<- string) {
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		_, _ = s.logs.Write(append(scanner.Bytes(), '\n'))
		if match := listeningOn.FindStringSubmatch(scanner.Text()); match != nil {
			listening <- match[1]
		}
	}
}

// ask sends one request over a connection of its own.
func (s *served) ask(
	t *testing.T, scheme, path string, config *tls.Config, change ...func(*http.Request),
) (status int, body string, err error) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+s.address+path, http.NoBody)
	require.NoError(t, err)
	for _, f := range change {
		f(r)
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// servedPaths are all paths that there are.
var servedPaths = []string{"/", "/metrics", "/-/healthy", "/probe?target=none"}

// An authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.certificate = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// sign completes and signs a certificate; without an issuer it signs itself.
func (a *authority) sign(t *testing.T, c, issuer *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if issuer == nil {
		issuer = c
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), a.key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

// issue returns a certificate for both ends of a connection to this host.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	c := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// writePEM writes a file of one block and returns its path.
func writePEM(t *testing.T, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// webConfig writes a configuration of the server with a certificate of its own, and further lines.
func (a *authority) webConfig(t *testing.T, further string) (flag string) {
	t.Helper()
	dir := t.TempDir()
	own := a.issue(t, "exporter")
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	require.NoError(t, err)
	writePEM(t, dir, "server.pem", "CERTIFICATE", own.Certificate[0])
	writePEM(t, dir, "server.key", "PRIVATE KEY", key)
	writePEM(t, dir, "ca.pem", "CERTIFICATE", a.certificate.Raw)
	path := filepath.Join(dir, "web.yml")
	text := "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n" + further
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return "--web.config.file=" + path
}

func TestTLS(t *testing.T) {
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	s := serveExporter(t, ours.webConfig(t, ""))
	for _, path := range servedPaths {
		status, text, err := s.ask(t, "http", path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status, "plain HTTP gets an explanation: %s", text)
		require.NotContains(t, text, "strongswan")
	}
	_, _, err := s.ask(t, "https", "/metrics", &tls.Config{RootCAs: foreign.pool()})
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	_, _, err = s.ask(t, "https", "/metrics", &tls.Config{RootCAs: ours.pool(), MaxVersion: tls.VersionTLS11})
	require.Error(t, err)
	status, text, err := s.ask(t, "https", "/metrics", &tls.Config{RootCAs: ours.pool()})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	requireRight(t, parsePage(t, text))
}

func TestClientCertificates(t *testing.T) {
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	s := serveExporter(t, ours.webConfig(t, "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"))
	for name, certificates := range map[string][]tls.Certificate{
		"none": nil, "of a foreign authority": {foreign.issue(t, "prometheus")},
	} {
		for _, path := range servedPaths {
			_, _, err := s.ask(t, "https", path, &tls.Config{RootCAs: ours.pool(), Certificates: certificates})
			require.ErrorContains(t, err, "tls", name)
		}
	}
	status, text, err := s.ask(t, "https", "/metrics", &tls.Config{
		RootCAs: ours.pool(), Certificates: []tls.Certificate{ours.issue(t, "prometheus")},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	requireRight(t, parsePage(t, text))
}

func TestBasicAuth(t *testing.T) {
	const user, password = "prometheus", "correct horse battery staple"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "web.yml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "basic_auth_users:\n  %s: %s\n", user, hash), 0o600))
	s := serveExporter(t, "--web.config.file="+path)
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	for _, path := range servedPaths {
		for name, change := range map[string]func(*http.Request){
			"nobody": func(*http.Request) {}, "wrong password": as(user, "wrong"), "wrong user": as("someone", password), "empty": as("", ""),
		} {
			status, text, err := s.ask(t, "http", path, nil, change)
			require.NoError(t, err)
			require.Equal(t, http.StatusUnauthorized, status, "%s: %s", path, name)
			require.NotContains(t, text, "strongswan")
		}
	}
	status, text, err := s.ask(t, "http", "/metrics", nil, as(user, password))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	requireRight(t, parsePage(t, text))
	for _, secret := range []string{password, string(hash)} {
		require.NotContains(t, s.logs.String(), secret)
		require.NotContains(t, text, secret)
	}
}

// Nothing is served but what is meant to be: no profiles, no variables, no command line, no files, and nothing is taken.
func TestNothingElseIsServed(t *testing.T) {
	s := serveExporter(t)
	for _, path := range []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/pprof/cmdline", "/debug/pprof/symbol",
		"/debug/pprof/trace", "/debug/vars", "/debug/requests", "/-/reload", "/-/quit", "/config", "/flags",
		"/metrics/", "/metrics/..%2f..%2fetc/passwd",
	} {
		status, _, err := s.ask(t, "http", path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	for _, path := range servedPaths {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			status, _, err := s.ask(t, "http", path, nil, func(r *http.Request) { r.Method = method })
			require.NoError(t, err)
			require.Equal(t, http.StatusMethodNotAllowed, status, "%s %s", method, path)
		}
	}
	_, text, err := s.ask(t, "http", "/", nil)
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(text), "pprof")
}
