// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed config
var configFiles embed.FS

// configData is what the files of config are rendered with.
type configData struct {
	Lab      *Lab
	Me, Peer *Gateway
	Plugins  string
	Secrets  []secret
}

// writeFiles writes all files of all gateways.
func (l *Lab) writeFiles(ctx context.Context) error {
	for _, g := range l.Gateways() {
		if err := l.writeConfig(g); err != nil {
			return fmt.Errorf("writing the configuration of %s: %w", g.Name, err)
		}
	}
	if err := l.makeCertificates(ctx); err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	return nil
}

// writeConfig renders strongswan.conf and swanctl.conf of a gateway and appends
// what the options add to them.
func (l *Lab) writeConfig(g *Gateway) error {
	if err := os.MkdirAll(filepath.Dir(g.swanctlConf()), 0o750); err != nil {
		return err
	}
	if err := letPass(g.dir); err != nil {
		return err
	}
	data := configData{
		Lab:     l,
		Me:      g,
		Peer:    g.peer,
		Plugins: l.tree.plugins() + " " + strings.Join(strings.Fields(l.options.plugins[g.Name]), " "),
		Secrets: secretsOf(g.Name),
	}
	parts := map[string][]string{
		Moon:  {"site.conf", "moon.conf"},
		Sun:   {"site.conf"},
		Carol: {"carol.conf"},
	}[g.Name]
	if err := render(g.swanctlConf(), data, l.options.swanctl[g.Name], parts...); err != nil {
		return err
	}
	return render(filepath.Join(g.dir, "strongswan.conf"), data, l.options.strongswan[g.Name], "strongswan.conf")
}

// letPass lets everyone through a directory: what connects to a socket in it may
// be unprivileged.
func letPass(dir string) error {
	return os.Chmod(dir, 0o755) //nolint:gosec // that is what it is for
}

// render writes a file that consists of rendered templates and of a text.
func render(path string, data configData, text string, templates ...string) error {
	var file strings.Builder
	for _, name := range templates {
		t, err := template.ParseFS(configFiles, "config/"+name)
		if err != nil {
			return err
		}
		if err := t.Execute(&file, data); err != nil {
			return err
		}
	}
	file.WriteString("\n" + text)
	return os.WriteFile(path, []byte(file.String()), 0o600)
}
