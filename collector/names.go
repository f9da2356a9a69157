// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"maps"
	"strings"
)

// names gives the raw names of connections and children, which may be any bytes, the series that
// they belong to. Connections that the user excluded have none.
type names struct {
	include     func(connection string) bool
	config      *configuration
	connections map[string]*connection // by label value
	raw         map[string]*connection // by name as the daemon sends it; nil for excluded ones
	order       sorting[*connection]
	childOrder  sorting[*child]
	pairs       pairCache // of kinds and suites, which are few

	limit  int  // of raw names, those of children included; 0 is none
	taken  int  // raw names that are kept
	beyond bool // the limit was reached: there are names that nothing is known of
}

// Bounds of names: as many as the limit of series has room for, if each had no more than some, and as many as any
// daemon might have.
const (
	seriesPerName = 8
	fewestNames   = 100_000
)

// errTooManyNames means that a part of what the daemon listed is not known. Sums over the rest would be wrong without a sign.
var errTooManyNames = errors.New("the daemon has more names of connections and children than the limit of series has room for")

// take reports whether there is room for one more name.
func (n *names) take() bool {
	if n.limit > 0 && n.taken >= n.limit {
		n.beyond = true
		return false
	}
	n.taken++
	return true
}

func newNames(include func(string) bool) *names {
	return &names{
		include:     include,
		connections: make(map[string]*connection),
		raw:         make(map[string]*connection),
		pairs:       make(pairCache),
	}
}

// connection returns the connection of that name, or nil if it is excluded, or one too many.
func (n *names) connection(name string) *connection {
	c, known := n.raw[name]
	if !known {
		if !n.take() {
			return nil
		}
		if n.include(name) {
			c = n.labelled(labelValue(name))
		}
		n.raw[strings.Clone(name)] = c
	}
	return c
}

func (n *names) labelled(label string) *connection {
	c, ok := n.connections[label]
	if !ok {
		c = newConnection(n, strings.Clone(label))
		n.connections[c.name] = c
		n.order.outdated()
	}
	return c
}

// child returns the child of that name: of the IKE_SA's connection, or of the only other connection that
// configures such a child, since older daemons put a child under any IKE_SA with the same IKE configuration. It is
// nil if the connection that it belongs to is excluded, or if it is one too many.
func (n *names) child(c *connection, ikeName, name string) *child {
	key := rawChild{ikeName, name}
	k, known := c.raw[key]
	if !known {
		if !n.take() {
			return nil
		}
		owner := c
		if other, ok := n.config.owner(ikeName, name); ok {
			owner = n.connection(other)
		}
		if owner != nil {
			k = owner.child(labelValue(name))
		}
		c.raw[rawChild{strings.Clone(ikeName), strings.Clone(name)}] = k
	}
	return k
}

// configures reports whether a series is of a child that is configured.
func (n *names) configures(s series) bool {
	c := n.connections[s.connection]
	if c == nil {
		return false
	}
	k := c.children[s.member]
	return k != nil && k.configured
}

// all returns the connections in the order of their labels.
func (n *names) all() []*connection {
	return n.order.sorted(maps.Values(n.connections), func(c *connection) Labels { return c.labels })
}

// allChildren returns the children of all connections in the order of their labels.
func (n *names) allChildren() []*child {
	return n.childOrder.sorted(func(yield func(*child) bool) {
		for _, c := range n.connections {
			for _, k := range c.children {
				if !yield(k) {
					return
				}
			}
		}
	}, func(k *child) Labels { return k.labels })
}

// prune forgets connections and children that had no SA in the last sweep and no place in the
// configuration, so that names that come and go take no memory; excluded ones do not either.
func (n *names) prune() {
	n.taken = 0
	for label, c := range n.connections {
		c.prune()
		if c.total == 0 && !c.configured && len(c.children) == 0 {
			delete(n.connections, label)
			n.order.outdated()
		}
		n.taken += len(c.raw)
	}
	maps.DeleteFunc(n.raw, func(_ string, c *connection) bool { return c == nil || n.connections[c.name] == nil })
	n.taken += len(n.raw)
}
