// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package live asks a Prometheus what a viewer of the dashboards would see, as Grafana does: with the variables' values
// in place, over a time range.
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A Prometheus is a server's API. The zero Client has no time-out.
type Prometheus struct {
	URL    string
	Client http.Client
}

// A Series is what a query returned. Range queries have points in steps, instant ones have one.
type Series struct {
	Labels map[string]string
	Points []Point
}

// A Point is a value at a moment.
type Point struct {
	Time  time.Time
	Value float64
}

// Last returns the latest value.
func (s Series) Last() float64 { return s.Points[len(s.Points)-1].Value }

// Instant returns the value of an expression at a moment.
func (p *Prometheus) Instant(ctx context.Context, expr string, at time.Time) ([]Series, error) {
	return p.query(ctx, "query", url.Values{"query": {expr}, "time": {stamp(at)}})
}

// Range returns the values of an expression over a range.
func (p *Prometheus) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	return p.query(ctx, "query_range", url.Values{
		"query": {expr}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

// LabelValues returns the values of a label among the series that a selector matches within a range.
func (p *Prometheus) LabelValues(ctx context.Context, label, selector string, from, to time.Time) ([]string, error) {
	var values []string
	err := p.get(ctx, "label/"+label+"/values", url.Values{"match[]": {selector}, "start": {stamp(from)}, "end": {stamp(to)}}, &values)
	return values, err
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func (p *Prometheus) query(ctx context.Context, endpoint string, params url.Values) ([]Series, error) {
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	if err := p.get(ctx, endpoint, params, &data); err != nil {
		return nil, err
	}
	if data.ResultType == "scalar" {
		var s sample
		err := json.Unmarshal(data.Result, &s)
		return []Series{{Points: []Point{Point(s)}}}, err
	}
	var result []struct {
		Metric map[string]string
		Value  *sample
		Values []sample
	}
	if err := json.Unmarshal(data.Result, &result); err != nil {
		return nil, fmt.Errorf("answer of Prometheus to %s: %w", params.Get("query"), err)
	}
	all := make([]Series, len(result))
	for i, r := range result {
		all[i].Labels = r.Metric
		if r.Value != nil {
			r.Values = append(r.Values, *r.Value)
		}
		for _, v := range r.Values {
			all[i].Points = append(all[i].Points, Point(v))
		}
	}
	return all, nil
}

// A sample is [moment, "value"] in JSON.
type sample Point

func (s *sample) UnmarshalJSON(b []byte) error {
	var moment float64
	var value string
	if err := json.Unmarshal(b, &[]any{&moment, &value}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	s.Time, s.Value = time.UnixMilli(int64(moment*1000)), v
	return err
}

// get asks an endpoint of the API.
func (p *Prometheus) get(ctx context.Context, endpoint string, params url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/api/v1/"+endpoint+"?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := p.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s of Prometheus (%s): %w", endpoint, response.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s of Prometheus: %s: %s", endpoint, answer.Error, params.Get("query"))
	}
	return nil
}
