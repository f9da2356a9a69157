// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Same reports whether two answers are equal: in any order of their series, and but for what the order of additions does to sums.
func Same(a, b []Series) bool {
	return slices.EqualFunc(byLabels(a), byLabels(b), func(x, y Series) bool {
		return maps.Equal(x.Labels, y.Labels) && slices.EqualFunc(x.Points, y.Points, samePoint)
	})
}

func byLabels(all []Series) []Series {
	return slices.SortedFunc(slices.Values(all), func(x, y Series) int {
		return strings.Compare(fmt.Sprint(x.Labels), fmt.Sprint(y.Labels))
	})
}

func samePoint(x, y Point) bool {
	const precision = 1e-9
	most := max(math.Abs(x.Value), math.Abs(y.Value))
	near := !math.IsInf(most, 0) && math.Abs(x.Value-y.Value) <= precision*most
	return x.Time.Equal(y.Time) && (near || x.Value == y.Value || math.IsNaN(x.Value) && math.IsNaN(y.Value))
}
