// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
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

// Alerts are kept as long as the other counters of their connection.
func TestAlertsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		b := newTestbed(t, l, eventful)
		b.watch()
		raised := func() {
			b.gateway.locked(func() {
				b.gateway.tracker.alert(&vici.Alert{Type: "new-kind"})
				for i := range 100 {
					b.gateway.tracker.alert(&vici.Alert{Type: "peer-auth-failed", IKE: &vici.IKESA{Name: fmt.Sprint("c", i)}})
				}
				b.gateway.tracker.alert(&vici.Alert{Type: "new-kind", IKE: &vici.IKESA{Name: "gw"}})
			})
		}
		raised()
		for range 23 {
			pass(time.Hour)
			require.Len(t, b.scrapeSettled().of("ike_sas_failed_total"), 101)
			require.Len(t, b.gateway.tracker.alerts, 102)
		}
		pass(2 * time.Hour)
		kept := b.scrapeSettled().of("alerts_total")
		require.Equal(t, map[alertSeries]uint64{{"new-kind", ""}: 1, {"new-kind", "gw"}: 1}, b.gateway.tracker.alerts)
		require.Equal(t, "1", kept[`{alert="new-kind",connection="gw"}`])
		began := time.Now()
		raised()
		require.Equal(t, "1", b.scrapeSettled().of("alerts_total")[`{alert="peer-auth-failed",connection="c7"}`])
		since := created(b.gather(), "alerts_total")
		require.WithinDuration(t, began, since["alert=peer-auth-failed,connection=c7"], time.Second, "counted anew")
		require.WithinDuration(t, began.Add(-25*time.Hour), since["alert=new-kind,connection=gw"], time.Second)
		require.WithinDuration(t, began.Add(-25*time.Hour), since["alert=new-kind,connection="], time.Second)
	})
}

// Where there are very many series of alerts, those make room whose connection is not there any more.
func TestManyAlerts(t *testing.T) {
	now := noon
	tracker := newTestTracker(&now, anything)
	raise := func(connection string, i int) {
		tracker.alert(&vici.Alert{Type: fmt.Sprint("kind", i), IKE: &vici.IKESA{Name: connection}})
	}
	for i := range maxAlertSeries {
		raise("gone", i)
	}
	raise("gw", 1)
	require.EqualValues(t, 1, tracker.alerts[alertSeries{alert: "other"}])
	now = now.Add(lingering + time.Second)
	tracker.names.prune()
	raise("gw", 2)
	require.EqualValues(t, 2, tracker.alerts[alertSeries{alert: "other"}])
	tracker.page()
	require.LessOrEqual(t, len(tracker.alerts), 1)
	require.Equal(t, map[alertSeries]uint64{{alert: "other"}: 2}, tracker.alerts)
	raise("gw", 3)
	require.EqualValues(t, 1, tracker.alerts[alertSeries{"kind3", "gw"}])
}
