// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// root is the repository's.
const root = "../.."

// A kustomization is what there is of kustomize.config.k8s.io/v1beta1.
type kustomization struct {
	meta.TypeMeta `json:",inline"`

	Resources []string `json:"resources"`
}

// newObject returns an empty object of a kind, nil if nothing here uses that kind.
func newObject(kind meta.TypeMeta) any {
	switch kind {
	case meta.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}:
		return new(core.ConfigMap)
	case meta.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}:
		return new(apps.DaemonSet)
	case meta.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}:
		return new(apps.StatefulSet)
	case meta.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:
		return new(networking.NetworkPolicy)
	case meta.TypeMeta{APIVersion: "monitoring.coreos.com/v1", Kind: "PodMonitor"}:
		return new(monitoring.PodMonitor)
	case meta.TypeMeta{APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule"}:
		return new(monitoring.PrometheusRule)
	case meta.TypeMeta{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}:
		return new(kustomization)
	}
	return nil
}

// decode reads the objects of a stream of documents. Fields that the API does not know, or that stand twice, are errors.
func decode(text []byte) (objects []any, err error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		var kind meta.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return nil, err
		}
		if kind == (meta.TypeMeta{}) && len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object := newObject(kind)
		if object == nil {
			return nil, fmt.Errorf("%s of %s is no kind that is known here", kind.Kind, kind.APIVersion)
		}
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.Kind, err)
		}
		objects = append(objects, object)
	}
}

// requireValid holds objects against what the API asks for beyond its types, as far as that matters here.
func requireValid(t *testing.T, version string, objects []any) {
	t.Helper()
	names := make(map[string]bool)
	for _, object := range objects {
		if k, ok := object.(*kustomization); ok {
			for _, file := range k.Resources {
				require.FileExists(t, filepath.Join(root, "examples/kubernetes", file))
			}
			continue
		}
		o := object.(meta.Object)
		id := fmt.Sprintf("%T %s", object, o.GetName())
		require.False(t, names[id], "two of %s", id)
		names[id] = true
		require.Empty(t, validation.NameIsDNSSubdomain(o.GetName(), false), id)
		require.Empty(t, metavalidation.ValidateLabels(o.GetLabels(), field.NewPath("metadata", "labels")), id)
		require.Empty(t, validation.ValidateAnnotations(o.GetAnnotations(), field.NewPath("metadata", "annotations")), id)
		switch o := object.(type) {
		case *apps.DaemonSet:
			requirePod(t, version, o.Spec.Selector, &o.Spec.Template)
		case *apps.StatefulSet:
			require.NotEmpty(t, o.Spec.ServiceName)
			requirePod(t, version, o.Spec.Selector, &o.Spec.Template)
		case *monitoring.PrometheusRule:
			require.NotEmpty(t, o.Spec.Groups)
		case *core.ConfigMap:
			require.NotEmpty(t, o.Data)
			require.Less(t, o.Size(), 1<<20, "the API takes no larger one")
		}
	}
}

// requirePod checks that a pod is selected by its owner, what its parts name of each other, and the exporter in it.
func requirePod(t *testing.T, version string, selector *meta.LabelSelector, template *core.PodTemplateSpec) {
	t.Helper()
	requireSelects(t, selector, template)
	volumes := make(map[string]bool)
	for _, v := range template.Spec.Volumes {
		require.False(t, volumes[v.Name], v.Name)
		volumes[v.Name] = true
	}
	for _, c := range template.Spec.Containers {
		require.NotEmpty(t, c.Image)
		for _, mount := range c.VolumeMounts {
			require.True(t, volumes[mount.Name], "no volume %q", mount.Name)
		}
		if c.LivenessProbe != nil {
			require.NotEmpty(t, c.Ports)
		}
	}
	requireRestricted(t, version, template)
}

// requireRestricted checks that the exporter is of that version and has what the strictest Pod Security Standard asks of a container.
func requireRestricted(t *testing.T, version string, template *core.PodTemplateSpec) {
	t.Helper()
	i := slices.IndexFunc(template.Spec.Containers, func(c core.Container) bool { return c.Name == "exporter" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, "ghcr.io/strongswan-exporter/strongswan_exporter:"+version, template.Spec.Containers[i].Image)
	s := template.Spec.Containers[i].SecurityContext
	require.True(t, *s.RunAsNonRoot)
	require.NotZero(t, *s.RunAsUser)
	require.True(t, *s.ReadOnlyRootFilesystem)
	require.False(t, *s.AllowPrivilegeEscalation)
	require.Equal(t, []core.Capability{"ALL"}, s.Capabilities.Drop)
	require.Equal(t, core.SeccompProfileTypeRuntimeDefault, s.SeccompProfile.Type)
	require.False(t, *template.Spec.AutomountServiceAccountToken)
	require.False(t, template.Spec.HostNetwork)
}

func requireSelects(t *testing.T, selector *meta.LabelSelector, template *core.PodTemplateSpec) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	require.False(t, s.Empty())
	require.True(t, s.Matches(labels.Set(template.Labels)), "%s does not select %v", s, template.Labels)
}

// requireMonitored checks that a PodMonitor finds the port of a pod.
func requireMonitored(t *testing.T, monitor *monitoring.PodMonitor, template *core.PodTemplateSpec) {
	t.Helper()
	requireSelects(t, &monitor.Spec.Selector, template)
	for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
		require.True(t, slices.ContainsFunc(template.Spec.Containers, func(c core.Container) bool {
			return slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == *endpoint.Port })
		}), *endpoint.Port)
		requireJob(t, endpoint.RelabelConfigs)
	}
}

// requireJob checks that the job has a name by which the alerts know it: the operator's own choice is that of the object, which may be
// called otherwise.
func requireJob(t *testing.T, relabelings []monitoring.RelabelConfig) {
	t.Helper()
	i := slices.IndexFunc(relabelings, func(r monitoring.RelabelConfig) bool { return r.TargetLabel == "job" })
	require.GreaterOrEqual(t, i, 0, "no relabeling of job")
	require.Equal(t, new("strongswan-exporter"), relabelings[i].Replacement)
	require.Empty(t, relabelings[i].SourceLabels)
}

// one returns the object of a type of which there is one.
func one[T any](t *testing.T, objects []any) T {
	t.Helper()
	var found []T
	for _, object := range objects {
		if o, ok := object.(T); ok {
			found = append(found, o)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return content
}

// release is the tag of the version that this is.
func release(t *testing.T) string {
	t.Helper()
	return "v" + strings.TrimSpace(string(read(t, "VERSION")))
}

func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples/kubernetes/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []any
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		objects, err := decode(text)
		require.NoError(t, err, file)
		require.NotEmpty(t, objects, file)
		all = append(all, objects...)
	}
	requireValid(t, release(t), all)

	monitor := one[*monitoring.PodMonitor](t, all)
	requireMonitored(t, monitor, &one[*apps.DaemonSet](t, all).Spec.Template)
	requireMonitored(t, monitor, &one[*apps.StatefulSet](t, all).Spec.Template)
}

// What is wrong is noticed: otherwise the test above says nothing.
func TestDecodeIsStrict(t *testing.T) {
	for want, text := range map[string]string{
		"unknown field": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  nam: x\n",
		"already set":   "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n",
		"no kind":       "apiVersion: v1\nkind: ConfigMaps\n",
		"cannot unmars": "apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  minReadySeconds: many\n",
	} {
		_, err := decode([]byte(text))
		require.ErrorContains(t, err, want)
	}
}
