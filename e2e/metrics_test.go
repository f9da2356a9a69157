// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// notFromHere are the metrics that no gateway of the laboratory can be made to give, with the answer that
// gives them. Tests of package collector give that answer.
func notFromHere() map[string]string {
	return map[string]string{
		"strongswan_heap_bytes":                 "stats with a section mem, which daemons on Windows send",
		"strongswan_heap_allocations":           "stats with a section mem, which daemons on Windows send",
		"strongswan_vici_values_rejected_total": "a value that is not of its key's form",
	}
}

// Every metric that is declared comes from a real daemon, unless it is known why not.
func TestEveryMetric(t *testing.T) {
	const newest = "6.1.0" // older ones do not know alerts, and list no proposals
	lab.Require(t, newest)
	ctx := bounded(t)
	l := lab.New(t, newest, lab.WithSwanctl(quietly+ocspURIs, lab.Moon))
	answerOCSP(ctx, t, l)
	e := startExporter(t, l.Moon.Address(), append(allCollectors(), "--state.file="+filepath.Join(t.TempDir(), "state"))...)
	e.awaitEvents(t)
	require.NoError(t, l.Sun.Configure(ctx, strangeChild))
	require.NoError(t, l.Moon.Initiate(ctx, "net-net"))
	require.Error(t, l.Sun.Initiate(ctx, "strange-net"), "moon has no such child, which is an alert")
	require.NoError(t, l.Moon.Initiate(ctx, "cert-net"))
	require.NoError(t, l.Carol.Initiate(ctx, "home"))
	carryOne(ctx, t, l)
	p := startExporter(t, l.Moon.Address()).scrape(t) // one that has not asked for certificates before
	requireOCSP(t, p)

	declared := declaredMetrics()
	seen := make(map[string]bool)
	see := func(p *page) {
		for name, family := range p.families {
			if declared[name] {
				require.NotEmpty(t, family.GetMetric(), name)
				seen[name] = true
			}
			known := declared[name] || name == "strongswan_exporter_build_info" || !strings.HasPrefix(name, "strongswan_")
			require.True(t, known, "%s is not declared", name)
		}
	}
	see(p)
	see(e.scrape(t))
	require.NoError(t, l.Moon.Stop(ctx))
	see(e.scrape(t))
	for name := range seen {
		delete(declared, name)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(notFromHere())), slices.Collect(maps.Keys(declared)),
		"metrics that were not seen, and those that need not be")
}

func declaredMetrics() map[string]bool {
	declared := make(map[string]bool)
	all := collector.OwnMetrics()
	for _, info := range collector.Infos() {
		all = append(all, info.Metrics()...)
	}
	for _, m := range all {
		declared[m.Name] = true
	}
	return declared
}

// strangeChild gives sun a child that moon does not have.
const strangeChild = `
connections {
	gw-gw {
		children {
			strange-net {
				local_ts = 10.2.77.0/24
				remote_ts = 10.1.77.0/24
			}
		}
	}
}`

// ocspURIs tells moon where certificates' status can be asked for.
const ocspURIs = `
authorities {
	lab-ca {
		ocsp_uris = http://192.0.2.2:8080
	}
}`

// answerOCSP runs an OCSP responder on sun that knows sun's certificate. It ends with its network namespace.
func answerOCSP(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	pki := filepath.Join(filepath.Dir(l.Moon.Dir()), "pki")
	certificate, err := os.ReadFile(filepath.Join(pki, "sun.pem"))
	require.NoError(t, err)
	read := openssl(ctx, t, certificate, "x509", "-serial", "-enddate")
	end := time.Unix(int64(opensslTime(t, read["notAfter"])), 0).UTC().Format("060102150405Z")
	index := filepath.Join(pki, "index.txt")
	entry := fmt.Sprintf("V\t%s\t\t%s\tunknown\t/C=CH/O=Laboratory/CN=sun.example\n", end, read["serial"])
	require.NoError(t, os.WriteFile(index, []byte(entry), 0o600))
	responder := l.Sun.Command(ctx, "openssl", "ocsp", "-index", index, "-port", "8080", "-ndays", "1",
		"-CA", filepath.Join(pki, "ca.pem"), "-rsigner", filepath.Join(pki, "ca.pem"), "-rkey", filepath.Join(pki, "ca.key"))
	output, err := responder.StdoutPipe()
	require.NoError(t, err)
	responder.Stderr = responder.Stdout
	require.NoError(t, responder.Start())
	t.Cleanup(func() {
		_ = responder.Process.Signal(syscall.SIGKILL) // it knows no other end
		_ = responder.Wait()
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() && !strings.Contains(lines.Text(), "waiting for OCSP client connections") {
		t.Log(lines.Text())
	}
	require.NoError(t, lines.Err())
	go func() { _, _ = io.Copy(io.Discard, output) }() // so that it never waits for a reader
}

// requireOCSP insists on the responder's answer.
func requireOCSP(t *testing.T, p *page) {
	t.Helper()
	const day = 24 * 60 * 60
	now := float64(time.Now().Unix())
	responder := []string{"responder", "C=CH, O=Laboratory, CN=Laboratory CA"}
	require.InDelta(t, now, p.value(t, "strongswan_ocsp_this_update_timestamp_seconds", responder...), 60)
	require.InDelta(t, now+day, p.value(t, "strongswan_ocsp_next_update_timestamp_seconds", responder...), 60)
	require.InDelta(t, 1, p.value(t, "strongswan_certificates", "type", "OCSP_RESPONSE", "flag", ""), 0)
}

// carryOne sends a packet through a tunnel, and one from a road warrior.
func carryOne(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	require.NoError(t, l.Moon.Ping(ctx, l.Moon.Inside(0), l.Sun.Inside(0), 1))
	require.NoError(t, l.Carol.Ping(ctx, "10.3.0.1", l.Moon.Inside(0), 1))
}
