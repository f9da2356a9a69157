// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// Rounds share one connection, which the daemon is glad of.
func TestSessionIsReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		for range 5 {
			s := b.scrape()
			require.Empty(t, s.failed())
			require.Equal(t, "1", s.value("up"))
			pass(15 * time.Second)
		}
		require.Equal(t, 1, d.Observe().Accepted)
		require.Equal(t, 1, d.Observe().MaxInFlight)
		require.Equal(t, []string{`level=INFO msg="The daemon answers"`}, b.logged())
	})
}

// A daemon that goes and comes back is two lines in the log, and right again at the next scrape.
func TestDaemonGoneAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		require.Equal(t, "1", b.scrape().value("up"))
		require.Len(t, b.logged(), 1)

		d.Crash()
		before := d.Observe().Accepted
		for i := range 3 {
			s := b.scrape()
			require.Equal(t, "0", s.value("up"))
			require.Len(t, s.failed(), len(b.Names())-1, "all that ask the daemon; events are counted here")
			require.Empty(t, s.of("ike_sas"))
			require.Empty(t, s.of("daemon_info"))
			require.Equal(t, before+1+i, d.Observe().Accepted, "nobody tries again what just failed")
			pass(time.Minute)
		}
		logged := b.logged()
		require.Len(t, logged, 1)
		require.Contains(t, logged[0], "level=ERROR")
		require.Contains(t, logged[0], "nobody listens there")

		require.NoError(t, d.Restart())
		s := b.scrape()
		require.Equal(t, "1", s.value("up"))
		require.Empty(t, s.failed())
		require.Equal(t, []string{`level=INFO msg="The daemon answers again"`}, b.logged())
	})
}

// A connection that died between two scrapes is replaced at once.
func TestDaemonRestartedBetweenScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		b.scrape()
		d.Crash()
		require.NoError(t, d.Restart())
		s := b.scrape()
		require.Equal(t, "1", s.value("up"))
		require.Empty(t, s.failed())
		require.Len(t, b.logged(), 1, "no outage was seen")
	})
}

func TestNoDaemonAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		heal := func() { d.RefuseConnections(nil) }
		d.RefuseConnections(fs.ErrPermission)
		b := newTestbed(t, d)
		require.Equal(t, "0", b.scrape().value("up"))
		logged := b.logged()
		require.Len(t, logged, 1)
		require.Contains(t, logged[0], "charon.group")

		d.RefuseConnections(fs.ErrNotExist)
		require.Equal(t, "0", b.scrape().value("up"))
		require.Empty(t, b.logged(), "it is still the same trouble")
		heal()
		require.Equal(t, "1", b.scrape().value("up"))
		require.Len(t, b.logged(), 1)
	})
}

// A daemon that hangs has one request of ours waiting, and one connection that waits for a sign of life,
// however often it is scraped.
func TestSilentDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		require.Equal(t, "1", b.scrape().value("up"))

		wake := stop(d)
		for range 20 {
			begin := time.Now()
			s := newSamples(t, b.gatherWithin(9500*time.Millisecond))
			require.LessOrEqual(t, time.Since(begin), 9500*time.Millisecond)
			require.Equal(t, "0", s.value("up"))
			pass(15*time.Second - time.Since(begin))
		}
		o := d.Observe()
		require.LessOrEqual(t, o.Accepted, 2, "the first connection and the probe")
		require.LessOrEqual(t, o.InFlight+o.Waiting, 2)
		for _, line := range b.logged()[1:] {
			require.Contains(t, line, "deadline exceeded")
		}

		wake()
		s := b.scrape()
		require.Equal(t, "1", s.value("up"))
		pass(maxPatience)
		require.Empty(t, b.scrape().failed())
	})
}

// stop makes a daemon do nothing more, as SIGSTOP does, until it is woken.
func stop(d *vicitest.Daemon) (wake func()) {
	resume := make(chan struct{})
	var heal []func()
	for _, command := range []string{
		"version", "stats", "list-sas", "list-conns", "list-policies", "list-certs", "list-authorities", "get-authorities",
		"get-conns", "get-keys", "get-shared", "get-pools", "get-counters", "get-algorithms",
	} {
		heal = append(heal, d.Fault(command, vicitest.Delay(resume)))
	}
	for _, event := range []string{"ping", "list-sa", "list-conn", "list-policy", "list-cert", "list-authority"} {
		heal = append(heal, d.FaultEvent(event, vicitest.Delay(resume)))
	}
	return func() {
		for _, h := range heal {
			h()
		}
		close(resume)
	}
}

