// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// crowdOf lists IKE_SAs of connections with numbers from first on, each with a child, and takes no memory for it.
func crowdOf(first, n int, state func(i int) string) vicitest.Command {
	return func(c *vicitest.Call) (*vici.Message, error) {
		for i := first; i < first+n; i++ {
			err := c.Event("list-sa", func(e *vici.Encoder) {
				e.Section(fmt.Sprint("connection-", i))
				e.KeyValue("uniqueid", strconv.Itoa(i))
				e.KeyValue("version", "2")
				e.KeyValue("state", state(i))
				e.Section("child-sas")
				e.Section("net-1")
				e.KeyValue("name", "net")
				e.KeyValue("uniqueid", strconv.Itoa(i))
				e.KeyValue("state", "INSTALLED")
				e.KeyValue("spi-in", fmt.Sprintf("%08x", i))
				e.KeyValue("bytes-in", "1")
				e.EndSection()
				e.EndSection()
				e.EndSection()
			})
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func established(int) string { return vici.StateEstablished }

// heapInUse returns what is in use after a garbage collection.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A daemon with more names than there may be series loses what would be a part of the truth, and costs memory for as many
// names as allowed, however many it has.
func TestTooManyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const allowed, names = 1000, 50_000
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d)
		b.gateway.names.limit = allowed
		heal := d.Fault("list-sas", instead(crowdOf(0, 10, established)))
		before := b.scrape()
		require.Empty(t, before.failed())
		require.Len(t, before.of("ike_sas"), 10)
		heal()
		heal = d.Fault("list-sas", instead(crowdOf(0, names, established)))
		memory := heapInUse()
		for range 3 {
			s := b.scrape()
			require.Equal(t, []string{"connections", "sas"}, s.failed())
			require.Empty(t, s.of("ike_sas"))
			require.Empty(t, s.of("child_sas"))
			require.Equal(t, "1", s.value("up"))
			pass(time.Minute)
		}
		require.Less(t, heapInUse()-memory, int64(8<<20))
		logged := strings.Join(b.logged(), "\n")
		require.Equal(t, 1, strings.Count(logged, "collector=sas err=\"the daemon has more names"), logged)
		heal()
		d.Fault("list-sas", instead(crowdOf(0, 10, established)))
		require.Equal(t, before.of("ike_sas"), b.scrape().of("ike_sas"))
		require.Empty(t, b.scrape().failed())
	})
}

// It is the same for a daemon that has too many connections configured, as long as it has them.
func TestTooManyConfiguredNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const allowed = 1000
		d := newDaemon(t, vicitest.Config{})
		for i := range 2 * allowed {
			d.Load(vicitest.Connection{Name: fmt.Sprint("connection-", i), Children: []vicitest.Child{{Name: "net"}}})
		}
		b := newTestbed(t, d)
		b.gateway.names.limit = allowed
		for range 3 {
			s := b.scrape()
			require.Contains(t, s.failed(), "connections")
			require.Contains(t, s.failed(), "sas")
			require.NotContains(t, s.failed(), "daemon")
			require.Empty(t, s.of("connection_info"))
			require.Empty(t, s.of("connection_up"))
			pass(time.Minute)
		}
		for i := range 2*allowed - 100 {
			require.True(t, d.Unload(fmt.Sprint("connection-", i)))
		}
		b.scrape()
		s := b.scrape()
		require.Empty(t, s.failed())
		require.Len(t, s.of("connection_up"), 100)
	})
}

// Names that come and go, ten thousand of them within hours, leave nothing behind.
func TestNamesThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const allowed, first, rounds, each = 500, 20, 50, 120
		d := newDaemon(t, vicitest.Config{})
		b := newTestbed(t, d) // peers have a limit of their own
		b.gateway.names.limit = allowed
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- b.Run(ctx) }()
		defer func() {
			cancel()
			require.ErrorIs(t, <-ran, context.Canceled)
		}()
		synctest.Wait()
		round := func(i int) {
			heal := d.Fault("list-sas", instead(crowdOf(i*each, each, established)))
			for k := range each {
				sa := vicitest.IKESA{
					Name: fmt.Sprint("connection-", i*each+k), UniqueID: uint32(1e9 + i*each + k), Version: 2, State: vicitest.IKEEstablished,
				}
				d.RaiseIKEUpDown(&sa, true)
				d.RaiseIKEUpDown(&sa, false)
			}
			synctest.Wait()
			for _, f := range b.gather() {
				if f.GetName() == namespace+"ike_sas" {
					require.Len(t, f.GetMetric(), each)
				}
			}
			pass(2 * time.Minute)
			heal()
		}
		for i := range first {
			round(i)
		}
		before := heapInUse()
		for i := range rounds {
			round(first + i)
		}
		require.Less(t, heapInUse()-before, int64(4<<20))
	})
}

// States, versions and algorithms are few. A daemon that makes them up costs no more than some.
func TestTooManyKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t, vicitest.Config{})
		const sas = 5000
		d.Fault("list-sas", instead(crowdOf(0, sas, func(i int) string { return fmt.Sprint("STATE-", i) })))
		s := newTestbed(t, d).scrape()
		require.Empty(t, s.failed())
		states := make(map[string]bool)
		total := 0
		for labels := range s.of("ike_sas") {
			total++
			_, state, _ := strings.Cut(labels, "state=")
			states[state] = true
		}
		require.Equal(t, sas, total)
		require.LessOrEqual(t, len(states), maxInterned+1)
	})
}
