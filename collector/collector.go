// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package collector turns what a strongSwan daemon says over VICI into
// Prometheus metrics. It knows nothing of flags, HTTP or the process that it runs in.
//
// A [Collector] asks the daemon in rounds. A round runs each enabled [Source] in turn over one session; a source
// whose query fails, hangs or cannot be understood gives no samples and costs the others nothing. Rounds
// are shared: callers that come while one is under way get its result. One that is in a hurry gets what is finished when its time
// is over, and costs the others nothing.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of the collection itself.
var (
	up = gauge("up", "Whether the daemon answered the commands version and stats.")

	exporterStart = gauge("exporter_start_time_seconds",
		"When the exporter began to watch this daemon: what happened before, it may not know yet.")

	collectorSuccess = gauge("scrape_collector_success",
		"Whether all queries of the collector completed. If not, its metrics are absent.", "collector")
	collectorDuration = gauge("scrape_collector_duration_seconds",
		"How long the collector's queries took; a query that several collectors need counts for the first.", "collector")
	sweepUnlisted = gauge("sweep_unlisted_ike_sas",
		"Number of IKE_SAs that the daemon has and did not list: they were busy just then, or too large for one message.")
)

// A Source turns the answers to one family of queries into samples.
type Source interface {
	// Metrics returns all metrics that Collect may emit.
	Metrics() []*Metric

	// Collect asks the daemon and adds samples to out, which counts only if
	// the error is nil. An error that matches vici.ErrUnknownCommand means that this daemon has nothing to tell.
	Collect(ctx context.Context, r *round, out *Page) error
}

// Config says how to collect. Dialer is required.
type Config struct {
	// Dialer connects to the daemon. Its Trace must be nil: the collector sets it.
	Dialer *vici.Dialer

	// Collectors enables and disables sources by name; others have their default.
	Collectors map[string]bool

	// PeersLimit bounds the number of peers that the source "peers" shows; 0 means [DefaultPeersLimit].
	PeersLimit int

	// Looks bounds the looks at single CHILD_SAs around their rekeying; the zero value means none.
	Looks LooksConfig

	// StateFile, if not empty, is where totals and counters are kept over a restart. It is read by
	// New, and written by Run at intervals and at its end. A second file, with ".exposed" at the end of its
	// name, is written with each round that exposes anything new, and removed at the end. [CheckStateFile] tells what cannot be
	// such a file.
	StateFile string

	// StateInterval is how often the state is saved; 0 means [DefaultStateInterval].
	StateInterval time.Duration

	// SeriesLimit bounds the number of series that are gathered at once; 0 means [DefaultSeriesLimit].
	SeriesLimit int

	// CountCreated tells that created timestamps are exposed as samples, which are series as well.
	CountCreated bool

	// Timeout bounds each query; 0 means [DefaultTimeout].
	Timeout time.Duration

	// MinInterval is how old a result may be and still be served instead of asking the daemon again.
	MinInterval time.Duration

	// Include and Exclude select connections by name, where not nil. Both must match the whole name.
	Include, Exclude *regexp.Regexp

	// Logger is told when something changes; nil discards it.
	Logger *slog.Logger
}

// DefaultPeersLimit bounds the number of peers where nothing else is configured.
const DefaultPeersLimit = 10000

// DefaultTimeout bounds a query where nothing else is configured.
const DefaultTimeout = 5 * time.Second

// A Collector collects from one daemon. Its methods are safe for concurrent use.
type Collector struct {
	sources  []*enabledSource
	gateway  *gateway
	requests *requests
	shared   *shared
	changes  changes
	limit    seriesLimit
	began    time.Time
	state    *stateFiles // nil if nothing survives the process
	exposure exposure    // what of it was exposed last
	interval time.Duration
}

type enabledSource struct {
	name    string
	lasting bool
	Source

	spare sparePage
}

// New returns a Collector. It does not contact the daemon yet.
func New(config Config) (*Collector, error) {
	sources, err := enabledSources(config.Collectors)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	began := time.Now()
	requests, names := newRequests(began), newNames(config.includes)
	names.limit = max(fewestNames, cmp.Or(config.SeriesLimit, DefaultSeriesLimit)/seriesPerName)
	table := newSATable(names, began)
	table.ledger.reject = requests.reject
	if slices.ContainsFunc(sources, func(s *enabledSource) bool { return s.name == "peers" }) {
		table.peers = newPeerBook(cmp.Or(config.PeersLimit, DefaultPeersLimit))
	}
	dialer := *config.Dialer
	dialer.Trace = requests.trace()
	schedule := newSchedule(config.Looks)
	tracker := newTracker(names, table, schedule, time.Now)
	tracker.reject = requests.reject
	c := &Collector{
		sources:  sources,
		requests: requests,
		began:    began,
		changes:  changes{log: config.Logger},
		limit:    seriesLimit{cmp.Or(config.SeriesLimit, DefaultSeriesLimit), config.CountCreated},
		gateway: &gateway{
			client:   newClient(&dialer),
			names:    names,
			table:    table,
			tracker:  tracker,
			turn:     make(chan struct{}, 1),
			changed:  make(chan struct{}, 1),
			requests: requests,
			timeout:  config.Timeout,
			patience: make(map[string]*patience),
			log:      config.Logger,
			now:      time.Now,
		},
	}
	c.gateway.client.revived = c.gateway.revived
	c.gateway.looks = newLooks(c.gateway, schedule)
	c.interval = cmp.Or(config.StateInterval, DefaultStateInterval)
	c.state = newStateFiles(config.StateFile, config.Logger)
	if s := c.state.load(dialer.Address); s != nil {
		tracker.restore(s, time.Now())
	}
	c.shared = newShared(c.collect, config.MinInterval)
	return c, nil
}

