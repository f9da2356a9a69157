// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
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
	if err := validateTelemetryPath(c.telemetryPath); err != nil {
		return fmt.Errorf("--web.telemetry-path: %w", err)
	}
	if err := c.validateNumbers(); err != nil {
		return err
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

// validateNumbers finds numbers that mean nothing.
func (c *config) validateNumbers() error {
	for name, d := range map[string]time.Duration{
		"vici.timeout": c.timeout, "scrape.timeout": c.scrapeTimeout, "state.interval": c.stateInterval,
	} {
		if d <= 0 {
			return fmt.Errorf("--%s: %v must be more than nothing", name, d)
		}
	}
	for name, n := range map[string]int{
		"limit.series": c.seriesLimit, "collector.peers.limit": c.peersLimit, "web.max-requests": c.maxRequests,
	} {
		if n <= 0 {
			return fmt.Errorf("--%s: %d must be more than nothing", name, n)
		}
	}
	if c.minInterval < 0 {
		return fmt.Errorf("--scrape.min-interval: %v must not be less than nothing", c.minInterval)
	}
	if math.IsNaN(c.looks.PerSecond) || c.looks.PerSecond < 0 || c.looks.PerSecond > maxLooksPerSecond {
		return fmt.Errorf("--looks.per-second: %v must be between 0 and %v", c.looks.PerSecond, maxLooksPerSecond)
	}
	if c.timeoutOffset < 0 || c.timeoutOffset >= c.scrapeTimeout {
		return fmt.Errorf("--scrape.timeout-offset: %v must be between nothing and --scrape.timeout", c.timeoutOffset)
	}
	return nil
}

// validateTelemetryPath reports what no request would have as its path, what a ServeMux would take for a pattern, and what is
// served already.
func validateTelemetryPath(telemetry string) error {
	if !strings.HasPrefix(telemetry, "/") || telemetry == "/" {
		return fmt.Errorf("%q must begin with a slash and must not be the landing page", telemetry)
	}
	if slices.Contains([]string{"/probe", "/-/healthy"}, telemetry) {
		return fmt.Errorf("%q is served already", telemetry)
	}
	u, err := url.Parse(telemetry)
	unclean := path.Clean(telemetry) != strings.TrimSuffix(telemetry, "/")
	if err != nil || u.Path != telemetry || unclean || strings.ContainsAny(telemetry, "{}") {
		return fmt.Errorf("%q is not a plain path", telemetry)
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
	err := validateDirectory(filepath.Dir(c.stateFile))
	for _, file := range c.stateFiles() {
		if err == nil {
			err = collector.CheckStateFile(file)
		}
	}
	if err != nil {
		return fmt.Errorf("--state.file: %w", err)
	}
	return nil
}

// validateDirectory reports why no file can be made there, which a state needs each time that it is written. Only trying tells:
// root may do everything, and yet there are read-only file systems, and those of the kernel.
func validateDirectory(directory string) error {
	info, err := os.Stat(directory)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", directory)
	}
	file, err := os.CreateTemp(directory, "."+program+"-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
