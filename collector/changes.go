// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

// changes logs what changes from round to round and keeps quiet about what stays as
// it is, so that an outage is two lines and not one at every scrape.
type changes struct {
	log     *slog.Logger
	known   bool // whether the daemon's state was told
	down    string
	failing map[string]string // source → kind of error
	missing map[string]bool   // sources whose command the daemon lacks

	mu      sync.Mutex
	limited map[string]bool // pages that leave series out, by their sources
}

// daemon notes whether the daemon answered.
func (c *changes) daemon(err error) {
	if untold(err) {
		return
	}
	kind := ""
	if err != nil {
		kind = reason(err)
	}
	switch {
	case c.known && kind == c.down:
		return
	case err != nil:
		c.log.Error("The daemon does not answer", "err", err, "hint", hint(err))
	case c.known:
		c.log.Info("The daemon answers again")
	default:
		c.log.Info("The daemon answers")
	}
	c.known, c.down = true, kind
}

// untold reports whether an error says nothing of the daemon: it was not asked, or the collector ends.
func untold(err error) bool {
	return errors.Is(err, errLeftInPeace) || errors.Is(err, errNoTime) || errors.Is(err, context.Canceled)
}

// source notes how a source fared. Where the daemon cannot be reached at all, that is told once and not by every source.
func (c *changes) source(name string, err error, unreachable bool) {
	if unreachable || untold(err) {
		return
	}
	kind := ""
	if err != nil {
		kind = reason(err)
	}
	if kind == c.failing[name] {
		return
	}
	if c.failing == nil {
		c.failing = make(map[string]string)
	}
	c.failing[name] = kind
	if err != nil {
		c.log.Warn("Collector failed; its metrics are absent", "collector", name, "err", err)
	} else {
		c.log.Info("Collector works again", "collector", name)
	}
}

// unsupported notes that the daemon lacks a source's command, which is no failure.
func (c *changes) unsupported(name string, err error) {
	if c.missing[name] {
		return
	}
	if c.missing == nil {
		c.missing = make(map[string]bool)
	}
	c.missing[name] = true
	c.log.Info("This daemon lacks what a collector asks for; it has no metrics", "collector", name, "err", err)
}

// limit notes whether the page of some sources leaves series out. Unlike the rest it is told by callers, any number at a time.
func (c *changes) limit(sources []string, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	page, limited := strings.Join(sources, ","), dropped > 0
	if limited == c.limited[page] {
		return
	}
	if c.limited == nil {
		c.limited = make(map[string]bool)
	}
	c.limited[page] = limited
	if limited {
		c.log.Warn("There are more series than the limit; some metrics are left out", "dropped", dropped, "collectors", page)
	} else {
		c.log.Info("There are no more series than the limit again", "collectors", page)
	}
}

// panicked notes a defect of the exporter, with what is needed to find it.
func (c *changes) panicked(name string, v any) {
	c.log.Error("Collector panicked; please report this", "collector", name, "panic", v, "stack", string(debug.Stack()))
}

// hint tells what an operator can do about an error.
func hint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "the exporter's user needs permission to write to the socket and to enter its directory: " +
			"add it to the group that owns the socket (charon.group in strongswan.conf)"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket: is the daemon running, with the vici plugin loaded, and is this its address?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there: has the daemon stopped?"
	case reason(err) == "timeout":
		return "the daemon is there and silent: is it stopped, or are all of its threads busy?"
	}
	return "see the error"
}
