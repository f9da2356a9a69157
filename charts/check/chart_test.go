// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/strvals"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = "../strongswan-exporter"

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// everything turns on what is off, and sets what is empty.
const everything = `
image: {tag: v9.9.9}
imagePullSecrets: [{name: registry}]
vici: {directory: /run/ipsec, group: 4711}
seLinuxOptions: {type: spc_t}
args: [--collector.peers, "--connection.include=gw-.*"]
state: {hostPath: /var/lib/strongswan_exporter}
web: {port: 9999, configSecret: exporter-web}
podMonitor:
  enabled: true
  labels: {release: prometheus}
  scrapeTimeout: 20s
  endpoint: {scheme: https, tlsConfig: {insecureSkipVerify: true}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboards: {enabled: true, annotations: {grafana_folder: VPN}}
networkPolicy:
  enabled: true
  from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
nodeSelector: {node.example.org/strongswan: "true"}
tolerations: [{operator: Exists}]
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a]}]}]
priorityClassName: system-node-critical
podAnnotations: {example.org/a: b}
podLabels: {example.org/c: d}
`

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	require.NoError(t, err)
	return c
}

// render returns what "helm template gateway" makes with these values, by file.
func render(t *testing.T, values string) (map[string]string, error) {
	t.Helper()
	var set map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(values), &set))
	c := load(t)
	options := chartutil.ReleaseOptions{Name: "gateway", Namespace: "monitoring", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, set, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(c, all)
}

// objects returns the objects of a rendered chart, in the order of its files.
func objects(t *testing.T, values string) (all []any) {
	t.Helper()
	files, err := render(t, values)
	require.NoError(t, err)
	for _, name := range sorted(files) {
		if strings.HasSuffix(name, ".yaml") {
			found, err := decode([]byte(files[name]))
			require.NoError(t, err, name)
			all = append(all, found...)
		}
	}
	return all
}

func sorted(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestLint(t *testing.T) {
	for _, values := range []string{"{}", everything} {
		var set map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(values), &set))
		for _, message := range lint.AllWithKubeVersion(chartDir, set, "monitoring", nil).Messages {
			// An icon is recommended; strongSwan's is not ours to give.
			require.True(t, message.Severity <= support.InfoSev && strings.Contains(message.Err.Error(), "icon"), message.Error())
		}
	}
}

func TestChart(t *testing.T) {
	for _, c := range []struct{ name, values, image string }{{"default", "{}", release(t)}, {"everything", everything, "v9.9.9"}} {
		t.Run(c.name, func(t *testing.T) {
			requireValid(t, c.image, objects(t, c.values))
			files, err := render(t, c.values)
			require.NoError(t, err)
			var page strings.Builder
			for _, name := range sorted(files) {
				page.WriteString(strings.TrimLeft(withoutCargo(files[name]), "\n"))
			}
			compare(t, "testdata/"+c.name+".golden", page.String())
		})
	}
}

// withoutCargo leaves out dashboards and rules, which another test looks at.
func withoutCargo(text string) string {
	var b strings.Builder
	cargo := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "---"):
			cargo = false
		case strings.HasPrefix(line, "data:"), strings.HasPrefix(line, "  # Copyright"), strings.HasPrefix(line, "  groups:"):
			cargo = true
		}
		if !cargo {
			b.WriteString(line)
		}
	}
	return b.String()
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./check -update")
}

func TestChartMonitorsItsPods(t *testing.T) {
	all := objects(t, everything)
	daemonSet := one[*apps.DaemonSet](t, all)
	requireMonitored(t, one[*monitoring.PodMonitor](t, all), &daemonSet.Spec.Template)
	requireSelects(t, &one[*networking.NetworkPolicy](t, all).Spec.PodSelector, &daemonSet.Spec.Template)
}

// Called otherwise, it has the same job, since the alerts ExporterAbsent and ExporterDown go by that.
func TestChartByAnotherName(t *testing.T) {
	monitor := one[*monitoring.PodMonitor](t, objects(t, "{podMonitor: {enabled: true}, nameOverride: vpn, fullnameOverride: vpn}"))
	require.Equal(t, "vpn", monitor.Name)
	requireJob(t, monitor.Spec.PodMetricsEndpoints[0].RelabelConfigs)
	require.Contains(t, string(read(t, "dashboards/rules/alerts.yml")), `absent(up{job=~".*strongswan.*"})`)
}

