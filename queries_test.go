// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/collector"
	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// query matches the commands that change nothing in the daemon.
func query() *regexp.Regexp { return regexp.MustCompile(`^(version|stats|(list|get)-[a-z]+)$`) }

// With everything on, the daemon is asked and never told.
func TestOnlyQueriesAreSent(t *testing.T) {
	d := newGateway(t, vicitest.Config{})
	var flags []string
	for _, info := range collector.Infos() {
		flags = append(flags, "--collector."+info.Name)
	}
	e := newExporter(t, d.Dial, flags...)
	e.scrape()
	e.get("/", 10)
	sent := slices.Sorted(maps.Keys(d.Observe().Commands))
	require.Subset(t, sent, []string{"version", "stats", "list-sas", "list-conns", "list-certs", "get-counters"})
	for _, command := range sent {
		require.Regexp(t, query(), command)
	}
}

// Nor is there anything in the program that could tell it: of a session's methods it uses those that ask, and it names no
// other command where it uses the generic ones.
func TestNothingElseCanBeSent(t *testing.T) {
	changes := changingMethods()
	require.Contains(t, changes, "Terminate")
	require.Contains(t, changes, "LoadConn")
	require.NotContains(t, changes, "ListSAs")
	for _, pattern := range []string{"*.go", "collector/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				requireOnlyQueries(t, file, changes)
			}
		}
	}
}

// changingMethods are the methods of a session that are commands and do not ask.
func changingMethods() (names []string) {
	asks := regexp.MustCompile(
		`^(Version|Stats|List|Get|.*(Names|IDs)$|Call$|Stream|Events|Register|Close|Pools|Counters|Algorithms|Err$|Ping$)`)
	for method := range reflect.TypeFor[*vici.Session]().Methods() {
		if !asks.MatchString(method.Name) {
			names = append(names, method.Name)
		}
	}
	return names
}

func requireOnlyQueries(t *testing.T, file string, changes []string) {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok { // whatever the receiver is called
			require.NotContains(t, changes, selector.Sel.Name, set.Position(n.Pos()).String())
		}
		if call, ok := n.(*ast.CallExpr); ok {
			requireNamedQuery(t, call, set.Position(n.Pos()).String())
		}
		return true
	})
}

// requireNamedQuery holds calls of the generic methods to commands that can be read in the same line.
func requireNamedQuery(t *testing.T, call *ast.CallExpr, where string) {
	t.Helper()
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) < 2 || !slices.Contains([]string{"Call", "Stream", "StreamRaw"}, selector.Sel.Name) {
		return
	}
	command, ok := call.Args[1].(*ast.BasicLit)
	require.True(t, ok, where)
	require.Regexp(t, query(), strings.Trim(command.Value, `"`), where)
}
