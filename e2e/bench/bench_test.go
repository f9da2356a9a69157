// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// whole is a page of two IKE_SAs of which one is being rekeyed.
const whole = `# TYPE strongswan_child_sas gauge
strongswan_child_sas{child="a b",connection="c",state="DELETED"} 1.0
strongswan_child_sas{child="a b",connection="c",state="INSTALLED"} 2.0
strongswan_daemon_ike_sas 2.0
strongswan_ike_sas{connection="c",state="ESTABLISHED"} 1.0
strongswan_ike_sas{connection="c",state="REKEYING"} 1.0
strongswan_ike_sas_nat{connection="c"} 7.0
strongswan_peer_info{peer="x"} 1.0
strongswan_peer_info{peer="y"} 1.0
strongswan_scrape_collector_success{collector="sas"} 1.0
strongswan_sweep_unlisted_ike_sas 0.0
# EOF
`

func TestACompletePageHasEverySA(t *testing.T) {
	p := readPage([]byte(whole))
	require.Equal(t, 10, p.series)
	require.NoError(t, p.complete(2, false))
	require.NoError(t, p.complete(2, true))
	require.ErrorContains(t, p.complete(3, false), "of 3 IKE_SAs the daemon counts 2, the exporter 2")
	for damage, want := range map[string]string{
		`# EOF`: "does not end with # EOF",
		`strongswan_scrape_collector_success{collector="sas"} 1.0`:               "of 0 collectors failed",
		`strongswan_ike_sas{connection="c",state="REKEYING"} 1.0`:                "the exporter 1 with 2 installed",
		`strongswan_child_sas{child="a b",connection="c",state="INSTALLED"} 2.0`: "the exporter 2 with 0 installed",
		`strongswan_peer_info{peer="x"} 1.0`:                                     "of 2 peers 1 are there",
		`strongswan_daemon_ike_sas 2.0`:                                          "the daemon counts 0",
	} {
		damaged := readPage([]byte(strings.Replace(whole, damage+"\n", "", 1)))
		require.ErrorContains(t, damaged.complete(2, true), want, damage)
	}
	failed := readPage([]byte(strings.Replace(whole, `"sas"} 1.0`, `"sas"} 0.0`, 1)))
	require.ErrorContains(t, failed.complete(2, true), "1 of 1 collectors failed")
}

func TestCollectorsAreNamedInThePage(t *testing.T) {
	require.Equal(t, []string{"sas"}, collectors([]byte(whole)))
}

func TestFiguresCanBeRead(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, grouped(n))
	}
	for d, want := range map[time.Duration]string{
		0: "0.000 ms", 1234 * time.Microsecond: "1.2 ms", 123456 * time.Microsecond: "123 ms", 40 * time.Microsecond: "0.040 ms",
	} {
		require.Equal(t, want, milliseconds(d))
	}
	require.Equal(t, "0.10 MB", megabytes(100_000))
	require.Equal(t, "123 MB", megabytes(123_400_000))
	require.Equal(t, "0.02 MB", megabytes(23_400))
}

func TestRefusesToMeasureNothing(t *testing.T) {
	for _, args := range [][]string{{"table", "--scrapes=0"}, {"fleet", "--gateways=1"}, {"fleet", "--tunnels=0"}} {
		require.ErrorContains(t, run(t.Context(), args, nil, nil), "there must be a scrape at least", args)
	}
	require.ErrorContains(t, run(t.Context(), []string{"table", "--vicisim=/nonexistent"}, nil, nil), "no such file")
	require.ErrorContains(t, run(t.Context(), []string{"other"}, nil, nil), "expected command")
}

func TestWhatIsOverItsBudgetIsMarked(t *testing.T) {
	r := result{
		scenario: scenario{name: "small", sas: 10, cpu: time.Second, memory: megabyte, floors: 2},
		cpu:      time.Second, floor: time.Second / 2, peak: megabyte,
	}
	require.NotContains(t, r.row(), "over")
	r.cpu++
	r.floor = time.Second / 4
	r.peak++
	require.Equal(t, 3, strings.Count(r.row(), "**over**"))
}

