// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"fmt"
	"slices"
	"strings"
)

// setNames gives names to the rounds of a connection and to the sources of their certificates, in copies: who calls
// LoadConn keeps what it has.
func (c *ConnConfig) setNames() (err error) {
	if c.Local, err = namedRounds(c.Name, "local", c.Local); err != nil {
		return err
	}
	c.Remote, err = namedRounds(c.Name, "remote", c.Remote)
	return err
}

func namedRounds(path, prefix string, rounds []AuthConfig) ([]AuthConfig, error) {
	rounds = slices.Clone(rounds)
	for i := range rounds {
		r := &rounds[i]
		if err := setName(&r.Name, path, prefix, i); err != nil {
			return nil, err
		}
		var err error
		if r.CertSources, err = namedSources(path+"."+r.Name, "cert", r.CertSources); err != nil {
			return nil, err
		}
		if r.CACertSources, err = namedSources(path+"."+r.Name, "cacert", r.CACertSources); err != nil {
			return nil, err
		}
	}
	return rounds, nil
}

func namedSources(path, prefix string, sources []CertSource) ([]CertSource, error) {
	sources = slices.Clone(sources)
	for i := range sources {
		if err := setName(&sources[i].Name, path, prefix, i); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// setName numbers a section that has no name. The daemon tells what a section is by the beginning of its name, in any
// letter case, so another name would make it something else.
func setName(name *string, path, prefix string, i int) error {
	if *name == "" {
		*name = fmt.Sprintf("%s-%d", prefix, i+1)
		return nil
	}
	if n := len(prefix); len(*name) < n || !strings.EqualFold((*name)[:n], prefix) {
		return &FieldError{Path: path + "." + *name, Err: fmt.Errorf("the name must begin with %q", prefix), key: *name}
	}
	return nil
}
