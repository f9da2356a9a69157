// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Swanctl runs the swanctl of the gateway's own generation against its daemon and
// returns what it printed. It ends with the context, which has to have an end
// where the daemon may not answer.
func (g *Gateway) Swanctl(ctx context.Context, args ...string) (string, error) {
	args = append(append([]string{"swanctl"}, args...), "--uri", "unix:///lab/charon.vici")
	return run(ctx, g.tree.enter(ctx, g.namespace, g.dir, args...))
}

// LoadAll loads the gateway's configuration and credentials into its daemon,
// afresh after a restart or again after a change.
func (g *Gateway) LoadAll(ctx context.Context) error {
	if _, err := g.Swanctl(ctx, "--load-all"); err != nil {
		return fmt.Errorf("loading the configuration of %s: %w", g.Name, err)
	}
	if g.Net == "" || g.noOdd {
		return nil // odd names are for the tunnels between moon and sun
	}
	return g.loadOdd(ctx)
}

// Configure appends text to the gateway's swanctl.conf, in the manner of
// [WithSwanctl], and loads everything again.
func (g *Gateway) Configure(ctx context.Context, text string) error {
	old, err := os.ReadFile(g.swanctlConf())
	if err != nil {
		return fmt.Errorf("changing the configuration of %s: %w", g.Name, err)
	}
	if err := os.WriteFile(g.swanctlConf(), append(old, text+"\n"...), 0o600); err != nil {
		return fmt.Errorf("changing the configuration of %s: %w", g.Name, err)
	}
	return g.LoadAll(ctx)
}

// swanctlConf is where swanctl looks for its configuration: in SWANCTL_DIR, as
// for certificates and keys.
func (g *Gateway) swanctlConf() string { return filepath.Join(g.dir, "swanctl", "swanctl.conf") }

// Initiate brings a child up, with its IKE_SA if there is none yet, and returns
// when it is installed.
func (g *Gateway) Initiate(ctx context.Context, child string) error {
	_, err := g.Swanctl(ctx, "--initiate", "--child", child)
	return err
}

// Terminate closes SAs and returns when they are gone. The selector is one of
// swanctl's: "--ike", "gw-gw", or "--child", "net-net", or "--ike-id", "3".
func (g *Gateway) Terminate(ctx context.Context, selector ...string) error {
	_, err := g.Swanctl(ctx, append([]string{"--terminate"}, selector...)...)
	return err
}

// Rekey asks the daemon to rekey the SAs of a selector as [Gateway.Terminate]'s;
// "--reauth" added to one for IKE_SAs authenticates anew. It returns before the
// rekeying is done.
func (g *Gateway) Rekey(ctx context.Context, selector ...string) error {
	_, err := g.Swanctl(ctx, append([]string{"--rekey"}, selector...)...)
	return err
}
