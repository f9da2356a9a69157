// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"maps"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// A scene is a laboratory, whose moon is watched, and the situations that it gets into one after the other. It is a scrape job of its
// own, so that scenes can be played at the same time.
type scene struct {
	name       string
	options    []lab.Option
	args       []string // of the exporters
	sun        bool     // is watched, too
	real       bool     // is watched with the rules as they are shipped, too
	down       []string // children that are not brought up
	more       []string // children that the options add
	situations []situation
}

// A situation is brought about, watched and ended.
type situation struct {
	name     string
	expected []string      // alerts, as alertNames writes them
	lasts    time.Duration // at least, and until all expected alerts fire
	begin    func(*stage)
	again    func(*stage) // while it lasts
	every    time.Duration
	proof    func(*stage) // that it has happened, where no alert tells
	end      func(*stage) // so that no alert is left; the last situation of a scene needs no end
}

// A stage is a scene that is played.
type stage struct {
	*lab.Lab

	t         *testing.T
	watch     *watch
	scene     scene
	job       string
	exporters map[string]*exporter // by the gateway's name
}

// build makes the laboratory of a scene, brings its tunnels up, and returns when Prometheus knows it and has nothing to say.
func (w *watch) build(t *testing.T, s scene) *stage {
	t.Helper()
	w.building <- struct{}{}
	defer func() { <-w.building }()
	// A dead peer is looked for where that is the subject; a slow machine is none.
	options := append([]lab.Option{lab.WithoutOddNames(), lab.WithSwanctl(noDPD("gw-gw")), lab.WithSwanctl(noDPD("gw-twin"), lab.Moon)},
		s.options...)
	st := &stage{
		Lab: lab.New(t, alertsGeneration, options...), t: t, watch: w, scene: s, job: "strongswan-" + s.name,
		exporters: make(map[string]*exporter),
	}
	gateways := []*lab.Gateway{st.Moon}
	if s.sun {
		gateways = append(gateways, st.Sun)
	}
	for _, g := range gateways {
		st.watchGateway(g)
	}
	st.up()
	st.awaitQuiet()
	return st
}

func noDPD(connection string) string { return "connections { " + connection + " { dpd_delay = 0s } }" }

// watchGateway starts an exporter on a gateway.
func (s *stage) watchGateway(g *lab.Gateway) {
	s.t.Helper()
	// Prometheus gives a scrape little time, of which this is not to be taken off.
	e := startExporter(s.t, g.Address(), append([]string{"--scrape.timeout-offset=50ms"}, s.scene.args...)...)
	s.exporters[g.Name] = e
	s.watch.scrape(s.t, "hasty", s.job, g.Name, e)
	if s.scene.real {
		s.watch.scrape(s.t, "real", s.job, g.Name, e)
	}
	e.awaitEvents(s.t)
}

// ctx bounds what is done to gateways.
func (s *stage) ctx() context.Context { return s.t.Context() }

// must is require.NoError.
func (s *stage) must(err error) {
	s.t.Helper()
	require.NoError(s.t, err)
}

// up brings all tunnels up that are not, from moon.
func (s *stage) up() {
	s.t.Helper()
	children := append([]string{"net-net", "host-host", "twin-net", "cert-net", "pq-net"}, s.scene.more...)
	for _, child := range children {
		if slices.Contains(s.scene.down, child) || s.isUp(child) {
			continue
		}
		if err := s.Moon.Initiate(s.ctx(), child); err != nil {
			await(s.t, func() bool { return s.isUp(child) }, "what moon tries itself comes up: %v", err)
		}
	}
}

// isUp asks the exporter, which asks the daemon.
func (s *stage) isUp(child string) bool {
	s.t.Helper()
	for _, m := range s.exporters[lab.Moon].scrape(s.t).families["strongswan_child_up"].GetMetric() {
		if labelsOf(m)["child"] == child && m.GetGauge().GetValue() == 1 {
			return true
		}
	}
	return false
}

// play lets all situations happen.
func (s *stage) play() {
	s.t.Helper()
	for i, sit := range s.scene.situations {
		if i > 0 {
			s.awaitQuiet()
		}
		s.live(sit)
	}
}

// live brings one situation about, compares the alerts that have fired from its beginning to its end with those expected, and ends it.
func (s *stage) live(sit situation) {
	s.t.Helper()
	start := time.Now()
	if sit.begin != nil {
		sit.begin(s)
	}
	line := s.observe(sit, start)
	s.watch.note(s.t, line)
	require.ElementsMatch(s.t, sit.expected, line.seen, sit.name)
	if sit.proof != nil {
		sit.proof(s)
	}
	if s.scene.real {
		s.requireNothingPending(sit)
	}
	if sit.end != nil {
		sit.end(s)
		s.awaitQuiet()
	}
}

