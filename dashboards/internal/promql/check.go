// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// A Result is what is known of an expression that was checked.
type Result struct {
	Labels  []string // that each series of its value has
	Metrics []string // whose series it asks for
}

// Check parses an expression and checks it.
func (c Contract) Check(expr string) (Result, error) {
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", expr, err)
	}
	w := walker{contract: c}
	kept := w.keeps(tree)
	if err := errors.Join(w.errs...); err != nil {
		return Result{}, fmt.Errorf("%s: %w", expr, err)
	}
	return Result{Labels: kept, Metrics: w.metrics}, nil
}

// A walker goes through an expression from the leaves up.
type walker struct {
	contract Contract
	metrics  []string
	errs     []error
}

func (w *walker) complain(format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf(format, args...))
}

// keeps returns the labels that every series of a value has.
func (w *walker) keeps(expr parser.Expr) []string {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		return w.selector(e)
	case *parser.MatrixSelector:
		return w.keeps(e.VectorSelector)
	case *parser.SubqueryExpr:
		return w.keeps(e.Expr)
	case *parser.ParenExpr:
		return w.keeps(e.Expr)
	case *parser.UnaryExpr:
		return w.keeps(e.Expr)
	case *parser.StepInvariantExpr:
		return w.keeps(e.Expr)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return nil
	case *parser.Call:
		return w.call(e)
	case *parser.AggregateExpr:
		return w.aggregate(e)
	case *parser.BinaryExpr:
		return w.binary(e)
	}
	w.complain("cannot judge %s", expr)
	return nil
}

func (w *walker) selector(e *parser.VectorSelector) []string {
	m, ok := w.contract[e.Name]
	if !ok {
		w.complain("there is no metric %q", e.Name)
		return nil
	}
	w.metrics = append(w.metrics, e.Name)
	for _, matcher := range e.LabelMatchers {
		if matcher.Name != model.MetricNameLabel && !slices.Contains(m.Labels, matcher.Name) {
			w.complain("%s has no label %q", e.Name, matcher.Name)
		}
	}
	return m.Labels
}

func (w *walker) call(e *parser.Call) []string {
	var kept []string
	for _, arg := range e.Args {
		kept = append(kept, w.keeps(arg)...)
	}
	switch e.Func.Name {
	case "absent", "absent_over_time", "scalar", "time", "vector":
		return nil
	case "label_replace", "label_join":
		w.complain("cannot judge %s", e.Func.Name)
	case "histogram_quantile":
		return without(kept, "le")
	}
	return kept
}

func (w *walker) aggregate(e *parser.AggregateExpr) []string {
	inner := w.keeps(e.Expr)
	w.mustHave(inner, e.Grouping, e.Op.String())
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
		return inner
	case e.Without:
		return without(inner, e.Grouping...)
	}
	return e.Grouping
}

func (w *walker) binary(e *parser.BinaryExpr) []string {
	left, right := w.keeps(e.LHS), w.keeps(e.RHS)
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.RHS.Type() == parser.ValueTypeScalar:
		return left
	}
	match := e.VectorMatching
	if match.On {
		w.mustHave(left, match.MatchingLabels, "the left of "+e.Op.String())
		w.mustHave(right, match.MatchingLabels, "the right of "+e.Op.String())
	} else if !isOr(e) {
		w.mustEqual(without(left, match.MatchingLabels...), without(right, match.MatchingLabels...), e.Op.String())
	}
	switch {
	case isOr(e):
		return common(left, right)
	case e.Op.IsSetOperator():
		return left
	case match.Card == parser.CardManyToOne:
		w.mustHave(right, match.Include, "group_left")
		return append(slices.Clone(left), match.Include...)
	case match.Card == parser.CardOneToMany:
		w.mustHave(left, match.Include, "group_right")
		return append(slices.Clone(right), match.Include...)
	case match.On:
		return match.MatchingLabels
	}
	return without(left, match.MatchingLabels...)
}

func isOr(e *parser.BinaryExpr) bool { return e.Op == parser.LOR }

func (w *walker) mustHave(kept, wanted []string, where string) {
	for _, label := range wanted {
		if !slices.Contains(kept, label) {
			w.complain("%s asks for the label %q of a value that has %v", where, label, kept)
		}
	}
}

// mustEqual finds operations without "on" whose sides never match.
func (w *walker) mustEqual(left, right []string, op string) {
	if len(without(left, right...))+len(without(right, left...)) > 0 {
		w.complain("the sides of %s have different labels: %v and %v", op, left, right)
	}
}

func without(from []string, these ...string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(label string) bool { return slices.Contains(these, label) })
}

func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(label string) bool { return !slices.Contains(b, label) })
}
