// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// haste is by how much the rules' time passes faster than it does for an operator.
var haste = flag.Int("haste", 30, "by what the durations of alerting rules are divided; scripts/alerts-check takes less")

// The shipped alerting rules on real gateways: situations are brought about, and a real Prometheus and a real Alertmanager have to say
// exactly what is expected, from the beginning of a situation to its end.
//
// Nobody can wait for alerts that wait for minutes and look back for hours, so all durations of the shipped file are divided by haste,
// by dashboards/shorten. Nothing else of the rules is changed. Prometheus scrapes and evaluates once in a minute of that time.
// The gateways live in real time; where a situation depends on timers of theirs, the timers are shortened like the rules. The
// situations in which nothing must fire because it is everyday life, rekeying and reauthentication, are watched by a second
// Prometheus as well, with the rules as they are shipped: there not even an alert may be pending.
func TestAlerts(t *testing.T) {
	lab.Require(t, alertsGeneration)
	w := newWatch(t)
	w.requireAbsence(t)
	t.Run("scenes", func(t *testing.T) {
		var playing, built sync.WaitGroup
		scenes := allScenes()
		built.Add(len(scenes))
		for _, s := range scenes {
			ready := sync.OnceFunc(built.Done)
			playing.Go(func() {
				defer ready() // also without it having been played
				t.Run(s.name, func(t *testing.T) {
					t.Cleanup(ready)
					stage := w.build(t, s)
					ready()
					built.Wait() // what is built has the machine for itself, and what is watched, too
					stage.play()
				})
			})
		}
		playing.Wait()
	})
	if !t.Failed() {
		w.requireProtocol(t)
	}
}

// alertsGeneration has the events "alert" that some rules need.
const alertsGeneration = "6.1.0"

// A watch is what looks at all scenes.
type watch struct {
	hasty, real  *prometheus
	alertmanager *alertmanager
	targets      string            // directory of the files with what is to be scraped
	building     chan struct{}     // has room for those that may be at it together
	documented   map[string]string // rows of the protocol as it stands, by situation

	mu    sync.Mutex
	lines []protocolLine
}

// newWatch starts Prometheus and Alertmanager, which have nothing to look at yet.
func newWatch(t *testing.T) *watch {
	t.Helper()
	const builders = 2
	_, documented, _ := readProtocol(t)
	w := &watch{
		targets: t.TempDir(), building: make(chan struct{}, builders), alertmanager: startAlertmanager(t),
		documented: protocolRows(documented),
	}
	for _, dir := range []string{"hasty", "real"} {
		require.NoError(t, os.Mkdir(filepath.Join(w.targets, dir), 0o755))
	}
	w.hasty = runPrometheus(t, w.config(t, "hasty", minutes(1), shortRules(t, *haste)))
	w.real = runPrometheus(t, w.config(t, "real", realInterval, shortRules(t, 1)))
	return w
}

// realInterval is how often is scraped where rules are as they are shipped.
const realInterval = 5 * time.Second

// minutes is what remains of minutes of the shipped rules.
func minutes(n float64) time.Duration {
	return time.Duration(n * float64(time.Minute) / float64(*haste))
}

// nobodyKnown is the situation in which all others begin.
const nobodyKnown = "Prometheus knows no gateway"

// requireAbsence begins with what is true at the beginning: Prometheus knows no gateway.
func (w *watch) requireAbsence(t *testing.T) {
	t.Helper()
	start := time.Now()
	expected := []string{"critical StrongSwanExporterAbsent"}
	// Prometheus tells Alertmanager of it some time after it has seen it itself.
	awaitFor(t, patience+minutes(20), func() bool {
		return slices.Equal(w.fired(t, "", start), expected) && slices.Equal(w.said(t, ""), expected)
	}, "no gateway, and an alert")
	w.note(t, protocolLine{
		situation: nobodyKnown, expected: expected, seen: w.fired(t, "", start), said: w.said(t, ""), after: time.Since(start),
	})
}

// fired returns the alerts of a scene that have fired since a moment.
func (w *watch) fired(t *testing.T, job string, since time.Time) []string {
	t.Helper()
	now := time.Now()
	seconds := now.Sub(since).Round(time.Millisecond).String()
	return alertNames(w.hasty.ask(t, now, `count_over_time(ALERTS{alertstate="firing", job="`+job+`"}[`+promDuration(seconds)+`])`))
}

// active returns the alerts of a scene that fire now or are about to.
func (w *watch) active(t *testing.T, job string) []string {
	t.Helper()
	return alertNames(w.hasty.ask(t, time.Now(), `ALERTS{job="`+job+`"}`))
}

// said returns the alerts of a scene that Alertmanager has and nothing inhibits.
func (w *watch) said(t *testing.T, job string) []string {
	t.Helper()
	var said []sample
	for _, a := range w.alertmanager.uninhibited(t) {
		if a["job"] == job {
			said = append(said, sample{labels: a})
		}
	}
	return alertNames(said)
}
