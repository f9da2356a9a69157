// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// newCrowdedTestbed has a daemon with some connections, of which all sources but that of the daemon have series.
func newCrowdedTestbed(t *testing.T, limit int) *testbed {
	t.Helper()
	d := newDaemon(t, vicitest.Config{})
	for i := range 100 {
		name := fmt.Sprintf("site-%02d", i)
		d.Load(vicitest.Connection{Name: name, Children: []vicitest.Child{{Name: "net"}}})
		_, err := d.Establish(name, vicitest.Peer{})
		require.NoError(t, err)
	}
	return newTestbed(t, d, func(c *Config) { c.SeriesLimit = limit })
}

// sizes returns the number of series of each family.
func sizes(families []*dto.MetricFamily) map[string]int {
	all := make(map[string]int)
	for _, f := range families {
		all[f.GetName()] = seriesLimit{}.seriesOf(f)
	}
	return all
}

func sum(sizes map[string]int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}

// Whatever source they are of, the largest metrics are left out first, no more of them than needed.
func TestLargestAreLeftOutFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := sizes(newCrowdedTestbed(t, 0).gather())
		always := 0
		for _, m := range OwnMetrics() {
			always += all[m.Name]
		}
		for limit := 10; limit < sum(all)+10; limit += 97 {
			families := newCrowdedTestbed(t, limit).gather()
			left := sizes(families)
			largest, smallest, dropped := 0, sum(all), 0
			for name, size := range all {
				_, there := left[name]
				own := slices.ContainsFunc(OwnMetrics(), func(m *Metric) bool { return m.Name == name })
				switch {
				case !there:
					smallest = min(smallest, size)
					dropped += size
				case !own:
					largest = max(largest, size)
				}
			}
			require.GreaterOrEqual(t, smallest, largest)
			require.Equal(t, strconv.Itoa(dropped), newSamples(t, families).value("series_dropped"))
			require.LessOrEqual(t, sum(left), max(limit, always))
			if dropped > 0 {
				require.Greater(t, sum(left)+smallest, limit, "it would have fitted")
			}
		}
	})
}

// What is told of the limit depends on what is asked for, and is told once for each.
func TestLimitIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCrowdedTestbed(t, 500)
		for range 10 {
			b.scrape()
			b.scrape("sas", "daemon")
			b.scrape("pools")
			pass(15 * time.Second)
		}
		logged := b.logged()
		require.Len(t, logged, 3, "that the daemon is there, and of two pages that they are too large")
		require.Contains(t, logged[2], `collectors=sas,daemon`)
	})
}

// A page on which something is missing does not tell that the limit holds again.
func TestLimitIsNotOfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCrowdedTestbed(t, 500)
		b.scrape()
		require.Len(t, b.logged(), 2)
		require.NoError(t, b.Close())
		require.Equal(t, "0", b.scrape().value("series_dropped"))
		require.Empty(t, b.logged())
	})
}

// Where created timestamps are exposed as samples, these are series.
func TestCreatedSamplesCount(t *testing.T) {
	page := NewPage()
	page.Counter(childReceivedBytes, 1, noon, newLabels("connection", "a", "child", "a"))
	page.Counter(childReceivedBytes, 1, time.Time{}, newLabels("connection", "a", "child", "b"))
	page.Gauge(ikeSAs, 1, nil)
	require.Equal(t, 3, seriesLimit{}.seriesOf(page.Families()...))
	require.Equal(t, 4, seriesLimit{created: true}.seriesOf(page.Families()...))

	left, dropped := seriesLimit{most: 4, created: true}.fit(page.Families(), 0)
	require.Len(t, left, 2)
	require.Zero(t, dropped)
	left, dropped = seriesLimit{most: 4, created: true}.fit(page.Families(), 1)
	require.Len(t, left, 1)
	require.Equal(t, 3, dropped)
}
