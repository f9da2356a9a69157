// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// What Prometheus 3 sends unless it is configured otherwise.
const (
	accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
		"application/openmetrics-text;version=0.0.1;q=0.5," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	scrapeTimeout = "60" // seconds
)

// A scraped is what one scrape returned.
type scraped struct {
	plain, compressed int // bytes
	took              time.Duration
	page              page
}

// A scraper scrapes as Prometheus does.
type scraper struct {
	url    string
	client *http.Client
	body   bytes.Buffer // of the last scrape, as it came
	text   bytes.Buffer
}

func newScraper(url string) *scraper {
	return &scraper{url: url, client: &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{DisableCompression: true}, // it is asked for and undone here, to see the bytes
	}}
}

// scrape makes one scrape and reads it.
func (s *scraper) scrape(ctx context.Context) (scraped, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return scraped{}, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", scrapeTimeout)
	began := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return scraped{}, err
	}
	defer response.Body.Close()
	s.body.Reset()
	if _, err := s.body.ReadFrom(response.Body); err != nil {
		return scraped{}, err
	}
	result := scraped{took: time.Since(began), compressed: s.body.Len()}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "gzip" {
		return scraped{}, fmt.Errorf("scrape of %s: %s, not compressed by gzip: %.200q", s.url, response.Status, s.body.Bytes())
	}
	err = s.decompress()
	result.plain = s.text.Len()
	result.page = readPage(s.text.Bytes())
	return result, err
}

func (s *scraper) decompress() error {
	reader, err := gzip.NewReader(&s.body)
	if err != nil {
		return err
	}
	s.text.Reset()
	_, err = s.text.ReadFrom(reader)
	return err
}

// A page is what the exposition of one scrape says about its completeness.
type page struct {
	series     int
	daemonSAs  float64 // IKE_SAs as the daemon counts them
	ikeSAs     float64 // IKE_SAs that the exporter counted, over all states
	childSAs   float64 // installed CHILD_SAs that it counted
	peers      float64
	unlisted   float64
	failed     float64 // collectors
	collectors int
	heap       float64 // bytes
	ended      bool    // it is whole
}

func readPage(text []byte) (p page) {
	for line := range bytes.Lines(text) {
		if line[0] != '#' {
			p.series++
			p.sample(bytes.TrimSpace(line))
		} else if bytes.HasPrefix(line, []byte("# EOF")) {
			p.ended = true
		}
	}
	return p
}

// sample adds up a sample that tells of completeness.
func (p *page) sample(line []byte) {
	end := bytes.IndexAny(line, "{ ")
	if end < 0 {
		return
	}
	name, labels := line[:end], line[end:]
	value := func() float64 {
		f, err := strconv.ParseFloat(string(line[bytes.LastIndexByte(line, ' ')+1:]), 64)
		if err != nil {
			return -1 // equals nothing that is expected
		}
		return f
	}
	switch string(name) {
	case "strongswan_daemon_ike_sas":
		p.daemonSAs += value()
	case "strongswan_ike_sas":
		p.ikeSAs += value()
	case "strongswan_child_sas":
		if bytes.Contains(labels, []byte(`state="INSTALLED"`)) {
			p.childSAs += value()
		}
	case "strongswan_peer_info":
		p.peers += value()
	case "strongswan_sweep_unlisted_ike_sas":
		p.unlisted += value()
	case "strongswan_scrape_collector_success":
		p.collectors++
		p.failed += 1 - value()
	case "go_memstats_heap_alloc_bytes":
		p.heap = value()
	}
}

// whole returns an error unless the page has an end and all collectors succeeded.
func (p *page) whole() error {
	switch {
	case !p.ended:
		return errors.New("the page does not end with # EOF")
	case p.collectors == 0 || p.failed != 0:
		return fmt.Errorf("%v of %d collectors failed", p.failed, p.collectors)
	}
	return nil
}

// complete returns an error unless the page has every SA of a daemon with that many IKE_SAs of one CHILD_SA each.
func (p *page) complete(sas int, peers bool) error {
	n := float64(sas)
	if err := p.whole(); err != nil {
		return err
	}
	switch {
	case p.daemonSAs != n || p.ikeSAs != n || p.childSAs != n || p.unlisted != 0:
		return fmt.Errorf("of %d IKE_SAs the daemon counts %v, the exporter %v with %v installed CHILD_SAs, and %v not listed",
			sas, p.daemonSAs, p.ikeSAs, p.childSAs, p.unlisted)
	case peers && p.peers != n:
		return fmt.Errorf("of %d peers %v are there", sas, p.peers)
	}
	return nil
}
