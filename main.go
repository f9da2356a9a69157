// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command strongswan_exporter serves what a strongSwan IKE daemon is doing as Prometheus metrics.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	boundHeap()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "strongswan_exporter:", err)
		os.Exit(exitStatus(err))
	}
}

// boundHeap makes the heap grow by a quarter before it is cleaned, where the environment does not say otherwise. What a large gateway
// needs stays from scrape to scrape, and little is thrown away, so Go's default of doubling would mostly be for nothing.
func boundHeap() {
	const growth = 25 // percent
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
}

// errUsage marks errors of the flags and of files that they name: what will be as wrong the next time.
var errUsage = errors.New("wrong configuration")

// exitStatus is what the process ends with: 1 where it may go better the next time, 2 where somebody has to change something.
func exitStatus(err error) int {
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// run serves until the context ends, or does what a flag asks for instead.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	config, err := parseFlags(args, stdout)
	if errors.Is(err, errPrinted) {
		return nil
	}
	if err == nil {
		err = config.validate()
	}
	if err == nil && config.check {
		err = config.validateState()
	}
	if err != nil {
		return fmt.Errorf("%w: %w (see --help)", errUsage, err)
	}
	if config.check {
		fmt.Fprintln(stdout, "The configuration is right.")
		return nil
	}
	log := promslog.New(&promslog.Config{Level: config.log.Level, Format: config.log.Format, Writer: stderr})
	all, err := newTargets(config, log)
	if err != nil {
		return err
	}
	defer func() { _ = all.close() }() // it waits, and returns nil
	ctx, stop := context.WithCancel(ctx)
	wait := all.watch(ctx)
	defer wait()
	defer stop()
	if config.once {
		return printOnce(ctx, all[0].collector, config, stdout)
	}
	return all.serve(ctx, config, log)
}

// serve answers requests until the context ends.
func (t targets) serve(ctx context.Context, config *config, log *slog.Logger) error {
	log.Info("Starting strongswan_exporter", "version", version.Info(), "build", version.BuildContext(),
		"address", config.address, "targets", config.targets.String(), "collectors", t[0].collector.Names())
	handler, err := newHandler(t[0].collector, config, log, t[1:]...)
	if err != nil {
		return err
	}
	return serve(ctx, handler, config.web, log)
}

// Bounds of what a client may take of the server. A request as a whole, a body included that nobody needs and a page
// that is not read, ends some time after the longest scrape.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = longestScrape + time.Minute
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
	shutdownTimeout = 5 * time.Second
)

// newServer returns a server with these bounds.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// serve answers requests until the context ends, and lets those under way finish.
func serve(ctx context.Context, handler http.Handler, flags *web.FlagConfig, log *slog.Logger) error {
	server := newServer(handler, log)
	failed := make(chan error, 1)
	go func() { failed <- web.ListenAndServe(server, flags, log) }()
	select {
	case err := <-failed:
		return fmt.Errorf("cannot serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("Shutting down")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ending); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("cannot shut down: %w", err)
	}
	return nil
}
