// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// exporterProgram is the path of the exporter that TestMain builds.
var exporterProgram string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the exporter, once for all tests, and runs them.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "strongswan_exporter-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the temporary directory
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
