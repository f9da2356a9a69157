// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A gatewayList is what a daemon lists, in an order that it chooses anew now and then.
type gatewayList struct {
	random *rand.Rand
	next   uint32
	sas    []*vici.IKESA
}

// change lets SAs come, go and change places, and the daemon list one of them twice.
func (l *gatewayList) change() {
	for range l.random.IntN(4) {
		l.next++
		l.sas = append(l.sas, l.newSA(l.next))
	}
	for range l.random.IntN(3) {
		if len(l.sas) > 0 {
			i := l.random.IntN(len(l.sas))
			l.sas = append(l.sas[:i], l.sas[i+1:]...)
		}
	}
	if l.random.IntN(4) == 0 {
		l.random.Shuffle(len(l.sas), func(i, j int) { l.sas[i], l.sas[j] = l.sas[j], l.sas[i] })
	}
	for _, sa := range l.sas {
		if l.random.IntN(5) == 0 {
			l.random.Shuffle(len(sa.Children), func(i, j int) { sa.Children[i], sa.Children[j] = sa.Children[j], sa.Children[i] })
		}
		if l.random.IntN(10) == 0 && len(sa.Children) > 0 {
			sa.Children = sa.Children[1:]
		}
	}
}

func (l *gatewayList) newSA(id uint32) *vici.IKESA {
	sa := &vici.IKESA{
		Name: fmt.Sprintf("gw-%d", id%3), UniqueID: vici.Some(id), InitiatorSPI: vici.Some(vici.IKESPI(id)), Version: "2",
		State: vici.StateEstablished, Established: vici.Some(time.Hour), Initiator: id%2 == 0,
	}
	for i := range l.random.Uint32N(4) {
		child := 10*id + i
		sa.Children = append(sa.Children, vici.ChildSA{
			Name: fmt.Sprintf("net-%d", i), UniqueID: vici.Some(child), SPIIn: vici.Some(vici.SPI(child)),
			State: vici.StateInstalled, Mode: "TUNNEL", Protocol: "ESP", InstallTime: vici.Some(time.Hour), BytesIn: vici.Some(uint64(child)),
		})
	}
	return sa
}

// sweep lets a table take the listing, and returns what it makes of it.
func (l *gatewayList) sweep(t *testing.T, table *saTable, twice int) string {
	t.Helper()
	table.begin()
	for i, sa := range l.sas {
		table.observe(sa, noon)
		if i == twice {
			table.observe(sa, noon)
			table.listed-- // the daemon does not count it twice
		}
	}
	table.end(uint64(len(l.sas)), noon)
	table.aggregate(noon.Unix())
	out := NewPage()
	for _, c := range table.names.all() {
		emitConnection(out, c)
	}
	for _, k := range table.names.allChildren() {
		emitChild(out, table.names, k)
	}
	return text(t, out.Families())
}

// Where a record was found last time is a hint: a table that has seen other listings says of one what a new table says.
func TestRoster(t *testing.T) {
	for seed := range uint64(200) {
		l := &gatewayList{random: rand.New(rand.NewPCG(seed, 0))}
		table := newSATable(newNames(anything), noon)
		for range 20 {
			l.change()
			if l.random.IntN(8) == 0 && len(l.sas) > 0 { // an event tells of an end that the listing does not know of yet
				table.take(keyOf(l.sas[l.random.IntN(len(l.sas))]))
			}
			twice := l.random.IntN(10)
			fresh := l.sweep(t, newSATable(newNames(anything), noon), twice)
			require.Equal(t, fresh, l.sweep(t, table, twice), "listing %d", seed)
			require.Len(t, table.ikes, len(l.sas))
			require.Len(t, table.roster.current, len(l.sas))
		}
	}
}

// A listing that is as the last one is followed without a search; what is not where it was costs one.
func TestRosterFollows(t *testing.T) {
	var r roster
	records := make([]*ikeRecord, 5)
	for i := range records {
		records[i] = &ikeRecord{key: ikeKey{id: uint32(i)}}
		r.add(records[i])
	}
	r.begin()
	for i, record := range records {
		found := r.expected(ikeKey{id: uint32(i)})
		require.Same(t, record, found)
		r.add(record)
	}
	r.begin()
	require.Nil(t, r.expected(records[2].key), "0 and 1 are not listed any more")
	r.found(records[2])
	found := r.expected(records[3].key)
	require.Same(t, records[3], found)
	records[4].gone = true
	require.Nil(t, r.expected(records[4].key))
}
