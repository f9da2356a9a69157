// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
)

// A scrapeJob is one of a prometheus.yml, as far as it matters to series.
type scrapeJob struct {
	Name       string              `yaml:"job_name"`
	Params     map[string][]string `yaml:"params"`
	Relabeling []*relabel.Config   `yaml:"metric_relabel_configs"`
}

// splitJobs returns the jobs of the documentation that ask one exporter for some collectors each.
func splitJobs(t *testing.T) []scrapeJob {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(read(t, "docs/performance.md"), -1) {
		var config struct {
			Jobs []scrapeJob `yaml:"scrape_configs"`
		}
		require.NoError(t, yaml.Unmarshal(block[1], &config))
		if len(config.Jobs) == 2 {
			return config.Jobs
		}
	}
	require.Fail(t, "docs/performance.md has no two jobs")
	return nil
}

// A gateway that two jobs scrape is one gateway to dashboards and alerts.
func TestSplitJobsAreOneGateway(t *testing.T) {
	jobs := splitJobs(t)
	first, second := jobs[0], jobs[1]
	require.Contains(t, first.Name, "strongswan")
	require.NotContains(t, second.Name, "strongswan", "an exporter that is down is told once")
	require.Empty(t, first.Relabeling)

	var kept []string
	for _, m := range collector.OwnMetrics() {
		if job, keeps := relabelled(second, m.Name); keeps {
			require.Equal(t, first.Name, job, m.Name)
			kept = append(kept, m.Name)
		}
	}
	require.ElementsMatch(t, []string{"strongswan_scrape_collector_success", "strongswan_scrape_collector_duration_seconds"}, kept)

	asked := slices.Concat(first.Params["collect[]"], second.Params["collect[]"])
	for _, info := range collector.Infos() {
		require.Equal(t, info.Default, slices.Contains(asked, info.Name), "collector %s", info.Name)
		for _, m := range info.Metrics() {
			job, keeps := relabelled(second, m.Name)
			require.Equal(t, slices.Contains(second.Params["collect[]"], info.Name), keeps, m.Name)
			require.True(t, !keeps || job == first.Name, m.Name)
		}
	}
}

// relabelled returns the job that a metric is stored under, and whether it is stored at all.
func relabelled(j scrapeJob, metric string) (job string, keeps bool) {
	series := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, metric, "job", j.Name, "instance", "gateway"))
	for _, c := range j.Relabeling {
		c.NameValidationScheme = model.UTF8Validation
	}
	keeps = relabel.ProcessBuilder(series, j.Relabeling...)
	return series.Get("job"), keeps
}
