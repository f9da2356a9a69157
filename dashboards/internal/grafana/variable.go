// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

import "strings"

// A Variable is what a viewer can choose at the top of a dashboard.
type Variable struct {
	AllValue   string      `json:"allValue,omitempty"`
	Datasource *Datasource `json:"datasource,omitempty"`
	Definition string      `json:"definition,omitempty"`
	IncludeAll bool        `json:"includeAll"`
	Label      string      `json:"label"`
	Multi      bool        `json:"multi"`
	Name       string      `json:"name"`
	Query      any         `json:"query"`
	Refresh    int         `json:"refresh"`
	Regex      string      `json:"regex"`
	Sort       int         `json:"sort,omitempty"`
	Type       string      `json:"type"`
}

type variableQuery struct {
	Query string `json:"query"`
	RefID string `json:"refId"`
}

// Values of Grafana's fields.
const (
	refreshOnLoad      = 1
	refreshOnTimeRange = 2
	sortAlphabetically = 1
)

// DatasourceVariable lets the viewer choose among the Prometheus data sources.
func DatasourceVariable() Variable {
	return Variable{Label: "Data source", Name: "datasource", Query: "prometheus", Refresh: refreshOnLoad, Type: "datasource"}
}

// LabelVariable offers the values of a label of a metric, whose selector is written as in [Expr]. all is the
// regular expression that "All" stands for.
func LabelVariable(name, label, metric, all string) Variable {
	query := "label_values(" + Expr(metric) + ", " + name + ")"
	ds := chosenDatasource()
	return Variable{
		AllValue:   all,
		Datasource: &ds,
		Definition: query,
		IncludeAll: true,
		Label:      label,
		Multi:      true,
		Name:       name,
		Query:      variableQuery{Query: query, RefID: "Variable-" + name},
		Refresh:    refreshOnTimeRange,
		Sort:       sortAlphabetically,
		Type:       "query",
	}
}

// WithoutAll makes a variable start at its first value.
func (v Variable) WithoutAll() Variable {
	v.IncludeAll = false
	return v
}

// Expr completes the selectors of an expression: {J} stands for the chosen jobs, {G} for the chosen gateways, {C} for their
// chosen connections, {T} for the chosen children of these, {P} for the connections' chosen peers, and {A} for alerts, which need
// not have these labels. Further matchers follow after a comma.
func Expr(abbreviated string) string {
	const (
		job        = `job=~"$job"`
		gateway    = job + `,instance=~"$instance"`
		connection = gateway + `,connection=~"$connection"`
	)
	selectors := strings.NewReplacer(
		"{J", "{"+job,
		"{G", "{"+gateway,
		"{C", "{"+connection,
		"{T", "{"+connection+`,child=~"$child"`,
		"{P", "{"+connection+`,peer=~"$peer"`,
		"{A", `{alertname=~"StrongSwan.*",job=~"$job|",instance=~"$instance|"`,
	)
	return strings.Join(strings.Fields(selectors.Replace(abbreviated)), " ")
}
