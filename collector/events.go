// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"context"
	"maps"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of events.
var (
	streamConnected = gauge("event_stream_connected", "Whether the subscription to events stands.")
	streamConnects  = counter("event_stream_connects_total",
		"Number of times that the subscription was made; more than one means that it was lost, and events in between.")
	eventSupported = gauge("event_supported", "Whether the daemon knows the event; absent while there is no subscription.", "event")
	eventsReceived = counter("events_received_total", "Number of events received.", "event")

	ikeEstablished = counter("ike_sas_established_total", "Number of IKE_SAs that came up.", "connection")
	ikeTerminated  = counter("ike_sas_terminated_total", "Number of IKE_SAs that were up and ended.", "connection")
	ikeFailed      = counter("ike_sas_failed_total", "Number of IKE_SAs that ended without ever being up.", "connection")
	ikeRekeyed     = counter("ike_sas_rekeyed_total",
		"Number of IKE_SAs that were rekeyed. IKEv1 has no such event: there one comes up and another ends.", "connection")
	ikeMoved = counter("ike_sas_moved_total", "Number of times that an endpoint of an established IKE_SA changed.", "connection")

	childEstablished = counter("child_sas_established_total", "Number of CHILD_SAs that came up, other than by rekeying.",
		"connection", "child")
	childTerminated = counter("child_sas_terminated_total", "Number of CHILD_SAs that ended, other than by rekeying.", "connection", "child")
	childRekeyed    = counter("child_sas_rekeyed_total", "Number of CHILD_SAs that were rekeyed.", "connection", "child")

	sessionSeconds = histogram("ike_sa_session_seconds",
		"How long IKE sessions lasted, from their first establishment through rekeyings. Those that began before the exporter watched "+
			"are left out.",
		"connection")
	alertsTotal = counter("alerts_total",
		"Number of alerts that the daemon raised; the connection is empty where an alert is about none. All kinds are there from 0 on, "+
			"for each connection unless there are more than 14.",
		"alert", "connection")
)

// eventsSource gives what the tracker counted.
type eventsSource struct{}

func (eventsSource) Metrics() []*Metric {
	return []*Metric{
		streamConnected, streamConnects, eventSupported, eventsReceived,
		ikeEstablished, ikeTerminated, ikeFailed, ikeRekeyed, ikeMoved, childEstablished, childTerminated, childRekeyed,
		sessionSeconds, alertsTotal, looksTotal, looksSkipped, logSubscribed,
	}
}

