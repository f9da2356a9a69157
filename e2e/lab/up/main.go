// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command up runs a laboratory of real gateways for a developer to look at: see
// the documentation of package lab.
//
//	go run ./e2e/lab/up [GENERATION]
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// commandTimeout bounds one swanctl, so that a busy daemon does not keep the
// developer from typing.
const commandTimeout = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "up:", err)
		os.Exit(1)
	}
}

// run keeps a laboratory open until its input or the context ends.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	generations := lab.Generations()
	generation := generations[len(generations)-1]
	if len(args) > 0 {
		generation = args[0]
	}
	l, err := lab.Open(ctx, generation)
	if err != nil {
		return err
	}
	describe(out, l)
	lines := make(chan string)
	go read(in, lines)
	for {
		select {
		case <-ctx.Done():
			return l.Close()
		case line, ok := <-lines:
			if !ok {
				return l.Close()
			}
			fmt.Fprint(out, execute(ctx, l, strings.Fields(line)))
		}
	}
}

func describe(out io.Writer, l *lab.Lab) {
	fmt.Fprintf(out, "strongSwan %s is up.\n", l.Version())
	for _, g := range l.Gateways() {
		fmt.Fprintf(out, "  %-5s %-9s process %-7d %s  log %s\n", g.Name, g.Outer, g.PID(), g.Address(), g.LogFile())
	}
	fmt.Fprintln(out, "Type a gateway and options of swanctl; the end of input (Ctrl-D) removes everything:")
	fmt.Fprintln(out, "  moon --initiate --child net-net")
}

// read sends the lines of a reader and closes the channel at its end.
func read(in io.Reader, lines chan<- string) {
	defer close(lines)
	for scanner := bufio.NewScanner(in); scanner.Scan(); {
		lines <- scanner.Text()
	}
}

// execute runs swanctl on the gateway that the words begin with, and returns what
// there is to see.
func execute(ctx context.Context, l *lab.Lab, words []string) string {
	if len(words) == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	for _, g := range l.Gateways() {
		if g.Name == words[0] {
			output, err := g.Swanctl(ctx, words[1:]...)
			return output + text(err)
		}
	}
	return text(errors.New("the line has to begin with moon, sun or carol"))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + "\n"
}
