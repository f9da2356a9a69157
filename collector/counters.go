// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of the daemon's own counters.
var (
	ikeMessages = counter("ike_messages_total",
		"Number of IKEv2 messages, without retransmissions. Messages of IKEv1 and of newer exchanges do not count.",
		"exchange", "direction", "type")
	ikeRekeys = counter("ike_rekeys_total",
		"Number of rekeyings of IKE_SAs of IKEv2, by the role of this end.", "role")
	childRekeys = counter("child_rekeys_total",
		"Number of rekeyings of CHILD_SAs. Before strongSwan 6.0.0 one that both ends began counts twice.")
	ikeInvalidMessages = counter("ike_invalid_messages_total",
		"Number of IKE messages that were received with an invalid body or of a wrong type.")
	ikeInvalidSPIMessages = counter("ike_invalid_spi_messages_total",
		"Number of IKE messages that were received for an IKE_SA that does not exist.")

	connectionIKEMessages = counter("connection_ike_messages_total",
		"Number of IKEv2 messages of the connection. The first ones that a responder receives belong to none yet.",
		"connection", "exchange", "direction", "type")
	connectionIKERekeys = counter("connection_ike_rekeys_total",
		"Number of rekeyings of the connection's IKE_SAs of IKEv2, by the role of this end.", "connection", "role")
	connectionChildRekeys = counter("connection_child_rekeys_total",
		"Number of rekeyings of the connection's CHILD_SAs. Before strongSwan 6.0.0 one that both ends began counts twice.", "connection")
	connectionIKEInvalidMessages = counter("connection_ike_invalid_messages_total",
		"Number of IKE messages that were received for the connection with an invalid body or of a wrong type.", "connection")
	connectionIKEInvalidSPIMessages = counter("connection_ike_invalid_spi_messages_total",
		"Number of IKE messages that were received for the connection and an IKE_SA that does not exist.", "connection")
)

// countersSource gives the counters of the daemon's plugin of that name, for the daemon and for each connection.
type countersSource struct {
	daemon      *counterTotals
	connections *counterTotals
	byName      bool        // an answer for all connections did not come: it may be too long for a message
	uptime      vici.Uptime // of the daemon of which byName is known
}

func newCountersSource() *countersSource {
	return &countersSource{
		daemon: newCounterTotals(counterFamilies{
			ikeMessages, ikeRekeys, childRekeys, ikeInvalidMessages, ikeInvalidSPIMessages,
		}),
		connections: newCounterTotals(counterFamilies{
			connectionIKEMessages, connectionIKERekeys, connectionChildRekeys,
			connectionIKEInvalidMessages, connectionIKEInvalidSPIMessages,
		}),
	}
}

func (*countersSource) Metrics() []*Metric {
	return []*Metric{
		ikeMessages, ikeRekeys, childRekeys, ikeInvalidMessages, ikeInvalidSPIMessages,
		connectionIKEMessages, connectionIKERekeys, connectionChildRekeys,
		connectionIKEInvalidMessages, connectionIKEInvalidSPIMessages,
	}
}

// errNoCounters says that the daemon has nothing to tell, which is no failure.
var errNoCounters = fmt.Errorf("%w: its plugin counters is not loaded", vici.ErrUnknownCommand)

func (s *countersSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.askStats(ctx); err != nil {
		return err
	}
	if plugins := r.stats.Plugins; len(plugins) > 0 && !slices.Contains(plugins, "counters") {
		return errNoCounters
	}
	start, _ := r.start.known()
	asked := r.now()
	answer, err := askCounters(ctx, r, vici.CountersRequest{})
	if isNoCounters("get-counters", err) {
		return errNoCounters
	}
	if err != nil {
		return err
	}
	s.daemon.begin()
	for i := range answer {
		s.daemon.add("", nil, &answer[i])
	}
	s.daemon.end(asked, start)
	s.daemon.emit(out)
	if err := s.collectConnections(ctx, r, out); err != nil {
		return partialError{err}
	}
	return nil
}

func (s *countersSource) collectConnections(ctx context.Context, r *round, out *Page) error {
	if err := r.configure(ctx); err != nil {
		return err
	}
	asked := r.now()
	err := s.askConnections(ctx, r, func(answer *vici.Counters) {
		r.locked(func() {
			if c := r.names.connection(answer.Name); c != nil {
				s.connections.add(c.name, c.labels, answer)
			}
		})
	})
	if err != nil {
		return err
	}
	start, _ := r.start.known()
	s.connections.end(asked, start)
	s.connections.emit(out)
	return nil
}

func askCounters(ctx context.Context, r *round, request vici.CountersRequest) (answer []vici.Counters, err error) {
	err = r.query(ctx, "get-counters", func(ctx context.Context, session *vici.Session) (err error) {
		answer, err = session.Counters(ctx, request)
		return err
	})
	return answer, err
}

// askConnections asks for the counters of all connections at once as long as the answer fits into a message: one that
// does not is never sent.
func (s *countersSource) askConnections(ctx context.Context, r *round, take func(*vici.Counters)) error {
	if !sameProcess(s.uptime, r.stats.Uptime) {
		s.byName = false
	}
	s.uptime = r.stats.Uptime
	names := r.configuredNames()
	if s.byName || !fitOneAnswer(names) {
		return s.askEach(ctx, r, names, take)
	}
	asked := r.now()
	answer, err := askCounters(ctx, r, vici.CountersRequest{All: true})
	if errors.Is(err, context.DeadlineExceeded) && !untold(err) && r.unreachable == nil && r.now().Sub(asked) >= longForCounters {
		s.byName = true // counters of connections that are no longer loaded may be what makes it too long
	}
	s.connections.begin()
	for i := range answer {
		take(&answer[i])
	}
	return err
}

// longForCounters is far above what a daemon needs to add up what it knows. A scraper in a hurry that waits less long finds
// nothing out.
const longForCounters = time.Second

// For each connection an answer has its name and some 550 bytes. More connections may have counters than are
// configured now; the limit leaves some room for them.
const (
	bytesOfCounters = 560
	maxCounterBytes = vici.MaxSegment * 3 / 4
)

func fitOneAnswer(names []string) bool {
	size := 0
	for _, name := range names {
		size += bytesOfCounters + len(name)
	}
	return size <= maxCounterBytes
}

// askEach asks for each connection by name, all of them within the time for one query.
func (s *countersSource) askEach(ctx context.Context, r *round, names []string, take func(*vici.Counters)) error {
	names = slices.DeleteFunc(names, cannotBeAsked)
	return r.query(ctx, "get-counters", func(ctx context.Context, session *vici.Session) error {
		s.connections.begin() // each time that this is tried
		for c, err := range session.CountersOf(ctx, names) {
			if err != nil {
				return err
			}
			take(c)
		}
		return nil
	})
}

// cannotBeAsked tells of the names that the daemon would take for missing, and answer for something else. It refuses to
// load such connections, but may have them from elsewhere.
func cannotBeAsked(name string) bool {
	isOdd := func(c rune) bool { return c < ' ' || c > '~' }
	return name == "" || strings.ContainsFunc(name, isOdd)
}

// configuredNames returns the names of the configured connections that are shown.
func (r *round) configuredNames() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var configured []string
	for _, name := range slices.Sorted(maps.Keys(r.names.raw)) {
		if c := r.names.raw[name]; c != nil && c.configured {
			configured = append(configured, name)
		}
	}
	return configured
}
