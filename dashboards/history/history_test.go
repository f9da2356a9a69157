// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

var out = flag.String("out", "", "write six hours up to now to this file")

// interval is how often the gateways are scraped.
const interval = time.Minute

func TestHistory(t *testing.T) {
	if *out == "" {
		written := &counter{w: io.Discard}
		play(t, written, storyLength/36, time.Now())
		require.Greater(t, written.lines, 3*10*500, "ten scrapes of three gateways")
		return
	}
	file, err := os.Create(*out)
	require.NoError(t, err)
	buffered := bufio.NewWriterSize(file, 1<<20)
	play(t, buffered, storyLength, time.Now())
	require.NoError(t, errors.Join(buffered.Flush(), file.Close()))
}

// play lets the story happen and writes scrapes of it, so that it ends at a moment.
func play(t *testing.T, w io.Writer, length time.Duration, end time.Time) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		gateways, err := newGateways(began)
		require.NoError(t, err)
		p := page{w: w, shift: end.Sub(began.Add(length))}
		var watched []*collector.Collector
		for _, g := range gateways {
			watched = append(watched, watch(t, g))
		}
		for passed := storyStep; passed <= length; passed += storyStep {
			time.Sleep(storyStep) //nolint:forbidigo // the bubble's clock moves by sleeping
			for i, g := range gateways {
				require.NoError(t, g.play(time.Now()))
				if passed%interval == 0 {
					p.scrape(t, g.instance, watched[i])
				}
			}
		}
		p.write("# EOF\n")
		require.NoError(t, p.err)
	})
}

// watch returns a collector with all sources that runs until the test ends.
func watch(t *testing.T, g *gateway) *collector.Collector {
	t.Helper()
	all := make(map[string]bool)
	for _, info := range collector.Infos() {
		all[info.Name] = true
	}
	c, err := collector.New(collector.Config{Dialer: &vici.Dialer{DialContext: g.Dial}, Collectors: all})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, c.Close())
	})
	return c
}

func (p *page) scrape(t *testing.T, instance string, c *collector.Collector) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), interval/2)
	defer cancel()
	families, _, err := c.Gather(ctx)
	require.NoError(t, err)
	p.add(instance, time.Now(), families)
}

// A counter counts lines.
type counter struct {
	w     io.Writer
	lines int
}

func (c *counter) Write(b []byte) (int, error) {
	for _, char := range b {
		if char == '\n' {
			c.lines++
		}
	}
	return c.w.Write(b)
}
