// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A client may be closed while queries go over it, one of which was not answered in time. Afterwards there are no sessions.
func TestClientIsClosedWhileInUse(t *testing.T) {
	d := vicitest.NewDaemon(vicitest.Config{})
	defer d.Close()
	for range 20 {
		c := newClient(&vici.Dialer{Address: d.Address()})
		started := make(chan struct{})
		var using sync.WaitGroup
		using.Go(func() {
			for i := 0; ; i++ {
				s, _, err := c.get(t.Context())
				if err != nil {
					require.ErrorIs(t, err, vici.ErrClosed)
					return
				}
				_ = s.Ping(t.Context()) // it may be closed
				if i%3 == 2 {
					c.suspect()
				}
				if i == 10 {
					close(started)
				}
			}
		})
		<-started
		c.close()
		using.Wait()
		s, probe := c.state()
		require.True(t, s == nil || s.Err() != nil)
		require.Empty(t, probe)
	}
}
