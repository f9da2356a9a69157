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
	"syscall"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "strongswan_exporter:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	config, err := parseFlags(args)
	if err != nil {
		return err
	}
	log := promslog.New(&promslog.Config{Level: config.log.Level, Format: config.log.Format, Writer: stderr})
	if err := config.validate(); err != nil {
		return err
	}
	c, err := collector.New(config.collector(log))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it waits, and returns nil
	log.Info("Starting strongswan_exporter", "version", version.Info(), "build", version.BuildContext(),
		"address", config.address, "collectors", c.Names())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		_ = c.Run(ctx) // it ends with the context
	}()
	defer func() { <-watching }()
	handler, err := newHandler(c, config, log)
	if err != nil {
		return err
	}
	return serve(ctx, handler, config.web, log)
}

// Bounds of what a client may take of the server.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
	shutdownTimeout = 5 * time.Second
)

// serve answers requests until the context ends, and lets those under way finish.
func serve(ctx context.Context, handler http.Handler, flags *web.FlagConfig, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
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