// The DaemonSet of the examples is the chart's in all that makes it work.
func TestChartAgreesWithTheExample(t *testing.T) {
	example, err := decode(read(t, "examples/kubernetes/daemonset.yaml"))
	require.NoError(t, err)
	want, got := one[*apps.DaemonSet](t, example).Spec.Template.Spec, one[*apps.DaemonSet](t, objects(t, "{}")).Spec.Template.Spec
	require.Equal(t, want.Volumes, got.Volumes)
	require.Equal(t, want.SecurityContext, got.SecurityContext)
	require.Equal(t, want.Containers[0].Image, got.Containers[0].Image)
	require.Equal(t, want.Containers[0].SecurityContext, got.Containers[0].SecurityContext)
	require.Equal(t, want.Containers[0].VolumeMounts, got.Containers[0].VolumeMounts)
	require.Equal(t, want.Containers[0].Resources, got.Containers[0].Resources)
	require.Equal(t, want.Containers[0].Ports, got.Containers[0].Ports)
}

// Dashboards and rules arrive as they are in dashboards/.
func TestChartCarriesTheFilesUnchanged(t *testing.T) {
	dashboards, err := filepath.Glob(filepath.Join(root, "dashboards/grafana/*.json"))
	require.NoError(t, err)
	carried := make(map[string]string)
	rules := make(map[string]monitoring.PrometheusRuleSpec)
	for _, object := range objects(t, everything) {
		switch o := object.(type) {
		case *core.ConfigMap:
			maps.Copy(carried, o.Data)
		case *monitoring.PrometheusRule:
			rules[strings.TrimPrefix(o.Name, "gateway-strongswan-exporter-")] = o.Spec
		}
	}
	require.Len(t, carried, len(dashboards))
	for _, path := range dashboards {
		name := filepath.Base(path)
		require.True(t, string(read(t, "dashboards/grafana/"+name)) == carried[name], name)
	}
	require.Len(t, rules, 2)
	for name, got := range rules {
		var want monitoring.PrometheusRuleSpec
		require.NoError(t, yaml.UnmarshalStrict(read(t, "dashboards/rules/"+name+".yml"), &want))
		require.Equal(t, want, got)
	}
}

// Values that cannot work are refused, with the name of the value.
func TestValuesAreChecked(t *testing.T) {
	for want, values := range map[string]string{
		"directory":   "vici: {directory: /run}",
		"socket":      "vici: {socket: /run/charon.vici}",
		"group":       "vici: {group: strongswan-vici}",
		"args":        "args: [peers]",
		"port":        "web: {port: 80}",
		"pullPolicy":  "image: {pullPolicy: Sometimes}",
		"vicii":       "vicii: {}",
		"podMonitors": "podMonitors: {enabled: true}",
	} {
		_, err := render(t, values)
		require.ErrorContains(t, err, want)
	}
}

// What the documentation tells to set is there to be set.
func TestDocumentedCommands(t *testing.T) {
	commands := regexp.MustCompile(`(?m)^helm (.*(?:\\\n.*)*)$`).FindAllStringSubmatch(string(read(t, "docs/containers.md")), -1)
	require.NotEmpty(t, commands)
	for _, command := range commands {
		line := strings.ReplaceAll(command[1], "\\\n", " ")
		require.Regexp(t, `^(install|upgrade --install) strongswan-exporter \S+strongswan-exporter `, line)
		values := make(map[string]any)
		for _, set := range regexp.MustCompile(`--set (\S+)`).FindAllStringSubmatch(line, -1) {
			require.NoError(t, strvals.ParseInto(strings.ReplaceAll(set[1], `"$group"`, "10500"), values))
		}
		text, err := yaml.Marshal(values)
		require.NoError(t, err)
		requireValid(t, release(t), objects(t, string(text)))
	}
}

// The chart that a release has is the same, with dashboards and rules in it.
func TestPackagedChart(t *testing.T) {
	file, err := chartutil.Save(load(t), t.TempDir())
	require.NoError(t, err)
	require.Equal(t, "strongswan-exporter-"+strings.TrimSpace(string(read(t, "VERSION")))+".tgz", filepath.Base(file))
	packaged, err := loader.Load(file)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(read(t, "VERSION"))), packaged.Metadata.AppVersion)
	contents := make(map[string]int)
	for _, f := range packaged.Files {
		contents[f.Name] = len(f.Data)
	}
	for _, name := range []string{
		"dashboards/strongswan-overview.json", "dashboards/strongswan-gateway.json", "dashboards/strongswan-peers.json",
		"rules/alerts.yml", "rules/recording.yml",
	} {
		require.Greater(t, contents[name], 1000, name)
	}
}
