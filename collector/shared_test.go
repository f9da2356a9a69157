// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A hundred scrapers at once are one round for the daemon.
func TestManyScrapersShareARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		resume := make(chan struct{})
		d.Fault("list-sas", vicitest.Delay(resume))
		b := newTestbed(t, d)
		pages := make([]string, 100)
		var scrapers sync.WaitGroup
		for i := range pages {
			scrapers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				families, _, err := b.Gather(ctx)
				require.NoError(t, err)
				pages[i] = text(t, families)
			})
		}
		synctest.Wait()
		close(resume)
		scrapers.Wait()
		require.Len(t, slices.Compact(pages), 1, "all get the same page")
		o := d.Observe()
		require.Equal(t, 1, o.Accepted)
		require.Equal(t, 1, o.MaxInFlight)
		require.Equal(t, 1, o.Commands["list-sas"])
		require.Equal(t, 1, o.Commands["version"])
		require.Equal(t, 2, o.Commands["stats"], "whether the daemon is up, and whether the listing was complete")
	})
}

func TestMinInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, func(c *Config) { c.MinInterval = time.Second })
		for range 30 { // in 3 s
			require.Empty(t, b.scrape().failed())
			pass(100 * time.Millisecond)
		}
		require.Equal(t, 3, d.Observe().Commands["list-sas"])
	})
}

// Whoever asks for some collectors does not make those for others be asked again.
func TestMinIntervalOfEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, func(c *Config) { c.MinInterval = 30 * time.Second })
		asked := func(command string) int { return d.Observe().Commands[command] }
		for i := range 40 { // in 20 s
			require.Empty(t, b.scrape([]string{"sas", "pools"}[i%2]).failed())
			pass(500 * time.Millisecond)
		}
		require.Equal(t, 1, asked("list-sas"))
		require.Equal(t, 1, asked("get-pools"))
		require.Equal(t, 1, asked("version"))

		require.Empty(t, b.scrape().failed())
		require.Equal(t, 1, asked("list-policies"))
		require.Equal(t, 2, asked("list-sas"), "for connections")
		pass(15 * time.Second)
		require.Empty(t, b.scrape("sas", "policies").failed())
		require.Equal(t, 3, asked("list-sas"), "its result is too old now")
		require.Equal(t, 1, asked("list-policies"), "while that of others is not")
	})
}

// What was found before a caller came is not taken for new since the rest of its round took longer, unless it is recent enough.
func TestFoundBefore(t *testing.T) {
	for interval, want := range map[time.Duration][]string{
		0: {"policies"}, time.Second: {"policies"}, time.Minute: nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t, vicitest.Config{})
			b := newTestbed(t, d, func(c *Config) { c.MinInterval = interval })
			heal := d.Fault("get-pools", slowly(4*time.Second))
			var scrapers sync.WaitGroup
			scrapers.Go(func() { require.Empty(t, b.scrape("policies", "pools").failed()) })
			pass(2 * time.Second)
			heal()
			d.Fault("list-policies", vicitest.Refuse("no"))
			require.Equal(t, want, b.scrape("policies", "daemon").failed())
			scrapers.Wait()
		})
	}
}

// A long round is no reason to ask again at once for what it found first.
func TestRestAfterALongRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, func(c *Config) { c.MinInterval = time.Second })
		d.Fault("get-pools", slowly(4*time.Second))
		require.Empty(t, b.scrape("policies", "pools").failed())
		pass(900 * time.Millisecond)
		require.Empty(t, b.scrape("policies", "pools").failed())
		require.Equal(t, 1, d.Observe().Commands["list-policies"])
		pass(100 * time.Millisecond)
		require.Empty(t, b.scrape("policies").failed())
		require.Equal(t, 2, d.Observe().Commands["list-policies"])
	})
}

// A result of some sources is kept while somebody reads it, though others are found anew.
func TestPartIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newDaemon(t, vicitest.Config{}), func(c *Config) { c.MinInterval = time.Minute })
		whole, done, err := b.Gather(t.Context())
		require.NoError(t, err)
		before := text(t, whole)
		for range 3 {
			for _, name := range b.Names() {
				_, doneToo, err := b.Gather(t.Context(), name)
				require.NoError(t, err)
				doneToo()
				pass(20 * time.Second)
			}
		}
		require.Equal(t, before, text(t, whole))
		done()
	})
}

// A page has each collector once, however often it was asked for.
func TestCollectorAskedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newDaemon(t, vicitest.Config{}))
		requirePedantic(t, b.gather("daemon", "pools", "daemon"))
		once, twice := b.scrape("pools", "daemon"), b.scrape("daemon", "pools", "daemon")
		require.Equal(t, once.of("scrape_collector_success"), twice.of("scrape_collector_success"))
	})
}

