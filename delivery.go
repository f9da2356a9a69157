// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of how slowly a client may take its page.
const (
	stallTimeout = 10 * time.Second // until it has taken some more
	deliveryTime = 10 * time.Second // beyond the moment until which it waits for the whole, so the page is of no more use to it then
)

// A delivery is the way of pages to clients. It answers a bounded number of requests at a time, and what clients that read slowly or
// not at all hold of each is a compressed page: what the page was made of is free before the first byte goes out.
type delivery struct {
	room     chan struct{} // holds one value for each request under way
	full     atomic.Bool   // there was no room for the last one
	compress func(http.Handler) http.HandlerFunc
	spare    sync.Pool // see spool
	config   *config
	log      *slog.Logger
}

func newDelivery(config *config, log *slog.Logger) (*delivery, error) {
	compress, err := newCompression()
	if err != nil {
		return nil, err
	}
	d := &delivery{room: make(chan struct{}, config.maxRequests), compress: compress, config: config, log: log}
	d.spare.New = newCompressor
	return d, nil
}

// of returns the handler that delivers what another one answers.
func (d *delivery) of(answer http.Handler) http.Handler {
	answer = d.compress(answer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		until := time.Now().Add(d.config.timeoutOf(r) + deliveryTime)
		if !d.enter() {
			d.refuse(w)
			return
		}
		defer func() { <-d.room }()
		s := spool{compressors: &d.spare}
		answer.ServeHTTP(&s, r)
		err := s.finish()
		if err == nil {
			err = r.Context().Err()
		}
		if err == nil {
			err = s.deliver(w, &unhurried{w, until})
		}
		if err != nil {
			d.log.Debug("A client did not take its page", "client", r.RemoteAddr, "path", r.URL.Path, "err", err)
		}
	})
}

// enter takes room for a request, if there is some.
func (d *delivery) enter() bool {
	select {
	case d.room <- struct{}{}:
		d.full.Store(false)
		return true
	default:
		return false
	}
}

// refuse answers a request for which there is no room. The first of several in a row is worth a line.
func (d *delivery) refuse(w http.ResponseWriter) {
	if !d.full.Swap(true) {
		d.log.Warn("Requests are refused, since too many are being answered; --web.max-requests is their bound", "bound", cap(d.room))
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, fmt.Sprintf("%d requests are being answered, and no more are at a time.", cap(d.room)), http.StatusServiceUnavailable)
}

// An unhurried writer writes a page to a client as slowly as that may be.
type unhurried struct {
	http.ResponseWriter

	until time.Time
}

// Write gives the client some time to take this part.
func (u *unhurried) Write(part []byte) (int, error) {
	deadline := time.Now().Add(stallTimeout)
	if u.until.Before(deadline) {
		deadline = u.until
	}
	// What has no deadlines, such as a recorder in a test, has no slow clients either.
	_ = http.NewResponseController(u.ResponseWriter).SetWriteDeadline(deadline)
	return u.ResponseWriter.Write(part)
}
