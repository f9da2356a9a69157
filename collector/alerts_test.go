// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// The first alert of a kind is an increase, since all kinds are there before; how many connections that is done for is bounded.
func TestAlertsFromTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		generation  vicitest.Generation
		connections int
		want        int
	}{
		"no daemon that raises them": {vicitest.Generation59, 3, 0},
		"few connections":            {vicitest.Generation61, 3, 4 * len(alertKinds())},
		"as many as may be":          {vicitest.Generation61, 14, 15 * len(alertKinds())},
		"many connections":           {vicitest.Generation61, 15, len(alertKinds())},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t, vicitest.Config{Generation: test.generation})
				for i := range test.connections {
					d.Load(vicitest.Connection{Name: fmt.Sprint("gw", i), Children: []vicitest.Child{{Name: "net"}}})
				}
				b := newTestbed(t, d, eventful)
				b.watch()
				alerts := b.scrapeSettled().of("alerts_total")
				require.Len(t, alerts, test.want)
				for series, count := range alerts {
					require.Equal(t, "0", count, series)
				}
				if test.want == 0 {
					return
				}
				id, err := d.Establish("gw1", vicitest.Peer{})
				require.NoError(t, err)
				sa, err := d.IKESA(id)
				require.NoError(t, err)
				d.RaiseAlert("cert-expired", &sa)
				d.RaiseAlert("new-kind", nil)
				alerts = b.scrapeSettled().of("alerts_total")
				require.Equal(t, "1", alerts[`{alert="cert-expired",connection="gw1"}`])
				require.Equal(t, "1", alerts[`{alert="new-kind",connection=""}`])
				require.Equal(t, "0", alerts[`{alert="cert-expired",connection=""}`])

				d.Crash()
				gone := b.scrapeSettled()
				require.Equal(t, "0", gone.value("event_stream_connected"))
				require.Equal(t, alerts, gone.of("alerts_total"), "counters stay while the daemon is away")
			})
		})
	}
}