// observe lets a situation go on until all expected alerts have fired, and some time more: what fires then was not expected.
// Alertmanager has a little time on top of that to say what is documented, for it hears of alerts after Prometheus has seen them.
func (s *stage) observe(sit situation, start time.Time) protocolLine {
	s.t.Helper()
	const tick = 500 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var next, complete time.Time
	for ; ; <-ticker.C {
		now := time.Now()
		if sit.again != nil && !now.Before(next) {
			next = now.Add(sit.every)
			sit.again(s)
		}
		if complete.IsZero() && containsAll(s.watch.fired(s.t, s.job, start), sit.expected) {
			complete = time.Now()
		}
		if over := max(sit.lasts, complete.Sub(start)+minutes(5)); !complete.IsZero() && now.Sub(start) > over {
			line := protocolLine{
				situation: sit.name, expected: sit.expected, seen: s.watch.fired(s.t, s.job, start), said: s.watch.said(s.t, s.job),
				after: complete.Sub(start),
			}
			if *update || s.watch.isDocumented(line) || now.Sub(start) > over+minutes(10) {
				return line
			}
		}
		require.Less(s.t, now.Sub(start), sit.lasts+minutes(70), "%s: expected %q, seen %q", sit.name, sit.expected,
			s.watch.fired(s.t, s.job, start))
	}
}

// requireNothingPending is for what is watched with the rules as they are shipped.
func (s *stage) requireNothingPending(sit situation) {
	s.t.Helper()
	samples := `count_over_time(strongswan_child_up{job="` + s.job + `", child="net-net"}[` + promDuration(sit.lasts.String()) + `])`
	require.Greater(s.t, s.watch.real.query(s.t, time.Now(), samples)[lab.Moon], 0.75*sit.lasts.Seconds()/realInterval.Seconds())
	// What a slow machine may bring about is judged by those that fire.
	pending := `count_over_time(ALERTS{job="` + s.job + `", alertname!~"StrongSwan(CollectorFailing|ScrapeSlow)"}[1h])`
	require.Empty(s.t, alertNames(s.watch.real.ask(s.t, time.Now(), pending)), "with the rules as they are shipped")
}

// requireAtLeast insists on the value of a counter of moon's.
func (s *stage) requireAtLeast(value float64, metric string, labels ...string) {
	s.t.Helper()
	require.GreaterOrEqual(s.t, s.exporters[lab.Moon].scrape(s.t).value(s.t, metric, labels...), value, metric)
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// awaitQuiet returns when Prometheus has scraped all gateways for some time and no alert is left, nor about to fire.
func (s *stage) awaitQuiet() {
	s.t.Helper()
	scraped := `count_over_time(strongswan_up{job="` + s.job + `"}[` + promDuration(minutes(30).String()) + `]) >= 3`
	deadline := time.Now().Add(patience + minutes(90))
	ticker := time.NewTicker(pollInterval * 10)
	defer ticker.Stop()
	for ; ; <-ticker.C {
		active := s.watch.active(s.t, s.job)
		if len(active) == 0 && len(s.watch.hasty.query(s.t, time.Now(), scraped)) == len(s.exporters) {
			return
		}
		require.False(s.t, time.Now().After(deadline), "alerts remain: %q", active)
	}
}

// restart ends a daemon and starts it, with nothing loaded.
func (s *stage) restart(g *lab.Gateway) {
	s.t.Helper()
	s.must(g.Stop(s.ctx()))
	s.must(g.Start(s.ctx()))
}

// restartLoaded is restart, with everything loaded.
func (s *stage) restartLoaded(g *lab.Gateway) {
	s.t.Helper()
	s.restart(g)
	s.must(g.LoadAll(s.ctx()))
}

// terminate closes what a selector of swanctl's selects, on moon.
func (s *stage) terminate(selector ...string) {
	s.t.Helper()
	s.must(s.Moon.Terminate(s.ctx(), selector...))
}

// try initiates a child from moon, which may fail: it is what the situation is about.
func (s *stage) try(child string) {
	_ = s.Moon.Initiate(s.ctx(), child)
}

// inBackground runs a program in a gateway's network until the returned function is called, or the scene ends.
func (s *stage) inBackground(g *lab.Gateway, name string, args ...string) (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.ctx())
	cmd := g.Command(ctx, name, args...)
	s.must(cmd.Start())
	done := make(chan struct{})
	go func(cmd *exec.Cmd) {
		defer close(done)
		_ = cmd.Wait() // it is killed
	}(cmd)
	stop = func() {
		cancel()
		<-done
	}
	s.t.Cleanup(stop)
	return stop
}

// restartExporter ends moon's exporter and starts another one.
func (s *stage) restartExporter() {
	s.t.Helper()
	old := s.exporters[s.Moon.Name]
	s.exporters = maps.Clone(s.exporters)
	old.end(s.t)
	s.watchGateway(s.Moon)
}
