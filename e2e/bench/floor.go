// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// runFloor does the least that counting SAs takes: for each line that it reads, it lists the SAs, walks over the elements of
// each event, and writes how many there were. Its process is measured as the exporter's is.
func runFloor(ctx context.Context, socket string, in io.Reader, out io.Writer) error {
	session, err := vici.Dial(ctx, "unix://"+socket)
	if err != nil {
		return err
	}
	defer session.Close()
	request := new(vici.Message).Add("noblock", "yes")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		sas, elements := 0, 0
		for body, err := range session.StreamRaw(ctx, "list-sas", "list-sa", request) {
			if err != nil {
				return err
			}
			sas++
			d := vici.NewDecoder(body)
			for d.Next() {
				elements++
			}
			if d.Err() != nil {
				return d.Err()
			}
		}
		if _, err := fmt.Fprintln(out, sas, elements); err != nil {
			return err
		}
	}
	return nil
}
