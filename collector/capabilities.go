// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of what the daemon could do.
var (
	pluginLoaded = gauge("plugin_loaded",
		"Plugins that are loaded, as the daemon lists them, with itself among them; always 1.", "plugin")
	algorithmLoaded = gauge("algorithm_loaded",
		"Algorithms that the daemon can use, with the plugin that provides each; always 1.", "type", "algorithm", "plugin")
)

// capabilitiesSource gives the daemon's plugins and algorithms.
type capabilitiesSource struct{}

func (capabilitiesSource) Metrics() []*Metric { return []*Metric{pluginLoaded, algorithmLoaded} }

func (capabilitiesSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.askStats(ctx); err != nil {
		return err
	}
	var loaded vici.Algorithms
	err := r.query(ctx, "get-algorithms", func(ctx context.Context, s *vici.Session) (err error) {
		loaded, err = s.Algorithms(ctx)
		return err
	})
	if err != nil {
		return err
	}
	plugins := make(map[string]bool)
	for _, name := range r.stats.Plugins {
		plugins[labelText(name)] = true
	}
	for name := range plugins {
		out.Gauge(pluginLoaded, 1, newLabels("plugin", name))
	}
	for a := range algorithmSet(&loaded) {
		out.Gauge(algorithmLoaded, 1, newLabels("type", a.kind, "algorithm", a.name, "plugin", a.plugin))
	}
	return nil
}

type loadedAlgorithm struct{ kind, name, plugin string }

// algorithmSet returns the algorithms of all kinds, those included that the client library does not know.
func algorithmSet(a *vici.Algorithms) map[loadedAlgorithm]bool {
	set := make(map[loadedAlgorithm]bool)
	for kind, plugins := range map[string]map[string]string{
		"encryption": a.Encryption, "integrity": a.Integrity, "aead": a.AEAD, "hasher": a.Hasher, "prf": a.PRF, "xof": a.XOF,
		"kdf": a.KDF, "drbg": a.DRBG, "key_exchange": a.KeyExchange, "rng": a.RNG, "nonce_gen": a.NonceGen,
	} {
		for name, plugin := range plugins {
			set[loadedAlgorithm{kind, labelText(name), labelText(plugin)}] = true
		}
	}
	for kind := range a.Extra.All() {
		for e := range kind.Section.All() {
			if e.Kind == vici.KeyValue {
				set[loadedAlgorithm{labelText(kind.Name), labelText(e.Name), labelText(e.Value)}] = true
			}
		}
	}
	return set
}
