// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A configuration is what the daemon would do, as list-conns tells. It lasts until a listing differs.
type configuration struct {
	connections []*configured      // those that are shown, in the order of their labels, as all that follow
	children    []*configuredChild // of those connections
	algorithms  []Labels           // likewise
	pairs       pairCache          // many connections are configured alike
	owners      map[string]owner   // by the name of a child
}

// An owner is the connection that configures a child.
type owner struct {
	connection string
	several    bool // there are others that do
}

// owner returns the connection to which a CHILD_SA belongs whose IKE_SA is of
// another one that does not configure it; ok is false where the IKE_SA's own name stands.
func (c *configuration) owner(ike, child string) (connection string, ok bool) {
	if c == nil {
		return "", false
	}
	o, known := c.owners[child]
	if !known || o.several || o.connection == ike {
		return "", false
	}
	return o.connection, true
}

// A configReader reads list-conns. Only when something is said in other words than before is anything decoded: a gateway with
// ten thousand connections says the same at every scrape.
type configReader struct {
	known   map[string]*uint32 // messages, and the reading that saw each last
	turn    uint32
	current bool // known is what the last whole reading returned
}

// configure asks for the connections, once per round.
func (r *round) configure(ctx context.Context) error {
	return r.once(&r.configDone, func() error {
		var conns []*vici.Conn
		err := r.query(ctx, "list-conns", func(ctx context.Context, s *vici.Session) (err error) {
			conns, err = r.configReader.read(ctx, s)
			return err
		})
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if conns != nil {
			r.names.configure(conns)
		}
		if r.names.beyond {
			r.configReader = configReader{} // there may be room for all the next time
			return errTooManyNames
		}
		return nil
	})
}

// read returns the connections, or nil if they are the same as at the last reading.
func (c *configReader) read(ctx context.Context, s *vici.Session) ([]*vici.Conn, error) {
	c.turn++
	n := 0
	for body, err := range s.StreamRaw(ctx, "list-conns", "list-conn", nil) {
		if err != nil {
			return nil, err
		}
		n += btoi(c.note(body))
	}
	if c.current && n == len(c.known) {
		return nil, nil
	}
	maps.DeleteFunc(c.known, func(_ string, turn *uint32) bool { return *turn != c.turn })
	conns := make([]*vici.Conn, 0, n)
	for _, message := range slices.Sorted(maps.Keys(c.known)) { // so that of two with one name the same one is always first
		conn, err := decodeConn([]byte(message))
		if err != nil {
			*c = configReader{}
			return nil, err
		}
		conns = append(conns, conn)
	}
	c.current = true
	return conns, nil
}

// note takes a message and reports whether it is the first such one of this reading.
func (c *configReader) note(body []byte) (first bool) {
	turn, known := c.known[string(body)]
	if !known {
		if c.known == nil {
			c.known = make(map[string]*uint32)
		}
		turn = new(uint32)
		c.known[string(body)] = turn
		c.current = false
	}
	first = *turn != c.turn
	*turn = c.turn
	return first
}

func decodeConn(body []byte) (*vici.Conn, error) {
	decoded, err := vici.Event{Name: "list-conn", Body: body}.Decode()
	if err != nil {
		return nil, err
	}
	return decoded.(*vici.Conn), nil
}

// newConfiguration sorts out which children belong to which connection.
func newConfiguration(conns []*vici.Conn) *configuration {
	c := &configuration{owners: make(map[string]owner), pairs: make(pairCache)}
	for _, conn := range conns {
		for i := range conn.Children {
			name := conn.Children[i].Name
			o, known := c.owners[name]
			c.owners[name] = owner{conn.Name, known && (o.several || o.connection != conn.Name)}
		}
	}
	return c
}

// configure makes a new configuration known; what was concluded from the last one is forgotten.
func (n *names) configure(conns []*vici.Conn) {
	slices.SortStableFunc(conns, func(a, b *vici.Conn) int { return cmp.Compare(a.Name, b.Name) })
	for _, c := range n.connections {
		c.unconfigure()
	}
	n.config = newConfiguration(conns)
	for _, conn := range conns {
		series := n.connection(conn.Name)
		if series != nil { // it is not excluded
			n.config.add(series, conn)
		}
	}
	n.config.sort()
}

// add adds a connection that is shown. Where there are several with one label, since names differ only in what is no label, or since
// the daemon has two of one name from different sources, all their children count, and the first one tells the rest.
func (c *configuration) add(series *connection, conn *vici.Conn) {
	if !series.configured {
		series.configured = true
		c.connections = append(c.connections, newConfigured(series, conn, c.pairs.pair))
	}
	c.algorithms = append(c.algorithms, algorithmLabels(series.labels.with(c.pairs.pair("child", "")), "IKE", conn.Proposals, c.pairs.pair)...)
	for i := range conn.Children {
		child := &conn.Children[i]
		k := series.child(labelValue(child.Name))
		if !k.configured {
			k.configured = true
			c.children = append(c.children, newConfiguredChild(k, child, c.pairs.pair))
		}
		c.algorithms = append(c.algorithms, algorithmLabels(k.labels, "ESP", child.ESPProposals, c.pairs.pair)...)
		c.algorithms = append(c.algorithms, algorithmLabels(k.labels, "AH", child.AHProposals, c.pairs.pair)...)
	}
}

// sort puts all in the order in which it is exposed.
func (c *configuration) sort() {
	slices.SortFunc(c.connections, func(a, b *configured) int { return compareLabels(a.series.labels, b.series.labels) })
	slices.SortFunc(c.children, func(a, b *configuredChild) int { return compareLabels(a.series.labels, b.series.labels) })
	slices.SortFunc(c.algorithms, compareLabels)
	c.algorithms = slices.CompactFunc(c.algorithms, func(a, b Labels) bool { return compareLabels(a, b) == 0 })
}

// unconfigure prepares for another configuration.
func (c *connection) unconfigure() {
	c.configured = false
	clear(c.raw)
	for _, k := range c.children {
		k.configured = false
	}
}

// joined makes one label value of several.
func joined(values []string) string { return strings.Join(values, ",") }
