// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package artifacts makes the files that are committed and generated: the dashboards' JSON, and the
// Kubernetes objects that carry dashboards and rules.
package artifacts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/boards"
)

// Files returns the content of each generated file by its path below the repository's root, which the rules are
// read from.
func Files(root string) (map[string]string, error) {
	files := make(map[string]string)
	for _, board := range boards.All() {
		content, err := board.JSON()
		if err != nil {
			return nil, err
		}
		files["dashboards/grafana/"+board.UID+".json"] = string(content)
		files["examples/kubernetes/"+board.UID+".yaml"] = configMap(board.UID, string(content))
	}
	for _, name := range []string{"alerts", "recording"} {
		rules, err := os.ReadFile(filepath.Join(root, "dashboards", "rules", name+".yml"))
		if err != nil {
			return nil, fmt.Errorf("rules for a PrometheusRule: %w", err)
		}
		files["examples/kubernetes/prometheusrule-"+name+".yaml"] = prometheusRule(name, string(rules))
	}
	return files, nil
}

const generated = `# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0
#
# Generated from %s by "go generate" in dashboards/. Do not edit.
`

// configMap carries a dashboard to Grafana's sidecar, which looks for the label.
func configMap(uid, content string) string {
	return fmt.Sprintf(generated, "the dashboard's Go code") + fmt.Sprintf(`# yamllint disable rule:line-length
apiVersion: v1
kind: ConfigMap
metadata:
  name: %[1]s
  labels:
    app.kubernetes.io/part-of: strongswan-exporter
    grafana_dashboard: "1"
data:
  %[1]s.json: |
%[2]s`, uid, indent(content, 4))
}

// prometheusRule carries a file of rules, with its comments, to the Prometheus Operator.
func prometheusRule(name, rules string) string {
	_, groups, _ := strings.Cut(rules, "\ngroups:\n")
	return fmt.Sprintf(generated, "dashboards/rules/"+name+".yml") + fmt.Sprintf(`# yamllint disable rule:line-length
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: strongswan-%s
  labels:
    app.kubernetes.io/part-of: strongswan-exporter
spec:
  groups:
%s`, name, indent(groups, 2))
}

func indent(text string, spaces int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", spaces))
		}
		b.WriteString(line)
	}
	return b.String()
}
