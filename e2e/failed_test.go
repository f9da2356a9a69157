// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/e2e/lab"
)

// A peer that proves another identity than the one that is configured does not come up, which is a failure with both versions of IKE,
// although an IKEv1 SA ends in a state like that of one that was up.
func TestFailedEstablishment(t *testing.T) {
	for connection, child := range map[string]string{plain.connection: plain.child, version1.connection: version1.child} {
		t.Run(connection, func(t *testing.T) {
			ctx := bounded(t)
			l := lab.New(t, "5.9.8",
				lab.WithSwanctl("connections { "+connection+" { remote { id = somebody.else.example } } }", lab.Moon),
				lab.WithSwanctl("secrets { ike-else { id-1 = "+connection+".moon.example\n id-2 = somebody.else.example\n"+
					" secret = preshared-"+connection+"-6bafe1c3 } }", lab.Moon))
			e := startExporter(t, l.Moon.Address())
			e.awaitEvents(t)
			e.scrape(t)
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			require.Error(t, l.Moon.Initiate(ctx, child))
			value := func(what string) float64 {
				return e.scrape(t).value(t, "strongswan_ike_sas_"+what+"_total", "connection", connection)
			}
			await(t, func() bool { return value("failed")+value("terminated") > 0 }, "the end of the IKE_SA is told")
			require.Positive(t, value("failed"))
			require.Zero(t, value("terminated"))
			require.Zero(t, value("established"))
		})
	}
}