func TestGrowthIsOfTheHeap(t *testing.T) {
	require.NoError(t, window{least: 100}.grownTo(window{least: 119, peak: 1000}))
	require.ErrorContains(t, window{least: 10 * megabyte}.grownTo(window{least: 13 * megabyte}), "had 10 MB at least, and has 13 MB later")
}

func TestAFleetIsServedWhole(t *testing.T) {
	served := func(key string, value float64) *fleetResult {
		r := &fleetResult{
			fleetOptions: fleetOptions{gateways: 10, tunnels: 2, interval: time.Second, duration: time.Minute},
			values:       map[string]float64{"scrapes": 600, "evaluations": 60, "longest evaluation": 0.9},
		}
		r.values[key] = value
		return r
	}
	require.NoError(t, served("scrapes", 580).check())
	require.ErrorContains(t, served("scrapes", 579).check(), "579 scrapes were made and 0 of them failed; 580 were expected")
	require.ErrorContains(t, served("failed", 1).check(), "1 of them failed")
	require.ErrorContains(t, served("down", 1).check(), "1 gateways and 0 collectors were down")
	require.ErrorContains(t, served("collectors failed", 2).check(), "2 collectors were down")
	require.ErrorContains(t, served("missed", 3).check(), "3 were missed")
	require.ErrorContains(t, served("evaluations", 0).check(), "of 0 evaluations")
	require.ErrorContains(t, served("rules failed", 1).check(), "1 rules failed")
	require.ErrorContains(t, served("longest evaluation", 1).check(), "took 1.00 s")
	require.Contains(t, string(served("recorded", 115).report()), "| recorded series of a gateway, without those of tunnels | 11.5 |\n")
}

func TestPrometheusAnswersWithOneValue(t *testing.T) {
	for answer, want := range map[string]string{
		`{"status":"success","data":{"resultType":"scalar","result":[1.5,"7"]}}`:                         "",
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"7"]}]}}`: "",
		`{"status":"success","data":{"resultType":"vector","result":[]}}`:                                "not one value",
		`{"status":"error","error":"wrong"}`:                                                             "wrong",
		`nothing`:                                                                                        "invalid character",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("query") == "a + b" {
				fmt.Fprint(w, answer)
			}
		}))
		p := &prometheus{url: server.URL, client: server.Client()}
		value, err := p.query(t.Context(), "a + b")
		server.Close()
		if want == "" {
			require.NoError(t, err)
			require.InDelta(t, 7, value, 0)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestReportReplacesWhatStandsBetweenItsMarks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	const before = "text\n<!-- generated: a -->\nold\n<!-- end -->\nmore\n<!-- generated: b -->\nb\n<!-- end -->\n"
	require.NoError(t, os.WriteFile(file, []byte(before), 0o600))
	var out bytes.Buffer
	w := reporter{out: &out, into: file}
	require.NoError(t, w.write("a", []byte("new\n")))
	require.Equal(t, "new\n", out.String())
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.Replace(before, "old", "new", 1), string(after))
	require.ErrorContains(t, w.write("c", nil), `has no place for "c"`)
}

func TestUsageIsOfTheProcess(t *testing.T) {
	p, err := start(t.Context(), "/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read line; echo $line")
	require.NoError(t, err)
	defer p.end()
	_, err = p.await(t.Context(), func(line string) (string, bool) { return line, line == "done" })
	require.NoError(t, err)
	spent, err := p.cpu()
	require.NoError(t, err)
	require.Greater(t, spent, time.Millisecond)
	idle, err := p.stopwatch()(1)
	require.NoError(t, err)
	require.Less(t, idle, spent)
	peak, err := p.peak()
	require.NoError(t, err)
	require.Positive(t, peak)
	require.NoError(t, p.forgetPeak())
	_, err = p.in.Write([]byte("bye\n"))
	require.NoError(t, err)
	_, err = p.await(t.Context(), func(line string) (string, bool) { return line, line == "never" })
	require.ErrorContains(t, err, "sh has ended; its output:\ndone\nbye\n")
}
