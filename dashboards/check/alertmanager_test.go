// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const exampleConfig = "examples/compose/alertmanager.yml"

// An alertmanagerConfig is what the tests look at.
type alertmanagerConfig struct {
	InhibitRules []map[string][]string `yaml:"inhibit_rules"`
}

func TestExampleHasTheInhibitionRules(t *testing.T) {
	var shipped, example alertmanagerConfig
	readYAML(t, "dashboards/rules/alertmanager-inhibit.yml", &shipped)
	readYAML(t, exampleConfig, &example)
	require.NotEmpty(t, shipped.InhibitRules)
	require.Equal(t, shipped, example)
}

// An alert is one as Alertmanager's API has it.
type alert struct {
	Labels map[string]string `json:"labels"`
	Status struct {
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status,omitzero"`
}

// name tells what an alert of the situations is about.
func (a alert) name() string {
	name := []string{a.Labels["alertname"]}
	for _, label := range []string{"severity", "connection", "child", "pool", "subject"} {
		if v := a.Labels[label]; v != "" {
			name = append(name, v)
		}
	}
	return strings.Join(name, " ")
}

// TestInhibition shows situations to a real Alertmanager, each on a gateway of its own, and sees what it still says.
func TestInhibition(t *testing.T) {
	const tunnel, site, pool, cert = "connection", "child", "pool", "subject"
	situations := map[string]struct{ fire, left []map[string]string }{
		"exporter-down": {
			fire: []map[string]string{named("ExporterDown"), named("Down"), named("TunnelDown", tunnel, "a", site, "b"), named("CAExpiring")},
			left: []map[string]string{named("ExporterDown")},
		},
		"daemon-down": {
			fire: []map[string]string{named("Down"), named("Restarting"), named("CollectorFailing"), named("ConnectionDown", tunnel, "a")},
			left: []map[string]string{named("Down"), named("Restarting")},
		},
		"nothing-loaded": {
			fire: []map[string]string{named("NothingLoaded"), named("TunnelDown", tunnel, "a", site, "b"), named("CAExpiring")},
			left: []map[string]string{named("NothingLoaded"), named("CAExpiring")},
		},
		"uplink": {
			fire: []map[string]string{
				named("AllTunnelsDown"), named("ConnectionDown", tunnel, "a"), named("TunnelDown", tunnel, "a", site, "b"),
				named("RetransmitTimeouts", tunnel, "a"), named("AuthenticationFailed", tunnel, "c"),
			},
			left: []map[string]string{named("AllTunnelsDown"), named("AuthenticationFailed", tunnel, "c")},
		},
		"site": {
			fire: []map[string]string{
				named("ConnectionDown", tunnel, "a"), named("TunnelDown", tunnel, "a", site, "b"), named("TunnelDown", tunnel, "c", site, "b"),
				named("IKERekeyOverdue", tunnel, "a"), named("RetransmitTimeouts", tunnel, "a"),
			},
			left: []map[string]string{
				named("ConnectionDown", tunnel, "a"), named("TunnelDown", tunnel, "c", site, "b"), named("RetransmitTimeouts", tunnel, "a"),
			},
		},
		"tunnel": {
			fire: []map[string]string{
				named("TunnelDown", tunnel, "a", site, "b"), named("TunnelFlapping", tunnel, "a", site, "b"),
				named("TunnelSilent", tunnel, "a", site, "c"),
			},
			left: []map[string]string{named("TunnelDown", tunnel, "a", site, "b"), named("TunnelSilent", tunnel, "a", site, "c")},
		},
		"expiring": {
			fire: []map[string]string{named("TunnelExpiring", tunnel, "a", site, "b"), named("ChildRekeyOverdue", tunnel, "a", site, "b")},
			left: []map[string]string{named("TunnelExpiring", tunnel, "a", site, "b")},
		},
		"reasons": {
			fire: []map[string]string{
				named("CertificateRejected", tunnel, "a"), named("AuthenticationFailed", tunnel, "a"), named("ConnectionFailing", tunnel, "a"),
				named("AuthenticationFailed", tunnel, "b"), named("ConnectionFailing", tunnel, "b"),
				named("ProposalMismatch", tunnel, "c"), named("ConnectionFailing", tunnel, "c"), named("ConnectionFailing", tunnel, "d"),
			},
			left: []map[string]string{
				named("CertificateRejected", tunnel, "a"), named("AuthenticationFailed", tunnel, "b"), named("ProposalMismatch", tunnel, "c"),
				named("ConnectionFailing", tunnel, "d"),
			},
		},
		"pool": {
			fire: []map[string]string{named("PoolExhausted", pool, "p"), named("PoolNearlyFull", pool, "p"), named("PoolNearlyFull", pool, "q")},
			left: []map[string]string{named("PoolExhausted", pool, "p"), named("PoolNearlyFull", pool, "q")},
		},
		"certificate": {
			fire: []map[string]string{
				named("CertificateExpiring", cert, "a", "severity", "critical"), named("CertificateExpiring", cert, "a", "severity", "warning"),
				named("CertificateExpiring", cert, "b", "severity", "warning"),
			},
			left: []map[string]string{
				named("CertificateExpiring", cert, "a", "severity", "critical"), named("CertificateExpiring", cert, "b", "severity", "warning"),
			},
		},
		"crl": {
			fire: []map[string]string{
				named("CRLExpiring", "issuer", "a", "severity", "warning"), named("CRLExpiring", "issuer", "a", "severity", "info"),
				named("CRLExpiring", "issuer", "b", "severity", "info"),
			},
			left: []map[string]string{
				named("CRLExpiring", "issuer", "a", "severity", "warning"), named("CRLExpiring", "issuer", "b", "severity", "info"),
			},
		},
	}
	url := startAlertmanager(t)
	var all []alert
	for gateway, s := range situations {
		for _, labels := range s.fire {
			all = append(all, onGateway(gateway, labels))
		}
	}
	left := map[string][]string{}
	for gateway, s := range situations {
		for _, labels := range s.left {
			left[gateway] = append(left[gateway], onGateway(gateway, labels).name())
		}
		slices.Sort(left[gateway])
	}
	post(t, url, all)
	// Alertmanager knows of an alert a moment before it knows what that inhibits.
	var said map[string][]string
	for end := time.Now().Add(20 * time.Second); !maps.EqualFunc(left, said, slices.Equal) && time.Now().Before(end); {
		said = uninhibited(t, url, len(all))
	}
	require.Equal(t, left, said)
}

// named returns the labels of an alert, which follow its name in pairs.
func named(name string, pairs ...string) map[string]string {
	labels := map[string]string{"alertname": "StrongSwan" + name}
	for pair := range slices.Chunk(pairs, 2) {
		labels[pair[0]] = pair[1]
	}
	return labels
}

func onGateway(gateway string, labels map[string]string) alert {
	a := alert{Labels: map[string]string{"job": "strongswan", "instance": gateway}}
	maps.Copy(a.Labels, labels)
	return a
}

// startAlertmanager runs Alertmanager with the example's configuration until the test ends.
func startAlertmanager(t *testing.T) (url string) {
	t.Helper()
	binary, err := exec.LookPath("prometheus-alertmanager") // as Debian calls it
	if err != nil {
		binary, err = exec.LookPath("alertmanager")
	}
	require.NoError(t, err, "install Debian's prometheus-alertmanager")
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())

	cmd := exec.CommandContext(t.Context(), binary, "--config.file="+filepath.Join(root, exampleConfig),
		"--storage.path="+t.TempDir(), "--web.listen-address="+address, "--cluster.listen-address=")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	cmd.Stderr = log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	})
	url = "http://" + address
	require.Eventually(t, func() bool {
		_, err := ask(t, http.MethodGet, url+"/-/ready", nil)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond, "Alertmanager is not ready")
	return url
}

// ask returns the answer to a request that succeeded.
func ask(t *testing.T, method, url string, body []byte) ([]byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s", method, url, response.Status)
	}
	return io.ReadAll(response.Body)
}

func post(t *testing.T, url string, alerts []alert) {
	t.Helper()
	body, err := json.Marshal(alerts)
	require.NoError(t, err)
	_, err = ask(t, http.MethodPost, url+"/api/v2/alerts", body)
	require.NoError(t, err)
}

// uninhibited returns the alerts that are still said, by gateway, once Alertmanager knows them all.
func uninhibited(t *testing.T, url string, total int) map[string][]string {
	t.Helper()
	var known []alert
	require.Eventually(t, func() bool {
		body, err := ask(t, http.MethodGet, url+"/api/v2/alerts", nil)
		return err == nil && json.Unmarshal(body, &known) == nil && len(known) == total
	}, 20*time.Second, 50*time.Millisecond, "Alertmanager does not know all alerts")
	said := map[string][]string{}
	for _, a := range known {
		if len(a.Status.InhibitedBy) == 0 {
			said[a.Labels["instance"]] = append(said[a.Labels["instance"]], a.name())
		}
	}
	for _, names := range said {
		slices.Sort(names)
	}
	return said
}
