// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command generate writes the generated files of the repository whose root it is given.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/artifacts"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: generate ROOT")
	}
	files, err := artifacts.Files(args[0])
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(args[0], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the repository is public
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil { //nolint:gosec // the repository is public
			return err
		}
	}
	return nil
}