// Run keeps the subscription to the daemon's events, makes the looks that traffic totals need, and saves the state, until the
// context ends; it returns the context's error. Without it there are no counts of events, and traffic totals miss what
// passed between the last round and the end of an SA. It is to be called once.
func (c *Collector) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { c.state.run(ctx, c.interval, c.snapshot) })
	if !slices.Contains(c.Names(), "events") {
		<-ctx.Done()
		return ctx.Err()
	}
	running.Go(func() { c.gateway.looks.run(ctx) })
	running.Go(func() { c.gateway.looks.listen(ctx) })
	running.Go(func() { c.resync(ctx) })
	return c.gateway.watcher().Run(ctx)
}

// resync lists all SAs whenever the subscription to events was made anew, so that counting goes on from there and does not wait
// for the next scrape.
func (c *Collector) resync(ctx context.Context) {
	i := slices.IndexFunc(c.sources, func(s *enabledSource) bool { return sweeps(s.Source) })
	if i < 0 {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.gateway.changed:
			_, release := c.shared.get(ctx, []string{upPart, c.sources[i].name})
			release()
		}
	}
}

// keepExposed saves what a part is about to expose, so that no later process exposes less.
func (c *Collector) keepExposed() {
	if c.state == nil {
		return
	}
	changed := false
	c.gateway.locked(func() { changed = c.exposure.update(c.gateway.tracker, c.gateway.client.dialer.Address, time.Now()) })
	if changed || c.state.exposed.failing {
		c.state.keepExposed(&c.exposure.state)
	}
}

// snapshot returns the state as it is now.
func (c *Collector) snapshot() (s *state) {
	c.gateway.locked(func() { s = c.gateway.tracker.snapshot(c.gateway.client.dialer.Address, time.Now()) })
	return s
}

// includes reports whether a connection is to be shown.
func (c *Config) includes(connection string) bool {
	return (c.Include == nil || c.Include.MatchString(connection)) &&
		(c.Exclude == nil || !c.Exclude.MatchString(connection))
}

// Close ends a round that is under way and the connection to the daemon.
func (c *Collector) Close() error {
	c.shared.close()
	c.gateway.client.close()
	return nil
}

// Names returns the names of the enabled sources.
func (c *Collector) Names() []string {
	names := make([]string, len(c.sources))
	for i, s := range c.sources {
		names[i] = s.name
	}
	return names
}

// ErrNotEnabled is the error for sources that were asked for and do not run.
var ErrNotEnabled = errors.New("collector is unknown or not enabled")

// Gather returns the samples of the named sources, or of all enabled ones, sorted as
// promhttp needs them. When the context ends first, it returns those of the sources that are finished;
// the success metric tells which are missing. The families must not be changed.
//
// Calling done gives their memory back, for the next round to use; they must not be read afterwards. Whoever does not
// call it leaves them to the garbage collector. It is never nil.
func (c *Collector) Gather(ctx context.Context, only ...string) (families []*dto.MetricFamily, done func(), err error) {
	names, err := c.choose(only)
	if err != nil {
		return nil, func() {}, err
	}
	parts, release := c.shared.get(ctx, append([]string{upPart}, names...))
	return c.view(parts, names), release, nil
}

// choose returns the names of the sources that somebody asks for, each once: all if none are named.
func (c *Collector) choose(only []string) ([]string, error) {
	enabled := c.Names()
	for _, name := range only {
		if !slices.Contains(enabled, name) {
			return nil, fmt.Errorf("%w: %q (enabled are %s)", ErrNotEnabled, name, strings.Join(enabled, ", "))
		}
	}
	if len(only) == 0 {
		return enabled, nil
	}
	return slices.DeleteFunc(enabled, func(name string) bool { return !slices.Contains(only, name) }), nil
}

// upPart is the name of the part that only tells whether the daemon is up.
const upPart = ""

// collect runs a round and publishes each part as soon as it is finished. Whether the daemon is up comes first, so that it
// is known to whoever does not wait for the rest.
func (c *Collector) collect(ctx context.Context, only []string, publish func(*part)) {
	r := &round{gateway: c.gateway}
	if slices.Contains(only, upPart) {
		p := &part{name: upPart}
		c.guarded(p, func() { p.err = r.up(ctx) })
		c.changes.daemon(p.err)
		publish(p)
	}
	for _, s := range c.sources {
		if slices.Contains(only, s.name) {
			p := c.collectPart(ctx, r, s)
			c.changes.source(s.name, p.err, r.unreachable != nil)
			if s.lasting {
				c.keepExposed() // whoever is in a hurry reads the part before the round is at its end
			}
			publish(p)
		}
	}
}

// collectPart runs one source.
func (c *Collector) collectPart(ctx context.Context, r *round, s *enabledSource) *part {
	p := &part{name: s.name, source: s, page: s.spare.take()}
	start := time.Now()
	c.guarded(p, func() {
		err := s.Collect(ctx, r, p.page)
		switch {
		case errors.Is(err, vici.ErrUnknownCommand), errors.Is(err, vici.ErrUnknownEvent):
			c.changes.unsupported(s.name, err)
		case err == nil, isPartial(err):
			p.err, p.families = err, p.page.Families()
		default:
			p.err = err
		}
	})
	p.took = time.Since(start)
	return p
}

// guarded runs what makes a part. If that panics over what the daemon sent, it fails like any other.
func (c *Collector) guarded(p *part, run func()) {
	defer func() {
		if v := recover(); v != nil {
			p.page, p.families, p.err = nil, nil, fmt.Errorf("panic: %v", v)
			c.gateway.client.drop()
			c.changes.panicked(p.name, v)
		}
	}()
	run()
}

var _ io.Closer = (*Collector)(nil)
