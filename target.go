// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A namedAddress is a further daemon as the flag --vici.target names it.
type namedAddress struct{ name, address string }

// namedAddresses is the value of --vici.target, which may be repeated.
type namedAddresses []namedAddress

// Set adds a daemon.
func (a *namedAddresses) Set(s string) error {
	name, address, found := strings.Cut(s, "=")
	switch {
	case !found:
		return fmt.Errorf("%q is not NAME=ADDRESS", s)
	case !validTargetName(name):
		return fmt.Errorf("%q is not a name: letters, digits, points, hyphens and underscores, of which a letter or digit comes first", name)
	case slices.ContainsFunc(*a, func(t namedAddress) bool { return t.name == name }):
		return fmt.Errorf("there are two targets %q", name)
	}
	if _, _, err := vici.ParseAddress(address); err != nil {
		return err
	}
	*a = append(*a, namedAddress{name, address})
	return nil
}

// validTargetName reports whether a name fits into an address of a page and into a file's name.
func validTargetName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`).MatchString(name)
}

// String returns the daemons as the flag would have them.
func (a *namedAddresses) String() string {
	parts := make([]string, len(*a))
	for i, t := range *a {
		parts[i] = t.name + "=" + t.address
	}
	return strings.Join(parts, ",")
}

// IsCumulative tells kingpin that the flag may be repeated.
func (*namedAddresses) IsCumulative() bool { return true }

// A target is a daemon that the exporter watches. The one of --vici.address has no name.
type target struct {
	name      string
	address   string
	collector *collector.Collector
}

// Name returns the target's name, for templates.
func (t target) Name() string { return t.name }

// targets are all daemons, the one without a name first.
type targets []target

// newTargets makes the collectors. It does not contact the daemons yet.
func newTargets(config *config, log *slog.Logger) (targets, error) {
	all := make(targets, 0, 1+len(config.targets))
	for _, t := range append(namedAddresses{{"", config.address}}, config.targets...) {
		cc := config.collector(log)
		cc.Dialer.Address = t.address
		if t.name != "" {
			cc.Logger = log.With("target", t.name)
			cc.StateFile = targetState(cc.StateFile, t.name)
		}
		c, err := collector.New(cc)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, target{t.name, t.address, c})
	}
	return all, nil
}

// targetState returns the state file of a further daemon: that of the first one with the name at its end, and a word that sets it
// apart from the files that the collector puts beside each state, since such a file's ending may be a daemon's name.
func targetState(file, name string) string {
	if file == "" {
		return ""
	}
	return file + "." + name + ".target"
}

// stateFiles returns the state files of all daemons, if there is to be a state.
func (c *config) stateFiles() []string {
	files := []string{c.stateFile}
	for _, t := range c.targets {
		files = append(files, targetState(c.stateFile, t.name))
	}
	return files
}

// watch keeps the subscriptions to the daemons' events. They end with the context; wait returns when they have.
func (t targets) watch(ctx context.Context) (wait func()) {
	var watching sync.WaitGroup
	for _, one := range t {
		watching.Go(func() { _ = one.collector.Run(ctx) }) // it ends with the context
	}
	return watching.Wait
}

// find returns a target by its name, if it is configured.
func (t targets) find(name string) (target, bool) {
	i := slices.IndexFunc(t, func(one target) bool { return one.name == name })
	if i < 0 {
		return target{}, false
	}
	return t[i], true
}

func (t targets) close() error {
	var err error
	for _, one := range t {
		err = errors.Join(err, one.collector.Close())
	}
	return err
}
