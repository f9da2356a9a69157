// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command shorten reads a file of Prometheus' rules and prints it with all durations divided by a factor: "for", ranges, offsets
// and numbers of seconds. So the shipped expressions can be tested in seconds on gateways that live faster by the same factor.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/promql"
)

func main() {
	factor := flag.Int("factor", 60, "by which durations are divided")
	flag.Parse()
	if err := run(os.Stdout, *factor, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "shorten:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, factor int, args []string) error {
	if len(args) != 1 || factor < 1 {
		return errors.New("usage: shorten [--factor N] RULES")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var file ruleFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	for _, group := range file.Groups {
		for i := range group.Rules {
			if err := group.Rules[i].shorten(factor); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
		}
	}
	encoder := yaml.NewEncoder(out)
	if err := encoder.Encode(file); err != nil {
		return err
	}
	return encoder.Close()
}

// A ruleFile is a file of rules. What is not changed is kept as it is.
type ruleFile struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Rules []rule         `yaml:"rules"`
	Rest  map[string]any `yaml:",inline"`
}

type rule struct {
	Expr string         `yaml:"expr"`
	For  string         `yaml:"for,omitempty"`
	Rest map[string]any `yaml:",inline"`
}

func (r *rule) shorten(factor int) error {
	expr, err := promql.Shorten(r.Expr, factor)
	if err != nil {
		return err
	}
	r.Expr = expr
	if r.For == "" {
		return nil
	}
	wait, err := model.ParseDuration(r.For)
	if err != nil {
		return err
	}
	d := time.Duration(wait)
	if err := promql.Divide(&d, factor); err != nil {
		return err
	}
	r.For = model.Duration(d).String()
	return nil
}
