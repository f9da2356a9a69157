// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// Pages are compressed for those who ask for it, in what they like best.
func TestCompression(t *testing.T) {
	d := vicitest.NewDaemon(vicitest.Config{})
	defer d.Close()
	e := newExporter(t, nil, "--vici.address="+d.Address())
	for name, test := range map[string]struct{ accept, want string }{
		"nobody asks":      {"", ""},
		"Prometheus":       {"gzip", "gzip"},
		"zstd alone":       {"zstd", "zstd"},
		"zstd better":      {"gzip;q=0.5, zstd", "zstd"},
		"gzip better":      {"gzip, zstd;q=0.5", "gzip"},
		"refused":          {"gzip;q=0", ""},
		"what nobody does": {"br", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			if test.accept != "" {
				r.Header.Set("Accept-Encoding", test.accept)
			}
			w := httptest.NewRecorder()
			e.handler.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, test.want, w.Header().Get("Content-Encoding"))
			require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
			page, err := io.ReadAll(decompress(t, test.want, w.Body))
			require.NoError(t, err)
			require.EqualValues(t, 1, parsePage(t, string(page))["strongswan_up"])
		})
	}
}

func decompress(t *testing.T, encoding string, body io.Reader) io.Reader {
	t.Helper()
	switch encoding {
	case "gzip":
		r, err := gzip.NewReader(body)
		require.NoError(t, err)
		return r
	case "zstd":
		r, err := zstd.NewReader(body)
		require.NoError(t, err)
		t.Cleanup(r.Close)
		return r
	}
	return body
}
