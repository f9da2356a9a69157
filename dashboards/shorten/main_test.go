// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const shipped = "../rules/alerts.yml"

func readRules(t *testing.T, text []byte) []rule {
	t.Helper()
	var file ruleFile
	require.NoError(t, yaml.Unmarshal(text, &file))
	var rules []rule
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// Every shipped alert is kept with all its labels and annotations, and waits a sixtieth of the time.
func TestShippedAlerts(t *testing.T) {
	text, err := os.ReadFile(shipped)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(&out, 60, []string{shipped}))
	long, short := readRules(t, text), readRules(t, out.Bytes())
	require.Len(t, short, len(long))
	for i, r := range long {
		require.Equal(t, r.Rest, short[i].Rest)
		before, err := model.ParseDuration(r.For)
		require.NoError(t, err)
		after, err := model.ParseDuration(short[i].For)
		require.NoError(t, err)
		require.Equal(t, before, after*60, r.Rest["alert"])
	}
}

func TestRunRefuses(t *testing.T) {
	require.ErrorContains(t, run(&bytes.Buffer{}, 60, nil), "usage")
	require.ErrorContains(t, run(&bytes.Buffer{}, 0, []string{shipped}), "usage")
	require.ErrorIs(t, run(&bytes.Buffer{}, 60, []string{filepath.Join(t.TempDir(), "none")}), os.ErrNotExist)
	for text, want := range map[string]string{
		"groups: [{name: a, rules: [{alert: A, expr: 'up =='}]}]":             "parse error",
		"groups: [{name: a, rules: [{alert: A, expr: up, for: soon}]}]":       "not a valid duration",
		"groups: [{name: a, rules: [{alert: A, expr: up, for: 7ms}]}]":        "no whole number",
		"groups: [{name: a, rules: [{alert: A, expr: 'rate(up[7ms]) > 1'}]}]": "no whole number",
	} {
		path := filepath.Join(t.TempDir(), "rules.yml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.ErrorContains(t, run(&bytes.Buffer{}, 60, []string{path}), want)
	}
}
