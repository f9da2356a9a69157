// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	webflag "github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// program is the name under which everything goes: the command, its
// environment variables, its build information.
const program = "strongswan_exporter"

// defaultListenAddress recalls IKE's port 500. The ports from 9100 to 9999, which the Prometheus project hands out to
// exporters, are all taken.
const defaultListenAddress = ":10500"

// A config is what the flags say.
type config struct {
	address       string
	timeout       time.Duration
	minInterval   time.Duration
	timeoutOffset time.Duration
	scrapeTimeout time.Duration
	peersLimit    int
	seriesLimit   int
	stateFile     string
	stateInterval time.Duration
	looks         collector.LooksConfig
	telemetryPath string
	maxRequests   int
	created       bool // whether OpenMetrics text has samples for created timestamps
	include       *regexp.Regexp
	exclude       *regexp.Regexp
	collectors    map[string]*bool
	targets       namedAddresses
	once          bool
	check         bool
	web           *web.FlagConfig
	log           *promslog.Config
}

// parseFlags reads the command line. Every flag can be set by an environment variable too: --vici.address by
// STRONGSWAN_EXPORTER_VICI_ADDRESS. If a flag asks for a text, like the help, that is printed and the error is errPrinted.
func parseFlags(args []string, stdout io.Writer) (*config, error) {
	app, c := newApplication()
	app.UsageWriter(stdout)
	_, err := app.Parse(args)
	return c, explain(app, args, err)
}

// newApplication declares the flags.
func newApplication() (*kingpin.Application, *config) {
	app := kingpin.New(program, "Serves what a strongSwan IKE daemon is doing as Prometheus metrics.")
	app.DefaultEnvars()
	app.Version(version.Print(program))
	addHelp(app)
	c := &config{log: &promslog.Config{}}
	c.addModeFlags(app)
	c.addVICIFlags(app)
	c.addScrapeFlags(app)
	c.addCollectorFlags(app)
	c.web = webflag.AddFlags(app, defaultListenAddress)
	app.GetFlag("web.config.file").PlaceHolder("FILE")
	promslogflag.AddFlags(app, c.log)
	return app, c
}

func (c *config) addModeFlags(app *kingpin.Application) {
	app.Flag("once", "Print one scrape of the daemon of --vici.address to the standard output and end, with status 0 if it answered. "+
		"Those of --vici.target are left out, and no events are counted.").
		BoolVar(&c.once)
	app.Flag("config.check", "Check the flags and the files that they name, and end, with status 0 if nothing is wrong.").
		BoolVar(&c.check)
}

func (c *config) addVICIFlags(app *kingpin.Application) {
	app.Flag("vici.address", "Where the daemon's VICI socket is: unix:///PATH or tcp://HOST:PORT.").
		Default(vici.DefaultAddress).StringVar(&c.address)
	app.Flag("vici.timeout", "How long the daemon may take to answer one query before the connection is closed.").
		Default(collector.DefaultTimeout.String()).DurationVar(&c.timeout)
	app.Flag("vici.target", "A further daemon, whose metrics are served under /probe?target=NAME. May be repeated.").
		PlaceHolder("NAME=ADDRESS").SetValue(&c.targets)
}

