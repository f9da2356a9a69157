// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startTimeout bounds the making of a laboratory, which takes about a second.
const startTimeout = 30 * time.Second

// A Lab is a set of gateways with real daemons in network namespaces of their
// own. Its methods may be called from several goroutines.
type Lab struct {
	// Moon is the gateway that is observed, Sun its peer, Carol a road warrior.
	Moon, Sun, Carol *Gateway

	tree    tree
	options *options
	dir     string
	keeper  *keeper
	wires   []*wire
	closing sync.Once
}

// Require fails the test, and says what to install, if this machine cannot run
// the given generations; with none given, all.
func Require(t testing.TB, generations ...string) {
	t.Helper()
	if len(generations) == 0 {
		generations = Generations()
	}
	require.NoError(t, check(generations), "this test needs the laboratory of real gateways")
}

// New opens a laboratory for the time of a test. When the test has failed, the
// end of each daemon's log is in its output.
func New(t testing.TB, generation string, opts ...Option) *Lab {
	t.Helper()
	Require(t, generation)
	l, err := Open(t.Context(), generation, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			l.logTo(t)
		}
		require.NoError(t, l.Close())
	})
	return l
}

// Open builds a laboratory with daemons of one generation, starts them and loads
// their configuration; no tunnel is up yet. The caller closes it. Should the
// process end without, however it ends, the laboratory is removed all the same.
// The context is for the building only.
func Open(ctx context.Context, generation string, opts ...Option) (*Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := check([]string{generation}); err != nil {
		return nil, err
	}
	if err := removeStale(ctx); err != nil {
		return nil, err
	}
	l, err := newLab(ctx, generation, opts)
	if err != nil {
		return nil, err
	}
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("laboratory of strongSwan %s: %w", generation, err), l.Close())
	}
	return l, nil
}

// newLab prepares the laboratory's directory and keeper; nothing runs yet.
func newLab(ctx context.Context, generation string, opts []Option) (*Lab, error) {
	tree, err := findTree(generation)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", prefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("making the laboratory's directory: %w", err)
	}
	l := &Lab{tree: tree, options: newOptions(opts), dir: dir}
	l.makeGateways()
	if err := checkSocketPath(l.Carol.Socket()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	namespaces := []string{l.switchNamespace()}
	for _, g := range l.Gateways() {
		namespaces = append(namespaces, g.namespace)
	}
	l.keeper, err = startKeeper(ctx, dir, namespaces)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := letPass(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the laboratory's directory: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) makeGateways() {
	l.Moon = l.gateway(Moon, "192.0.2.1", "10.1")
	l.Sun = l.gateway(Sun, "192.0.2.2", "10.2")
	l.Carol = l.gateway(Carol, "192.0.2.3", "")
	l.Moon.peer, l.Sun.peer, l.Carol.peer = l.Sun, l.Moon, l.Moon
}

// checkSocketPath says early what connecting to the socket would say obscurely.
func checkSocketPath(path string) error {
	const maxPath = 107 // of a Unix socket's address
	if len(path) > maxPath {
		return fmt.Errorf("the path of the socket %s is too long: set TMPDIR to a shorter directory", path)
	}
	return nil
}

// start brings everything up, in an order that no daemon has to wait for another.
func (l *Lab) start(ctx context.Context) error {
	if err := l.build(ctx); err != nil {
		return err
	}
	if err := l.writeFiles(ctx); err != nil {
		return err
	}
	for _, g := range l.Gateways() {
		if err := g.Start(ctx); err != nil {
			return err
		}
		if err := g.LoadAll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all processes of the laboratory and removes everything of it. Closing
// once more does nothing.
func (l *Lab) Close() error {
	var err error
	l.closing.Do(func() {
		err = l.keeper.remove()
		for _, g := range l.Gateways() {
			g.reap()
		}
		for _, w := range l.wires {
			err = errors.Join(err, w.Close())
		}
	})
	return err
}

// Version returns the exact version of strongSwan that the daemons are of.
func (l *Lab) Version() string { return l.tree.version }

// HasIKEv1 tells whether the generation speaks IKEv1, so that there is a connection
// gw-v1. From 6.1 strongSwan is built without it.
func (l *Lab) HasIKEv1() bool { return !l.tree.atLeast(6, 1) }

// HasPostQuantum tells whether the generation's tunnels can use ML-KEM, so that
// there is a connection gw-pq.
func (l *Lab) HasPostQuantum() bool { return l.tree.atLeast(6, 1) }

// Gateways returns all gateways, the observed one first.
func (l *Lab) Gateways() []*Gateway { return []*Gateway{l.Moon, l.Sun, l.Carol} }

// switchNamespace is where the bridge is that joins the gateways.
func (l *Lab) switchNamespace() string { return filepath.Base(l.dir) + "-switch" }

// logTo writes the end of the daemons' logs into the test's output.
func (l *Lab) logTo(t testing.TB) {
	t.Helper()
	const lines = 40
	for _, g := range l.Gateways() {
		t.Logf("last lines of %s's log:\n%s", g.Name, tail(g.LogFile(), lines))
	}
}
