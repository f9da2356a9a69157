// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/strongswan-exporter/strongswan_exporter/dashboards/internal/artifacts"
)

// root is the repository's.
const root = "../.."

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return content
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(read(t, path), into), path)
}

func TestCommittedFilesAreWhatTheGeneratorMakes(t *testing.T) {
	files, err := artifacts.Files(root)
	require.NoError(t, err)
	for name, want := range files {
		require.Equal(t, want, string(read(t, name)), "%s is old: run go generate ./... in dashboards", name)
	}
	for _, pattern := range []string{"dashboards/grafana/*", "examples/kubernetes/strongswan-*", "examples/kubernetes/prometheusrule-*"} {
		committed, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, committed, pattern)
		for _, path := range committed {
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			require.Contains(t, files, name, "the generator does not make it")
		}
	}
}

// A configMap and a prometheusRule are the Kubernetes objects, as far as they carry something.
type configMap struct {
	Kind string
	Data map[string]string
}

type prometheusRule struct {
	Kind string
	Spec ruleFile
}

func TestKubernetesObjectsCarryTheFilesUnchanged(t *testing.T) {
	for _, name := range []string{"strongswan-overview", "strongswan-gateway", "strongswan-peers"} {
		var carrier configMap
		readYAML(t, "examples/kubernetes/"+name+".yaml", &carrier)
		require.Equal(t, "ConfigMap", carrier.Kind)
		require.Equal(t, map[string]string{name + ".json": string(read(t, "dashboards/grafana/"+name+".json"))}, carrier.Data)
	}
	for _, name := range []string{"alerts", "recording"} {
		var carrier prometheusRule
		readYAML(t, "examples/kubernetes/prometheusrule-"+name+".yaml", &carrier)
		require.Equal(t, "PrometheusRule", carrier.Kind)
		require.Equal(t, rules(t, name), carrier.Spec)
	}
}
