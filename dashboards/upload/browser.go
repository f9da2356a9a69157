// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec" //nolint:depguard // a check of developers, no part of the product
	"slices"
	"strings"
	"time"
)

// A browser opens a page and returns what it has become after its scripts have run, as HTML.
type browser func(ctx context.Context, url string) (string, error)

// browserTimeout bounds the opening of one dashboard.
const browserTimeout = 2 * time.Minute

// chromium is a headless Chromium or Chrome that keeps its files in a directory. The page is high, for Grafana draws only what is
// visible. The virtual time lets all queries end.
func chromium(program, dir string) browser {
	return func(ctx context.Context, url string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, browserTimeout)
		defer cancel()
		// Root has no sandbox to give.
		cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+dir,
			"--window-size=1600,6000", "--virtual-time-budget=30000", "--dump-dom", url)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		dom, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("%s: %w: %s", program, err, complaints.String())
		}
		return string(dom), nil
	}
}

// Marks in Grafana's pages: of any panel, by the releases since 10.1, and of one with an error.
const panelError = "Panel status error"

func panelMarks() []string { return []string{"data-panelid", "data-viz-panel-key", "panel-content"} }

// look opens a dashboard and fails unless it shows panels and none of them has an error.
func (c *client) look(ctx context.Context, open browser, uid string) error {
	dom, err := open(ctx, strings.TrimSuffix(c.url, "/")+"/d/"+uid+"?kiosk")
	if err != nil {
		return fmt.Errorf("%s: %w", uid, err)
	}
	if !slices.ContainsFunc(panelMarks(), func(mark string) bool { return strings.Contains(dom, mark) }) {
		return fmt.Errorf("%s shows no panel: may the user of the URL see it? (a browser cannot use a token)", uid)
	}
	if strings.Contains(dom, panelError) {
		return fmt.Errorf("%s: at least one panel shows an error", uid)
	}
	return nil
}
