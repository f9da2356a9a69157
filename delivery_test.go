// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A stuckClient takes the header of its page and nothing more until it is let go, as one that does not read its socket.
type stuckClient struct {
	*httptest.ResponseRecorder

	writing chan struct{} // closed when the page is about to be written
	once    sync.Once
	goOn    chan struct{}
}

func (c *stuckClient) Write([]byte) (int, error) {
	c.once.Do(func() { close(c.writing) })
	<-c.goOn
	return 0, errors.New("the client has gone")
}

// loadMany gives a daemon connections, so that its page is a large one.
func loadMany(d *vicitest.Daemon, n int) {
	for i := range n {
		d.Load(vicitest.Connection{
			Name: "branch-" + strconv.Itoa(i), Version: 2, RemoteAddrs: []string{"192.0.2.2"},
			Children: []vicitest.Child{{Name: "lan", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"}}},
		})
	}
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools hold goes at the second time
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Clients that ask for pages and do not read them hold little of each, whether it was to be compressed or not.
func TestUnreadPagesAreSmall(t *testing.T) {
	const clients = 10
	for _, encoding := range []string{"gzip", ""} {
		t.Run("as "+encoding, func(t *testing.T) {
			d := newGateway(t, vicitest.Config{})
			loadMany(d, 1500)
			e := newExporter(t, d.Dial, "--scrape.min-interval=0s")
			page := e.get("/metrics", 10).Body.Len()
			require.Greater(t, page, 1_000_000)
			before := heapInUse()
			goOn := make(chan struct{})
			var serving sync.WaitGroup
			for range clients {
				w := &stuckClient{httptest.NewRecorder(), make(chan struct{}), sync.Once{}, goOn}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
				r.Header.Set("Accept-Encoding", encoding)
				serving.Go(func() { e.handler.ServeHTTP(w, r) })
				<-w.writing
			}
			held := (heapInUse() - before) / clients
			close(goOn)
			serving.Wait()
			require.Less(t, held, page/5, "bytes that a client holds whose page has %d", page)
		})
	}
}

// More requests than the bound are refused, and others not until there is room again.
func TestRequestsAreBounded(t *testing.T) {
	for _, path := range []string{"/metrics", "/probe?target=b", "/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newGateway(t, vicitest.Config{})
			e := newExporter(t, d.Dial, "--web.max-requests=2", "--scrape.min-interval=0s")
			heal := d.Fault("version", vicitest.Hang())
			var serving sync.WaitGroup
			for range 2 {
				serving.Go(func() { require.Equal(t, http.StatusOK, e.get("/metrics", 10).Code) })
			}
			synctest.Wait()
			for range 3 {
				w := e.get(path, 10)
				require.Equal(t, http.StatusServiceUnavailable, w.Code)
				require.Equal(t, "1", w.Header().Get("Retry-After"))
				require.Contains(t, w.Body.String(), "2 requests are being answered")
			}
			require.Equal(t, http.StatusOK, e.get("/-/healthy", 10).Code)
			require.Equal(t, 1, strings.Count(e.logs.String(), "--web.max-requests"), e.logs.String())
			serving.Wait()
			heal()
			pass(time.Minute)
			require.NotEqual(t, http.StatusServiceUnavailable, e.get(path, 10).Code)
			requireRight(t, e.scrape())
		})
	}
}

// A client that hangs up in the middle of its page is worth one line, for who looks for it.
func TestHangingUpIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newGateway(t, vicitest.Config{})
		e := newExporter(t, d.Dial, "--log.level=debug")
		synctest.Wait()
		requireRight(t, e.scrape()) // that the daemon answers is told once
		before := e.logs.String()
		goOn := make(chan struct{})
		close(goOn)
		w := &stuckClient{httptest.NewRecorder(), make(chan struct{}), sync.Once{}, goOn}
		e.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		written := strings.TrimPrefix(e.logs.String(), before)
		require.Equal(t, 1, strings.Count(written, "\n"), written)
		require.Contains(t, written, "level=DEBUG")
		require.Contains(t, written, "the client has gone")
	})
}

// A client that takes nothing of its page loses it soon, whatever patience it claims to have, and one that takes it slowly when a
// scraper would have given up.
func TestSlowReaders(t *testing.T) {
	for name, test := range map[string]struct {
		claims string // seconds
		each   time.Duration
		within time.Duration
	}{
		"nothing":            {"300", stallTimeout + time.Second, stallTimeout},
		"a little each time": {"60", stallTimeout / 2, time.Minute + deliveryTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serveInBubble(t).dial(t)
				_, err := io.WriteString(c, scrapeRequest+"X-Prometheus-Scrape-Timeout-Seconds: "+test.claims+"\r\n\r\n")
				require.NoError(t, err)
				start, some := time.Now(), make([]byte, 16)
				for err == nil {
					pass(test.each)
					_, err = io.ReadFull(c, some)
				}
				require.LessOrEqual(t, time.Since(start), test.within+test.each)
				rest, err := io.ReadAll(c)
				require.NoError(t, err)
				require.NotContains(t, string(rest), "# EOF")
			})
		})
	}
}

// What a client asks for is what it gets, over a real connection and whichever way its page is kept meanwhile.
func TestDelivery(t *testing.T) {
	s := serveExporter(t)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, encoding := range []string{"gzip", "zstd", "identity"} {
			t.Run(fmt.Sprint(method, " ", encoding), func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+"/metrics", http.NoBody)
				require.NoError(t, err)
				r.Header.Set("Accept-Encoding", encoding)
				response, err := http.DefaultTransport.RoundTrip(r)
				require.NoError(t, err)
				defer func() { require.NoError(t, response.Body.Close()) }()
				require.Equal(t, http.StatusOK, response.StatusCode)
				require.Contains(t, response.Header.Get("Content-Type"), "text/plain")
				if method == http.MethodHead {
					return
				}
				page, err := io.ReadAll(decompress(t, response.Header.Get("Content-Encoding"), bufio.NewReader(response.Body)))
				require.NoError(t, err)
				requireRight(t, parsePage(t, string(page)))
			})
		}
	}
}
