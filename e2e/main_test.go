// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// exporterProgram is the path of the exporter that TestMain builds.
var exporterProgram string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the exporter, once for all tests, and runs them.
func run(m *testing.M) int {
	removeStale()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // else the next run does it
	exporterProgram = filepath.Join(dir, "strongswan_exporter")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", exporterProgram, "..")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the exporter:", err)
		return 1
	}
	if err := os.Chmod(dir, 0o755); err != nil { // unprivileged users run it, too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// dirPrefix begins the name of the directory with the exporter. The process id of its owner follows.
const dirPrefix = "strongswan_exporter-e2e-"

// removeStale removes what runs left that were killed.
func removeStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*-*")) // the pattern is well formed
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // it is only in the way of space
		}
	}
}
