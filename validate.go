// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// explain adds to an error of the command line which flag or variable it is about, which kingpin leaves out where a value is wrong.
func explain(app *kingpin.Application, args []string, err error) error {
	if err == nil || errors.Is(err, errPrinted) {
		return err
	}
	context, _ := app.ParseContext(args) // as far as it could be read
	if context == nil {
		return err
	}
	for _, element := range context.Elements {
		flag, ok := element.Clause.(*kingpin.FlagClause)
		if ok && element.Value != nil && refuses(flag.Model(), *element.Value, err) {
			return fmt.Errorf("--%s=%s: %w", flag.Model().Name, *element.Value, err)
		}
	}
	for _, flag := range app.Model().Flags {
		if value := os.Getenv(flag.Envar); flag.Envar != "" && value != "" && refuses(flag, value, err) {
			return fmt.Errorf("%s=%s: %w", flag.Envar, value, err)
		}
	}
	return err
}

// refuses reports whether that value is what the error is about.
func refuses(flag *kingpin.FlagModel, value string, err error) bool {
	refusal := flag.Value.Set(value)
	return refusal != nil && refusal.Error() == err.Error()
}

// maxLooksPerSecond is more than any daemon should bear.
const maxLooksPerSecond = 100

// validate finds what would only show later, at the first scrape.
func (c *config) validate() error {
	if _, _, err := vici.ParseAddress(c.address); err != nil {
		return fmt.Errorf("--vici.address: %w", err)
	}
	if !strings.HasPrefix(c.telemetryPath, "/") || c.telemetryPath == "/" {
		return fmt.Errorf("--web.telemetry-path: %q must begin with a slash and must not be the landing page", c.telemetryPath)
	}
	if slices.Contains([]string{"/probe", "/-/healthy"}, c.telemetryPath) {
		return fmt.Errorf("--web.telemetry-path: %q is served already", c.telemetryPath)
	}
	if u, err := url.Parse(c.telemetryPath); err != nil || u.Path != c.telemetryPath {
		return fmt.Errorf("--web.telemetry-path: %q is not a plain path", c.telemetryPath)
	}
	for name, d := range map[string]time.Duration{
		"vici.timeout": c.timeout, "scrape.timeout": c.scrapeTimeout, "state.interval": c.stateInterval,
	} {
		if d <= 0 {
			return fmt.Errorf("--%s: %v must be more than nothing", name, d)
		}
	}
	if c.seriesLimit <= 0 {
		return fmt.Errorf("--limit.series: %d must be more than nothing", c.seriesLimit)
	}
	if c.peersLimit <= 0 {
		return fmt.Errorf("--collector.peers.limit: %d must be more than nothing", c.peersLimit)
	}
	if c.looks.PerSecond < 0 || c.looks.PerSecond > maxLooksPerSecond {
		return fmt.Errorf("--looks.per-second: %v must be between 0 and %v", c.looks.PerSecond, maxLooksPerSecond)
	}
	if c.timeoutOffset < 0 || c.timeoutOffset >= c.scrapeTimeout {
		return fmt.Errorf("--scrape.timeout-offset: %v must be between nothing and --scrape.timeout", c.timeoutOffset)
	}
	for _, address := range *c.web.WebListenAddresses {
		if err := validateListenAddress(address); err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
	}
	if err := web.Validate(*c.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	return nil
}

// validateListenAddress reports what cannot be an address, without listening there.
func validateListenAddress(address string) error {
	address = strings.TrimPrefix(address, "vsock://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if _, err := net.LookupPort("tcp", port); err != nil { //nolint:noctx // a number or a name from a file
		return err
	}
	return nil
}

// validateState finds why the state could not be kept. That keeps nobody from starting, but who asks shall know.
func (c *config) validateState() error {
	if c.stateFile == "" {
		return nil
	}
	directory := filepath.Dir(c.stateFile)
	info, err := os.Stat(directory)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", directory)
	}
	if err != nil {
		return fmt.Errorf("--state.file: %w", err)
	}
	return nil
}
