// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A pipeListener accepts connections in memory, for servers in a bubble.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (*pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// dial connects to the server. That the client's own patience ends, long after the server's should, is for the test to
// fail by.
func (l *pipeListener) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	l.connections <- server
	require.NoError(t, client.SetDeadline(time.Now().Add(2*requestTimeout)))
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// serveInBubble serves the exporter with the bounds of the real server.
func serveInBubble(t *testing.T) *pipeListener {
	t.Helper()
	d := newGateway(t, vicitest.Config{})
	e := newExporter(t, d.Dial)
	server := newServer(e.handler, promslog.New(&promslog.Config{Writer: e.logs}))
	l := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return l
}

// requireClosed insists that the server closes a connection within some time.
func requireClosed(t *testing.T, c net.Conn, within time.Duration) {
	t.Helper()
	start := time.Now()
	_, err := io.Copy(io.Discard, c)
	require.NoError(t, err)
	require.LessOrEqual(t, time.Since(start), within)
}

// trickle writes a byte each second until nobody reads any more, and returns how long that took.
func trickle(c net.Conn, text string) time.Duration {
	start := time.Now()
	for i := range len(text) {
		if _, err := c.Write([]byte(text[i : i+1])); err != nil {
			break
		}
		pass(time.Second)
	}
	return time.Since(start)
}

const scrapeRequest = "GET /metrics HTTP/1.1\r\nHost: gateway\r\n"

// Clients that say nothing, or say it slowly, hold a connection for a bounded time, whichever part it is that they
// are slow with.
func TestSlowClients(t *testing.T) {
	long, chunks := strings.Repeat("x", 10_000), strings.Repeat("1\r\nx\r\n", 2000)
	for name, test := range map[string]struct {
		begin, slowly string
		within        time.Duration
	}{
		"nothing":         {"", "", headerTimeout},
		"half a header":   {scrapeRequest, "", headerTimeout},
		"a slow header":   {scrapeRequest + "X-Slow: ", long, headerTimeout + time.Second},
		"a slow body":     {scrapeRequest + "Content-Length: 10000\r\n\r\n", long, requestTimeout + time.Second},
		"no body":         {scrapeRequest + "Content-Length: 10000\r\n\r\n", "", requestTimeout},
		"an endless body": {scrapeRequest + "Transfer-Encoding: chunked\r\n\r\n", chunks, requestTimeout + time.Second},
		"no more request": {scrapeRequest + "\r\n", "", idleTimeout + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serveInBubble(t).dial(t)
				_, err := io.WriteString(c, test.begin)
				require.NoError(t, err)
				if test.slowly != "" {
					reading := make(chan struct{})
					go func() { // answers, so that it is the writing that is slow
						defer close(reading)
						_, _ = io.Copy(io.Discard, c)
					}()
					require.LessOrEqual(t, trickle(c, test.slowly), test.within)
					<-reading
					return
				}
				requireClosed(t, c, test.within)
			})
		})
	}
}

// A scraper may wait for five minutes, whatever it says.
func TestLongestScrape(t *testing.T) {
	for _, seconds := range []float64{300, 86399, 1e300, math.Inf(1)} {
		synctest.Test(t, func(t *testing.T) {
			d := newGateway(t, vicitest.Config{})
			e := newExporter(t, d.Dial, "--vici.timeout=1h", "--scrape.timeout-offset=0s")
			d.Fault("stats", vicitest.Hang())
			d.Fault("version", vicitest.Hang())
			start := time.Now()
			w := e.get("/metrics", seconds)
			require.Equal(t, http.StatusOK, w.Code)
			require.LessOrEqual(t, time.Since(start), longestScrape)
		})
	}
}

// Headers that are too long are refused as they come, over a real connection.
func TestOversizedHeaders(t *testing.T) {
	s := serveExporter(t)
	for name, header := range map[string]string{
		"a long line":  "X-Long: " + strings.Repeat("x", 1<<20) + "\r\n",
		"many lines":   strings.Repeat("X-Many: x\r\n", 1<<17),
		"a long path":  "",
		"one too many": "X-Just: " + strings.Repeat("x", maxHeaderBytes+8192) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var d net.Dialer
			c, err := d.DialContext(t.Context(), "tcp", s.address)
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			request := scrapeRequest + header + "\r\n"
			if name == "a long path" {
				request = fmt.Sprintf("GET /%s HTTP/1.1\r\nHost: gateway\r\n\r\n", strings.Repeat("x", 1<<20))
			}
			_, _ = io.WriteString(c, request) // it may be refused before it is written
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
			require.True(t, response.Close)
			require.NoError(t, response.Body.Close())
		})
	}
	status, text, err := s.ask(t, "http", "/metrics", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	requireRight(t, parsePage(t, text))
}