// A command that is not answered is asked again after a growing while; the others are there all the time.
func TestPatienceWithACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("pools", "daemon"))
		heal := d.Fault("get-pools", vicitest.Hang())
		begin := time.Now()
		var asked []time.Duration
		for range 200 {
			before := len(d.Requests("get-pools"))
			at := time.Since(begin)
			s := b.scrape()
			require.Equal(t, []string{"pools"}, s.failed())
			require.Equal(t, "1", s.value("up"))
			require.Len(t, s.of("daemon_info"), 1)
			if len(d.Requests("get-pools")) > before {
				asked = append(asked, at)
			}
			pass(5 * time.Second)
		}
		require.Len(t, d.Requests("get-pools"), len(asked))
		for i := range len(asked) - 1 {
			gap := asked[i+1] - asked[i]
			require.GreaterOrEqual(t, gap, min(maxPatience, DefaultTimeout<<i), "%v", asked)
			require.LessOrEqual(t, gap, min(maxPatience, DefaultTimeout<<i)+20*time.Second)
		}
		require.Len(t, b.logged(), 2, "that the daemon is there, and that pools are not")

		heal()
		pass(maxPatience)
		require.Empty(t, b.scrape().failed())
		require.Equal(t, []string{`level=INFO msg="Collector works again" collector=pools`}, b.logged())
	})
}

// Any answer ends the patience, a refusal too: then the daemon is not at a loss.
func TestPatienceEndsWithAnyAnswer(t *testing.T) {
	for name, answer := range map[string]vicitest.Fault{"refusal": vicitest.Refuse("no"), "unknown": vicitest.Unknown()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t, vicitest.Config{})
				b := newTestbed(t, d, only("pools"))
				heal := d.Fault("get-pools", vicitest.Hang())
				for range 3 {
					b.scrape()
					pass(maxPatience)
				}
				heal()
				heal = d.Fault("get-pools", answer)
				b.scrape()
				heal()
				d.Fault("get-pools", vicitest.Hang())
				b.scrape()
				asked := len(d.Requests("get-pools"))
				pass(DefaultTimeout)
				b.scrape()
				require.Len(t, d.Requests("get-pools"), asked+1, "after the shortest wait")
			})
		})
	}
}

// One family that hangs must not take the time of the others, also where the scraper waits less long than for a query.
func TestSlowFamilyDoesNotStarveOthers(t *testing.T) {
	for _, command := range []string{"list-conns", "list-sas", "list-policies", "get-pools", "list-certs", "get-counters", "get-conns"} {
		for _, wait := range []time.Duration{1500 * time.Millisecond, 4500 * time.Millisecond, 9500 * time.Millisecond} {
			t.Run(fmt.Sprint(command, " within ", wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDaemon(t, vicitest.Config{})
					b := newTestbed(t, d)
					d.Fault(command, vicitest.Hang())
					begin := time.Now()
					s := newSamples(t, b.gatherWithin(wait))
					require.LessOrEqual(t, time.Since(begin), wait)
					require.Equal(t, "1", s.value("up"), "version and stats were answered")
					require.Len(t, s.of("daemon_info"), 1)
					require.NotContains(t, s.failed(), "authorities")
					require.NotContains(t, s.failed(), "daemon")
					require.NotEmpty(t, s.failed())
				})
			})
		}
	}
}

// What is finished when the scraper's time is over is served; what is not is said to be missing.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d, only("policies", "pools", "authorities"), func(c *Config) { c.Timeout = time.Hour })
		d.Fault("get-pools", func(next vicitest.Command) vicitest.Command {
			return func(c *vicitest.Call) (*vici.Message, error) {
				stop(d)
				return vicitest.Hang()(next)(c)
			}
		})
		begin := time.Now()
		s := newSamples(t, b.gatherWithin(time.Second))
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, []string{"authorities", "pools"}, s.failed())
		require.Equal(t, "1", s.value("up"), "version and stats were answered before")
	})
}

// Each source's fault costs that source and none other.
func TestFaultsCostOneFamily(t *testing.T) {
	commands := map[string]string{ // only one collector asks these
		"list-policies": "policies", "list-certs": "certificates", "list-authorities": "authorities",
		"get-counters": "counters", "get-conns": "inventory",
	}
	faults := map[string]struct {
		fault  vicitest.Fault
		reason string
	}{
		"never answers":     {vicitest.Hang(), "timeout"},
		"refuses":           {vicitest.Refuse("no"), "failed"},
		"hangs up":          {vicitest.DropAfter(0), "closed"},
		"answers half":      {vicitest.OnAnswer(vicitest.Truncated(6)), "closed"},
		"malformed message": {vicitest.OnAnswer(vicitest.Malformed()), "malformed"},
		"unknown packet":    {vicitest.OnAnswer(vicitest.OfType(99)), "malformed"},
		"4 GiB announced":   {vicitest.OnAnswer(vicitest.Oversized(1<<32 - 1)), "too_large"},
	}
	for name, f := range faults {
		for command, collector := range commands {
			t.Run(name+"/"+command, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDaemon(t, vicitest.Config{})
					b := newTestbed(t, d)
					heal := d.Fault(command, f.fault)
					s := b.scrape()
					if collector == "counters" && f.reason == "failed" { // there are none, which is no failure
						require.Empty(t, s.failed())
						require.Empty(t, s.of("ike_messages_total"))
						return
					}
					require.Equal(t, []string{collector}, s.failed())
					require.Equal(t, "1", s.value("up"))
					require.Equal(t, samples{fmt.Sprintf(`{command=%q,reason=%q}`, command, f.reason): "1"}, s.of("vici_request_errors_total"))
					heal()
					pass(maxPatience)
					require.Empty(t, b.scrape().failed())
				})
			})
		}
	}
}

