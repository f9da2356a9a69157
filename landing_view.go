// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// A gatewayView is what the landing page shows of a daemon. Values that the metrics lack are zero.
type gatewayView struct {
	Up          bool
	Daemon      string // name and version
	Started     float64
	IKESAs      float64
	HalfOpen    float64
	Listed      bool // whether the daemon's connections are known
	Counts      connectionCounts
	Connections []connectionView
	More        int // children that are not shown
}

// connectionCounts are of all connections, also of those that are not shown.
type connectionCounts struct{ All, Up, Down, Idle int }

// A connectionView is a loaded connection, in a row of its own.
type connectionView struct {
	Name, Remote string
	Version      string
	Up           bool
	Idle         string // why it may be down
	Since        float64
	Children     []childView
}

// down reports whether it should be up and is not.
func (c *connectionView) down() bool { return !c.Up && c.Idle == "" }

// troubled reports whether it or one of its children should be up and is not.
func (c *connectionView) troubled() bool {
	return c.down() || c.Idle == "" && slices.ContainsFunc(c.Children, childView.down)
}

// A childView is a child of a loaded connection.
type childView struct {
	Name              string
	Mode              string
	LocalTS, RemoteTS string
	Policy            string // trap, pass or drop, where it is installed
	HasState          bool   // false for shunts, which are neither up nor down
	Up                bool
	Since             float64
	Received, Sent    float64
}

// down reports whether it should be up and is not, as far as the child itself tells: not a shunt, and not on demand.
func (c childView) down() bool { return c.HasState && !c.Up && c.Policy == "" }

// samplesByName are the samples of a page by the name of their metric, and of each by connection and child.
type samplesByName map[string]map[[2]string]*dto.Metric

func newSamplesByName(families []*dto.MetricFamily) samplesByName {
	s := make(samplesByName, len(families))
	for _, f := range families {
		byKey := make(map[[2]string]*dto.Metric, len(f.GetMetric()))
		for _, m := range f.GetMetric() {
			byKey[[2]string{label(m, "connection"), label(m, "child")}] = m
		}
		s[f.GetName()] = byKey
	}
	return s
}

// value returns the value of a gauge or counter, 0 where there is none.
func (s samplesByName) value(name, connection, child string) float64 {
	m := s[name][[2]string{connection, child}]
	return m.GetGauge().GetValue() + m.GetCounter().GetValue()
}

func (s samplesByName) has(name, connection, child string) bool {
	return s[name][[2]string{connection, child}] != nil
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// newGatewayView reads what it can from the samples, and shows at most that many children.
func newGatewayView(families []*dto.MetricFamily, maxChildren int) gatewayView {
	s := newSamplesByName(families)
	v := gatewayView{
		Up:       s.value("strongswan_up", "", "") == 1,
		Started:  s.value("strongswan_start_time_seconds", "", ""),
		IKESAs:   s.value("strongswan_daemon_ike_sas", "", ""),
		HalfOpen: s.value("strongswan_daemon_ike_sas_half_open", "", ""),
	}
	for _, m := range s["strongswan_daemon_info"] {
		v.Daemon = label(m, "daemon") + " " + label(m, "version")
	}
	children := s.children()
	for key, m := range s["strongswan_connection_info"] {
		v.Connections = append(v.Connections, s.connection(key[0], m, children[key[0]]))
	}
	// Those that are down first: that is what one looks for.
	slices.SortFunc(v.Connections, func(a, b connectionView) int {
		return cmp.Or(compareBool(b.troubled(), a.troubled()), cmp.Compare(a.Name, b.Name))
	})
	v.Listed = succeeded(families, "connections")
	v.Counts = count(v.Connections)
	v.bound(maxChildren)
	return v
}

// succeeded reports whether a collector is on and all its queries completed.
func succeeded(families []*dto.MetricFamily, name string) bool {
	i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "strongswan_scrape_collector_success" })
	return i >= 0 && slices.ContainsFunc(families[i].GetMetric(), func(m *dto.Metric) bool {
		return label(m, "collector") == name && m.GetGauge().GetValue() == 1
	})
}

func count(connections []connectionView) connectionCounts {
	n := connectionCounts{All: len(connections)}
	for i := range connections {
		switch {
		case connections[i].Up:
			n.Up++
		case connections[i].down():
			n.Down++
		default:
			n.Idle++
		}
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// bound leaves out children, and connections without any left, beyond a number.
func (v *gatewayView) bound(limit int) {
	for i := range v.Connections {
		c := &v.Connections[i]
		shown := min(len(c.Children), max(0, limit))
		v.More += len(c.Children) - shown
		c.Children = c.Children[:shown]
		limit -= max(1, shown)
		if limit < 0 {
			for _, rest := range v.Connections[i+1:] {
				v.More += len(rest.Children)
			}
			v.Connections = v.Connections[:i+1]
			return
		}
	}
}

func (s samplesByName) connection(name string, info *dto.Metric, children []childView) connectionView {
	return connectionView{
		Name:     name,
		Remote:   label(info, "remote_addrs"),
		Version:  label(info, "version"),
		Up:       s.value("strongswan_connection_up", name, "") == 1,
		Since:    s.value("strongswan_ike_sa_established_timestamp_seconds", name, ""),
		Children: children,
		Idle:     idle(label(info, "remote_addrs"), children),
	}
}

// idle returns why a connection may be down without anything being wrong.
func idle(remote string, children []childView) string {
	switch {
	case slices.Contains(strings.Split(remote, ","), "%any"):
		return "waiting"
	case len(children) > 0 && !slices.ContainsFunc(children, func(c childView) bool { return c.HasState }):
		return "policies"
	case len(children) > 0 && !slices.ContainsFunc(children, func(c childView) bool { return c.Policy == "" }):
		return "on demand"
	}
	return ""
}

// children returns all children by connection, sorted by name.
func (s samplesByName) children() map[string][]childView {
	all := make(map[string][]childView)
	for key, m := range s["strongswan_child_info"] {
		connection, name := key[0], key[1]
		c := childView{
			Name:     name,
			Mode:     label(m, "mode"),
			LocalTS:  label(m, "local_ts"),
			RemoteTS: label(m, "remote_ts"),
			HasState: s.has("strongswan_child_up", connection, name),
			Up:       s.value("strongswan_child_up", connection, name) == 1,
			Since:    s.value("strongswan_child_sa_installed_timestamp_seconds", connection, name),
			Received: s.value("strongswan_child_received_bytes_total", connection, name),
			Sent:     s.value("strongswan_child_sent_bytes_total", connection, name),
		}
		if installed := s["strongswan_child_policy_installed"][key]; installed != nil {
			c.Policy = label(installed, "policy")
		}
		all[connection] = append(all[connection], c)
	}
	for _, children := range all {
		slices.SortFunc(children, func(a, b childView) int { return cmp.Compare(a.Name, b.Name) })
	}
	return all
}