// Whoever wants something else waits for the round under way and then gets one of its own; whoever wants a part of
// it shares it.
func TestDifferentCollectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		resume := make(chan struct{})
		d.Fault("get-pools", vicitest.Delay(resume))
		b := newTestbed(t, d, func(c *Config) { c.MinInterval = time.Second })
		results := make(map[string]samples)
		var mu sync.Mutex
		var scrapers sync.WaitGroup
		scrape := func(name string, only ...string) {
			scrapers.Go(func() {
				s := newSamples(t, b.gatherWithin(4*time.Second, only...))
				mu.Lock()
				defer mu.Unlock()
				results[name] = s
			})
			synctest.Wait()
		}
		scrape("first", "daemon", "pools")
		scrape("part", "daemon")
		scrape("other", "policies")
		scrape("all")
		require.Equal(t, 1, d.Observe().InFlight)
		close(resume)
		scrapers.Wait()
		for name, s := range results {
			require.Empty(t, s.failed(), name)
			require.Equal(t, "1", s.value("up"), name)
		}
		require.Equal(t, 1, d.Observe().MaxInFlight, "one round at a time")
		require.Len(t, results["part"].of("scrape_collector_success"), 1)
		require.Len(t, results["all"].of("scrape_collector_success"), len(b.Names()))
		require.Empty(t, results["other"].of("daemon_info"))
		require.LessOrEqual(t, d.Observe().Commands["list-policies"], 2)
		require.Equal(t, "1", b.scrape("pools").value("up"))
		require.Equal(t, 2, d.Observe().Commands["get-pools"], "a recent round of everything serves for a part")
	})
}

// A scraper that goes away takes nothing from those that wait for the same round.
func TestFirstScraperGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		resume := make(chan struct{})
		d.Fault("get-pools", vicitest.Delay(resume))
		b := newTestbed(t, d, only("pools"))
		ctx, leave := context.WithCancel(t.Context())
		var scrapers sync.WaitGroup
		scrapers.Go(func() {
			families, _, err := b.Gather(ctx)
			require.NoError(t, err)
			require.Equal(t, []string{"pools"}, newSamples(t, families).failed())
		})
		synctest.Wait()
		scrapers.Go(func() { require.Empty(t, b.scrape().failed()) })
		synctest.Wait()
		leave()
		synctest.Wait()
		close(resume)
		scrapers.Wait()
	})
}

// A page stays as it is for as long as somebody reads it, whatever rounds follow. Afterwards its memory is the next one's.
func TestPageIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("daemon"))
		version := func(families []*dto.MetricFamily) *dto.Metric {
			i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == daemonInfo.Name })
			return families[i].Metric[0]
		}
		slow, done, err := b.Gather(t.Context())
		require.NoError(t, err)
		read := version(slow)
		before := text(t, slow)
		for range 3 {
			pass(time.Minute)
			families, done, err := b.Gather(t.Context())
			require.NoError(t, err)
			require.NotSame(t, read, version(families))
			done()
			done() // once is enough, and twice no harm
		}
		require.Equal(t, before, text(t, slow))
		done()

		round := func() *dto.Metric {
			pass(time.Minute)
			families, done, err := b.Gather(t.Context())
			require.NoError(t, err)
			defer done()
			return version(families)
		}
		last := round()
		require.Same(t, last, round())
	})
}

// Closing does not wait for a daemon that is silent, and afterwards there is nothing.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		require.Equal(t, "1", b.scrape().value("up"))
		wake := stop(d)
		defer wake()
		var scrapers sync.WaitGroup
		scrapers.Go(func() {
			families, _, err := b.Gather(t.Context())
			require.NoError(t, err)
			require.Equal(t, "0", newSamples(t, families).value("up"))
		})
		pass(time.Minute)
		begin := time.Now()
		require.NoError(t, b.Close())
		require.Zero(t, time.Since(begin))
		scrapers.Wait()
		synctest.Wait()
		require.Zero(t, d.Observe().Connections)

		families, _, err := b.Gather(t.Context())
		require.NoError(t, err)
		require.Equal(t, "0", newSamples(t, families).value("up"))
		require.NoError(t, b.Close(), "twice does no harm")
	})
}

// Rounds that many goroutines ask for at random, for the race detector.
func TestConcurrentGather(t *testing.T) {
	d := newDaemon(t, vicitest.Config{})
	d.Load(vicitest.Connection{Name: "gw", Children: []vicitest.Child{{Name: "net"}}})
	_, err := d.Establish("gw", vicitest.Peer{})
	require.NoError(t, err)
	b := newTestbed(t, d, everything)
	sets := [][]string{nil, {"sas"}, {"daemon", "counters"}, {"connections", "events"}, {"certificates", "peers"}}
	var scrapers sync.WaitGroup
	seen := make([]map[string]string, 40)
	for i := range seen {
		scrapers.Go(func() {
			families, _, err := b.Gather(t.Context(), sets[i%len(sets)]...)
			require.NoError(t, err)
			seen[i] = maps.Clone(newSamples(t, families))
		})
	}
	scrapers.Wait()
	for _, s := range seen {
		require.Empty(t, samples(s).failed())
	}
}
