// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// promtool of Debian is of Prometheus 2; this is what Prometheus 3 makes of the files.
func TestRulesAreValidForPrometheus3(t *testing.T) {
	for _, name := range []string{"alerts", "recording"} {
		_, errs := rulefmt.ParseFile(filepath.Join(root, "dashboards/rules", name+".yml"), false, model.UTF8Validation,
			parser.NewParser(parser.Options{}), promslog.NewNopLogger())
		require.Empty(t, errs)
	}
}