func (eventsSource) Collect(ctx context.Context, r *round, out *Page) error {
	// What is configured has its counters from the start; not knowing it takes nothing from the others.
	_ = r.configure(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracker.emit(out)
	r.looks.emit(out, r.tracker.began)
	return nil
}

// emit adds all counters to a page.
func (t *tracker) emit(out *Page) {
	t.prepare()
	t.evict()
	out.Gauge(streamConnected, float64(btoi(t.connected)), nil)
	out.Counter(streamConnects, float64(t.connects), t.began, nil)
	for _, name := range watchedEvents() {
		labels := newLabels("event", name)
		if t.connected {
			out.Gauge(eventSupported, float64(btoi(!t.unsupported[name])), labels)
		}
		out.Counter(eventsReceived, float64(t.received[name]), t.counting, labels)
	}
	for _, e := range t.sortedConnections() {
		emitConnectionEvents(out, e, t.noSessions.of(&e.sessions, e.created))
	}
	for _, e := range t.sortedChildren() {
		emitChildEvents(out, e)
	}
	emitAlerts(out, t)
}

func (t *tracker) sortedConnections() []*connectionEvents {
	return t.connectionOrder.sorted(maps.Values(t.connections), func(e *connectionEvents) Labels { return e.labels })
}

func (t *tracker) sortedChildren() []*childEvents {
	return t.childOrder.sorted(maps.Values(t.children), func(e *childEvents) Labels { return e.labels })
}

// prepare gives all that is configured its counters, so that the first event is an increase.
func (t *tracker) prepare() {
	if t.names.config == nil {
		return
	}
	now := t.now() // one for all, so that they share what tells since when they count
	for _, c := range t.names.config.connections {
		t.eventsAt(c.series, now)
	}
	for _, k := range t.names.config.children {
		if !k.shunt {
			t.childEventsAt(k.series, now)
		}
	}
}

// evict forgets the counters of names that have not been configured, nor had an SA, for as long as traffic totals are
// kept, or for some minutes where there are too many.
func (t *tracker) evict() {
	now, maxIdle := t.now(), maxIdle
	if t.names.limit > 0 && len(t.connections)+len(t.children) > t.names.limit {
		maxIdle = lingering
	}
	for name, e := range t.connections {
		switch {
		case t.names.connections[name] != nil:
			e.used = now
		case now.Sub(e.used) > maxIdle:
			delete(t.connections, name)
			t.connectionOrder.outdated()
		}
	}
	for s, e := range t.children {
		c := t.names.connections[s.connection]
		switch {
		case c != nil && c.children[s.member] != nil:
			e.used = now
		case now.Sub(e.used) > maxIdle:
			delete(t.children, s)
			t.childOrder.outdated()
		}
	}
	t.evictAlerts(now)
}

func emitConnectionEvents(out *Page, e *connectionEvents, lengths *dto.Histogram) {
	out.Counter(ikeEstablished, float64(e.established), e.created, e.labels)
	out.Counter(ikeTerminated, float64(e.terminated), e.created, e.labels)
	out.Counter(ikeFailed, float64(e.failed), e.created, e.labels)
	out.Counter(ikeRekeyed, float64(e.rekeyed), e.created, e.labels)
	out.Counter(ikeMoved, float64(e.moved), e.created, e.labels)
	out.Histogram(sessionSeconds, lengths, e.labels)
}

func emitChildEvents(out *Page, e *childEvents) {
	out.Counter(childEstablished, float64(e.established), e.created, e.labels)
	out.Counter(childTerminated, float64(e.terminated), e.created, e.labels)
	out.Counter(childRekeyed, float64(e.rekeyed), e.created, e.labels)
}

func compareAlerts(a, b alertSeries) int {
	return cmp.Or(cmp.Compare(a.alert, b.alert), cmp.Compare(a.connection, b.connection))
}

// Times of the subscription. A daemon that comes back is found soon: what it
// reports until then is lost. One that is silent is waited for on the connection that stands; more connections
// would only wait beside it.
const (
	minReconnect  = 200 * time.Millisecond
	maxReconnect  = 2 * time.Second
	subscribeTime = time.Hour

	// A TCP peer can vanish without a word.
	tcpKeepAlive = 30 * time.Second
	tcpSubscribe = time.Minute
)

// watcher returns what keeps the subscription.
func (g *gateway) watcher() *vici.Watcher {
	w := g.subscription(watchedEvents()...)
	w.OnEvent = func(e vici.Event) {
		g.locked(func() { g.tracker.take(e) })
	}
	w.OnConnect = func(_ context.Context, unsupported []string) error {
		g.locked(func() { g.tracker.connect(unsupported) })
		g.log.Info("Subscribed to events", "unsupported", unsupported)
		select {
		case g.changed <- struct{}{}:
		default: // it is known already that a sweep is due
		}
		return nil
	}
	w.OnDisconnect = func(err error, wait time.Duration) {
		g.locked(func() {
			if g.tracker.connected {
				g.log.Warn("The subscription to events is lost", "err", err)
			}
			g.tracker.connected = false
		})
		g.log.Debug("Subscribing to events again", "wait", wait, "err", err)
	}
	return w
}

// subscription returns a watcher of some events.
func (g *gateway) subscription(events ...string) *vici.Watcher {
	timeout, keepAlive := subscribeTime, time.Duration(0)
	if network, _, err := vici.ParseAddress(g.client.dialer.Address); err == nil && network == "tcp" {
		timeout, keepAlive = tcpSubscribe, tcpKeepAlive
	}
	return &vici.Watcher{
		Dialer:     g.client.dialer,
		Events:     events,
		Timeout:    timeout,
		KeepAlive:  keepAlive,
		MinBackoff: minReconnect,
		MaxBackoff: maxReconnect,
	}
}
