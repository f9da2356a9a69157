// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Shorten returns an expression with all durations divided by a factor: those of range selectors, subqueries and offsets, and
// numbers of seconds. What is a number of seconds is told by what it is compared with or added to: a difference to time(), a
// moment, or a configured interval. Products stay as they are, so that "21 * 86400" remains three weeks: validity of certificates
// is no time that anybody waits for.
func Shorten(expr string, factor int) (string, error) {
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", expr, err)
	}
	var errs []error
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		errs = append(errs, shorten(node, factor))
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("%s: %w", expr, err)
	}
	return tree.String(), nil
}

// shorten divides what a node itself has of durations.
func shorten(node parser.Node, factor int) error {
	switch n := node.(type) {
	case *parser.MatrixSelector:
		return Divide(&n.Range, factor)
	case *parser.SubqueryExpr:
		return errors.Join(Divide(&n.Range, factor), Divide(&n.Step, factor), Divide(&n.OriginalOffset, factor))
	case *parser.VectorSelector:
		return Divide(&n.OriginalOffset, factor)
	case *parser.BinaryExpr:
		if n.Op == parser.MUL || n.Op == parser.DIV {
			return nil
		}
		for _, sides := range [][2]parser.Expr{{n.LHS, n.RHS}, {n.RHS, n.LHS}} {
			if number, ok := sides[0].(*parser.NumberLiteral); ok && tellsTime(sides[1]) {
				number.Val /= float64(factor)
			}
		}
	}
	return nil
}

// Divide divides a duration and insists on whole milliseconds, the least that Prometheus knows.
func Divide(d *time.Duration, factor int) error {
	if *d%(time.Duration(factor)*time.Millisecond) != 0 {
		return fmt.Errorf("%v divided by %d is no whole number of milliseconds", *d, factor)
	}
	*d /= time.Duration(factor)
	return nil
}

// tellsTime reports whether the values of an expression are moments, or lengths of time that pass while somebody waits.
func tellsTime(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.Call:
			found = found || n.Func.Name == "time"
		case *parser.VectorSelector:
			found = found || strings.HasSuffix(n.Name, "_timestamp_seconds") || strings.HasSuffix(n.Name, "_interval_seconds")
		}
		return nil
	})
	return found
}