func (c *config) addScrapeFlags(app *kingpin.Application) {
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&c.telemetryPath)
	app.Flag("web.max-requests", "How many requests for pages may be under way at a time; others are refused with status 503.").
		Default("40").IntVar(&c.maxRequests)
	app.Flag("web.created-samples",
		"Add a sample to each counter in OpenMetrics text that tells since when it counts. Prometheus takes these for series of their own, "+
			"unless its feature created-timestamp-zero-ingestion is on; the protobuf format always tells.").
		Default("false").BoolVar(&c.created)
	app.Flag("scrape.timeout", "How long a scrape may take whose request does not say so itself, as Prometheus' requests do.").
		Default("10s").DurationVar(&c.scrapeTimeout)
	app.Flag("scrape.timeout-offset", "By how much a scrape is to end before the scraper gives up.").
		Default("500ms").DurationVar(&c.timeoutOffset)
	app.Flag("scrape.min-interval", "How old the result of a collector may be and be served again instead of asking the daemon.").
		Default("1s").DurationVar(&c.minInterval)
	app.Flag("limit.series", "How many series to expose at most; beyond it whole metrics are left out, the largest first.").
		Default(strconv.Itoa(collector.DefaultSeriesLimit)).IntVar(&c.seriesLimit)
	app.Flag("state.file",
		"File in which traffic totals and event counters are kept over a restart of the exporter; none if empty. "+
			"A second one, with .exposed at the end of its name, has what was served last.").
		PlaceHolder("FILE").StringVar(&c.stateFile)
	app.Flag("state.interval", "How often the state file is written.").
		Default(collector.DefaultStateInterval.String()).DurationVar(&c.stateInterval)
	app.Flag("looks.per-second",
		"How many looks at single CHILD_SAs may be made around their rekeying, to keep traffic totals exact; 0 is none.").
		Default("10").Float64Var(&c.looks.PerSecond)
	app.Flag("looks.max-ike-sas", "No looks are made while the daemon has more IKE_SAs than this, since each goes through all of them.").
		Default("2000").Uint64Var(&c.looks.MaxIKESAs)
	app.Flag("looks.log",
		"Read the daemon's log while there are looks, for the announcements of rekeyings that no timer foretells, unless it is long.").
		Default("true").BoolVar(&c.looks.Log)
	app.Flag("connection.include", "Regular expression for the names of connections to show; it must match the whole name.").
		PlaceHolder("REGEXP").SetValue(&anchored{&c.include})
	app.Flag("connection.exclude", "Regular expression for the names of connections not to show; it must match the whole name.").
		PlaceHolder("REGEXP").SetValue(&anchored{&c.exclude})
}

func (c *config) addCollectorFlags(app *kingpin.Application) {
	c.collectors = make(map[string]*bool)
	for _, info := range collector.Infos() {
		state := "disabled"
		if info.Default {
			state = "enabled"
		}
		c.collectors[info.Name] = app.Flag("collector."+info.Name, fmt.Sprintf("%s (default: %s)", info.Help, state)).
			Default(strconv.FormatBool(info.Default)).Bool()
	}
	app.Flag("collector.peers.limit", "How many peers the collector peers shows at most; others are counted in strongswan_peers_dropped.").
		Default(strconv.Itoa(collector.DefaultPeersLimit)).IntVar(&c.peersLimit)
}

// anchored is a flag's regular expression that matches whole names only.
type anchored struct{ target **regexp.Regexp }

// Set compiles the expression.
func (a *anchored) Set(s string) error {
	// First as it is: an error shall show what was written, and "a)|(b" must not be one after all.
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("not a regular expression: %w", err)
	}
	re, err := regexp.Compile("^(?s:" + s + ")$")
	if err != nil {
		return fmt.Errorf("not a regular expression: %w", err)
	}
	*a.target = re
	return nil
}

// String returns the expression as kingpin shows it in the help.
func (a *anchored) String() string {
	if *a.target == nil {
		return ""
	}
	return (*a.target).String()
}

// collector returns the configuration of the collector.
func (c *config) collector(log *slog.Logger) collector.Config {
	enabled := make(map[string]bool)
	for name, on := range c.collectors {
		enabled[name] = *on
	}
	if c.once {
		enabled["events"] = false // they would be those of a moment
	}
	return collector.Config{
		Dialer:        &vici.Dialer{Address: c.address},
		Collectors:    enabled,
		PeersLimit:    c.peersLimit,
		SeriesLimit:   c.seriesLimit,
		CountCreated:  c.created,
		Looks:         c.looks,
		StateFile:     c.stateFile,
		StateInterval: c.stateInterval,
		Timeout:       c.timeout,
		MinInterval:   c.minInterval,
		Include:       c.include,
		Exclude:       c.exclude,
		Logger:        log,
	}
}
