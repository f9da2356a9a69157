// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A reporter writes tables in Markdown.
type reporter struct {
	out  io.Writer
	into string // a file with marks; may be empty
}

// table measures and reports the scenarios.
func (w *reporter) table(ctx context.Context, o options) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s. Mean of %d scrapes after %d to warm up, with the state saved every %s; the page is OpenMetrics text, "+
		"compressed by gzip.\n\n", machine(), o.scrapes, warmUp, saveInterval)
	fmt.Fprintln(&b, "| daemon | series | page | compressed | SAs counted | CPU per scrape | budget | floor | ratio | time | "+
		"peak memory | budget | since start |")
	fmt.Fprintln(&b, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, s := range scenarios {
		r, err := measure(ctx, o, s)
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, r.row())
	}
	return w.write("table", b.Bytes())
}

// row is the result's line of the table.
func (r *result) row() string {
	ratio := float64(r.cpu) / float64(r.floor)
	columns := []string{
		r.name, grouped(r.last.page.series), megabytes(int64(r.last.plain)), megabytes(int64(r.last.compressed)),
		fmt.Sprintf("%s of %s", grouped(int(r.last.page.ikeSAs)), grouped(r.sas)),
		milliseconds(r.cpu) + over(r.cpu > r.scenario.cpu), "≤ " + milliseconds(r.scenario.cpu),
		milliseconds(r.floor), fmt.Sprintf("%.1f×", ratio) + over(r.floors > 0 && ratio > r.floors), milliseconds(r.took),
		megabytes(r.peak) + over(r.peak > r.memory), "≤ " + megabytes(r.memory), megabytes(r.highest),
	}
	return "| " + strings.Join(columns, " | ") + " |"
}

func over(is bool) string {
	if is {
		return " **over**"
	}
	return ""
}

// machine says what the figures were measured on.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	digits := max(0, 1-int(math.Floor(math.Log10(max(ms, 0.01)))))
	return strconv.FormatFloat(ms, 'f', digits, 64) + " ms"
}

func megabytes(n int64) string {
	mb, digits := float64(n)/megabyte, 0
	switch {
	case mb < 1:
		digits = 2
	case mb < 10:
		digits = 1
	}
	return strconv.FormatFloat(mb, 'f', digits, 64) + " MB"
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// write writes a report, and puts it between its marks in the file.
func (w *reporter) write(name string, report []byte) error {
	if _, err := w.out.Write(report); err != nil || w.into == "" {
		return err
	}
	text, err := os.ReadFile(w.into)
	if err != nil {
		return err
	}
	begin, end := []byte("<!-- generated: "+name+" -->\n"), []byte("<!-- end -->\n")
	before, rest, found := bytes.Cut(text, begin)
	_, after, ended := bytes.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no place for %q: no line %q with %q after it", w.into, name, begin, end)
	}
	return os.WriteFile(w.into, bytes.Join([][]byte{before, begin, report, end, after}, nil), 0o600) // it keeps the mode that it has
}