// A daemon that lacks a command has no such metrics, which is told once and is no failure.
func TestUnknownCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		d.Fault("get-pools", vicitest.Unknown())
		b := newTestbed(t, d, only("pools"))
		for range 3 {
			s := b.scrape()
			require.Empty(t, s.failed())
			require.Empty(t, s.of("pool_addresses"))
		}
		logged := b.logged()
		require.Len(t, logged, 2)
		require.Contains(t, logged[1], "collector=pools")
	})
}

type panicking struct{}

func (panicking) Metrics() []*Metric                           { return nil }
func (panicking) Collect(context.Context, *round, *Page) error { panic("ouch") }

// A defect in one source is told with what is needed to find it, and costs the others nothing.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newDaemon(t, vicitest.Config{}), only("pools", "daemon"))
		b.sources[0].Source = panicking{}
		for range 2 {
			s := b.scrape()
			require.Equal(t, []string{"pools"}, s.failed())
			require.Equal(t, "1", s.value("up"))
			require.Len(t, s.of("daemon_info"), 1)
		}
		logged := b.logged()
		require.Contains(t, logged[1], "panic=ouch")
		require.Contains(t, logged[1], "round_test.go")
	})
}

func TestNew(t *testing.T) {
	dialer := &vici.Dialer{}
	_, err := New(Config{Dialer: dialer, Collectors: map[string]bool{"nonsense": true}})
	require.ErrorContains(t, err, "nonsense")

	c, err := New(Config{Dialer: dialer, Collectors: map[string]bool{"capabilities": true, "sas": false}})
	require.NoError(t, err)
	require.Contains(t, c.Names(), "capabilities")
	require.Contains(t, c.Names(), "daemon")
	require.NotContains(t, c.Names(), "sas")
	require.NoError(t, c.Close())

	_, _, err = c.Gather(t.Context(), "daemon", "sas")
	require.ErrorIs(t, err, ErrNotEnabled)
	require.ErrorContains(t, err, "sas")
}

// Nobody listens: a scrape gives what is known without a daemon.
func TestNothingToDial(t *testing.T) {
	c, err := New(Config{Dialer: &vici.Dialer{Address: "unix:///nonexistent/charon.vici"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	families, _, err := c.Gather(t.Context())
	require.NoError(t, err)
	s := newSamples(t, families)
	require.Equal(t, "0", s.value("up"))
	for labels := range s.of("vici_request_errors_total") {
		require.Contains(t, labels, `reason="refused"`)
	}
	requirePedantic(t, families)
}

func TestReason(t *testing.T) {
	dial := func(err error) error { return &vici.OpError{Op: "dial", Err: err} }
	call := func(err error) error { return &vici.OpError{Op: "call", Name: "stats", Err: err} }
	for _, test := range []struct {
		err  error
		want string
	}{
		{call(context.DeadlineExceeded), "timeout"},
		{dial(context.DeadlineExceeded), "timeout"},
		{call(vici.ErrUnknownCommand), "unknown_command"},
		{call(fmt.Errorf("%w: long", vici.ErrTooLarge)), "too_large"},
		{call(vici.ErrMalformed), "malformed"},
		{call(io.EOF), "closed"},
		{call(io.ErrUnexpectedEOF), "closed"},
		{call(syscall.EPIPE), "closed"},
		{call(vici.ErrClosed), "closed"},
		{dial(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), "refused"},
		{dial(fs.ErrPermission), "refused"},
		{call(&vici.CommandError{Command: "stats"}), "failed"},
		{errors.New("whatever"), "failed"},
	} {
		require.Equal(t, test.want, reason(test.err), "%v", test.err)
	}
}

func TestHint(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{fs.ErrPermission, "charon.group"},
		{fs.ErrNotExist, "is the daemon running"},
		{syscall.ECONNREFUSED, "nobody listens"},
		{context.DeadlineExceeded, "silent"},
		{errors.New("whatever"), "see the error"},
	} {
		require.Contains(t, hint(&vici.OpError{Op: "dial", Err: test.err}), test.want)
	}
}

// Keys come from the daemon, so what is counted by them is bounded.
func TestRejectedFieldsAreBounded(t *testing.T) {
	q := newRequests(recordedAt)
	q.reject("gw.child-sas.net-1.bytes-in")
	q.reject("bytes-in")
	for i := range 3 * maxFields {
		q.reject(fmt.Sprint("key", i))
	}
	q.reject("a\xff")
	require.Len(t, q.rejected, maxFields+1)
	require.EqualValues(t, 2, q.rejected["bytes-in"])
	require.EqualValues(t, 2*maxFields+2, q.rejected["other"])
	page := NewPage()
	q.emit(page)
	require.Equal(t, recordedAt, page.Families()[0].Metric[0].Counter.CreatedTimestamp.AsTime())
}
