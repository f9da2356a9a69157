// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// slowly makes a command take some time before the daemon answers.
func slowly(d time.Duration) vicitest.Fault {
	return func(next vicitest.Command) vicitest.Command {
		return func(c *vicitest.Call) (*vici.Message, error) {
			pass(d)
			return next(c)
		}
	}
}

// newSlowTestbed has a daemon whose list-sas takes a second, which is no fault.
func newSlowTestbed(t *testing.T, changes ...func(*Config)) (*testbed, *vicitest.Daemon) {
	t.Helper()
	d := newDaemon(t, vicitest.Config{})
	b := newTestbed(t, d, append(changes, only("sas", "daemon"))...)
	require.Empty(t, b.scrape().failed())
	pass(time.Minute)
	d.Fault("list-sas", slowly(time.Second))
	return b, d
}

const (
	hurry = 500 * time.Millisecond
	rest  = 9500 * time.Millisecond // what a scraper with the usual timeout has
)

// A scraper in a hurry does not get what takes longer, which costs those that have the time nothing: not whoever waits for the
// same round, nor whoever comes later, at whatever distance.
func TestHurryCostsNobodyElse(t *testing.T) {
	for _, later := range []time.Duration{hurry / 50, hurry + hurry/5, 3 * hurry, 3 * time.Second, 7 * time.Second} {
		for _, interval := range []time.Duration{0, time.Second} {
			synctest.Test(t, func(t *testing.T) {
				b, d := newSlowTestbed(t, func(c *Config) { c.MinInterval = interval })
				for range 40 {
					start := time.Now()
					var scrapers sync.WaitGroup
					scrapers.Go(func() { require.Equal(t, []string{"sas"}, newSamples(t, b.gatherWithin(hurry)).failed()) })
					pass(later)
					s := newSamples(t, b.gatherWithin(rest))
					require.Empty(t, s.failed(), "%v later, with an interval of %v", later, interval)
					require.Equal(t, "1", s.value("up"))
					require.LessOrEqual(t, time.Since(start), later+2*time.Second)
					scrapers.Wait()
					pass(15*time.Second - time.Since(start))
				}
				require.LessOrEqual(t, len(d.Requests("list-sas")), 1+40+12, "what takes longer is hardly ever asked for in a hurry")
			})
		}
	}
}

// Whoever has little time learns from a long round of somebody else at least that the daemon answers.
func TestUpInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newSlowTestbed(t)
		var scrapers sync.WaitGroup
		scrapers.Go(func() { require.Empty(t, newSamples(t, b.gatherWithin(rest)).failed()) })
		pass(10 * time.Millisecond)
		s := newSamples(t, b.gatherWithin(hurry))
		require.Equal(t, "1", s.value("up"))
		require.Equal(t, []string{"daemon", "sas"}, s.failed())
		scrapers.Wait()
	})
}

// Scrapers in a hurry do not ask more often than others.
func TestMinIntervalInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := newSlowTestbed(t, func(c *Config) { c.MinInterval = time.Second })
		before := d.Observe().Commands
		for range 600 { // in a minute
			require.Equal(t, "1", newSamples(t, b.gatherWithin(hurry)).value("up"))
			pass(100 * time.Millisecond)
		}
		after := d.Observe().Commands
		require.LessOrEqual(t, after["list-conns"]-before["list-conns"], 61)
		require.LessOrEqual(t, after["list-sas"]-before["list-sas"], 4, "after 5 s, 10 s and so on")
	})
}

// A command that the daemon never answers is left in peace, whoever asks: a few requests at once, since each waits longer than
// all before, and hardly any later.
func TestPatienceWhateverTheHurry(t *testing.T) {
	waits := []time.Duration{
		rest, 100 * time.Millisecond, 4500 * time.Millisecond, 20 * time.Millisecond, 1500 * time.Millisecond, time.Minute, hurry,
	}
	for name, ping := range map[string]time.Duration{"else well": 0, "else slow": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t, vicitest.Config{})
				b := newTestbed(t, d, only("policies", "daemon"))
				d.Fault("list-policies", vicitest.Hang())
				d.FaultEvent("ping", slowly(ping))
				for i := range 500 {
					b.gatherWithin(waits[i%len(waits)])
					pass(5 * time.Second)
					if i == 12 {
						require.LessOrEqual(t, len(d.Requests("list-policies")), 7, "in the first minute")
					}
				}
				require.LessOrEqual(t, len(d.Requests("list-policies")), 34, "in three quarters of an hour")
			})
		})
	}
}

// What one scraper waits for in vain all the time is asked for as rarely.
func TestPatienceOfOneInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("policies", "daemon"))
		d.Fault("list-policies", vicitest.Hang())
		for i := range 600 {
			jitter := time.Duration(i%7) * time.Millisecond
			require.Equal(t, []string{"policies"}, newSamples(t, b.gatherWithin(100*time.Millisecond+jitter)).failed())
			pass(time.Second)
		}
		require.LessOrEqual(t, len(d.Requests("list-policies")), 9)
	})
}

func TestPatience(t *testing.T) {
	const most = 5 * time.Second
	var p patience
	remaining := func(timeout time.Duration) time.Duration { return p.remaining(noon, timeout, most) }
	require.Zero(t, remaining(time.Millisecond), "at first")

	p.lost(noon, time.Second, most)
	require.Equal(t, most, remaining(time.Millisecond))
	require.Equal(t, most, remaining(1200*time.Millisecond), "not much more")
	require.Zero(t, remaining(1300*time.Millisecond))
	require.Zero(t, remaining(most))
	p.answered(2 * time.Second)
	require.Equal(t, most, remaining(time.Second), "it would have been in vain")
	p.lost(noon, time.Second, most)
	require.Equal(t, 2*most, remaining(time.Second))

	p.lost(noon, 4500*time.Millisecond, most)
	require.Equal(t, most, remaining(time.Second), "as if it were the first time")
	require.Zero(t, remaining(most), "the most that there is")
	p.lost(noon, most, most)
	require.Equal(t, most, remaining(most))
	for range 10 {
		p.lost(noon, most, most)
	}
	require.Equal(t, maxPatience, remaining(most))
	require.Zero(t, p.remaining(noon.Add(maxPatience), most, most))
	p.answered(4 * time.Second)
	require.Zero(t, remaining(time.Millisecond))
}
