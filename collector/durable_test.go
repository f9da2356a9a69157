// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A former is what was exposed by a process that has carried a megabyte in a saved state, and some more.
type former struct {
	*life

	t     *testing.T
	path  string
	first *testbed
	stop  func()
	shown uint64
}

func newFormer(t *testing.T, path string, changes ...func(*Config)) *former {
	t.Helper()
	p := &former{life: newLife(t, vicitest.Generation61, 2), t: t, path: path}
	p.first = newTestbed(t, p.life, append([]func(*Config){eventful, withState(path)}, changes...)...)
	p.stop = p.first.watch()
	pass(time.Minute)
	p.carry(p.establish(), 1_000_000)
	p.first.scrapeSettled()
	pass(DefaultStateInterval + time.Second)
	synctest.Wait()
	return p
}

func (p *former) carry(ike uint32, bytes uint64) {
	p.t.Helper()
	require.NoError(p.t, p.Carry(p.child(ike), vicitest.Traffic{Bytes: bytes, Packets: 1}, vicitest.Traffic{}))
}

// more exposes something that is in no whole state.
func (p *former) more() {
	p.t.Helper()
	p.carry(1, 500)
	p.shown = p.received(p.first)
	require.EqualValues(p.t, 1_000_500, p.shown)
}

func (p *former) received(b *testbed) uint64 {
	p.t.Helper()
	n, err := strconv.ParseFloat(b.scrapeSettled().value("child_received_bytes_total"), 64)
	require.NoError(p.t, err)
	return uint64(n)
}

// next returns what another process exposes that finds the files at a path.
func (p *former) next(path string) (uint64, *testbed) {
	p.t.Helper()
	b := newTestbed(p.t, p.life, eventful, withState(path))
	b.watch()
	return p.received(b), b
}

// killed returns a copy of the files as they are.
func (p *former) killed() (path string) {
	p.t.Helper()
	return filepath.Join(copyFiles(p.t, filepath.Dir(p.path)), filepath.Base(p.path))
}

// bootedSince makes files look as if the machine had been started anew.
func bootedSince(t *testing.T, path string) {
	t.Helper()
	for _, file := range []string{path, path + exposedSuffix} {
		s, err := (&stateFile{path: file}).read("")
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, bootID(), s.Boot)
		s.Boot = "another one"
		require.NoError(t, (&stateFile{path: file}).write(s, saving{}))
	}
}

// A counter comes back where it was, or at zero, but never in between: all of it would count once more.
func TestNeverInBetween(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(p *former) (path string)
		want    uint64
	}{
		"killed": {func(p *former) string { p.more(); return p.killed() }, 1_000_500},
		"ended":  {func(p *former) string { p.more(); p.stop(); return p.path }, 1_000_500},
		"ended, and the machine was started anew": {func(p *former) string {
			p.more()
			p.stop()
			bootedSince(p.t, p.path)
			return p.path
		}, 1_000_500},
		"the machine failed": {func(p *former) string {
			p.more()
			path := p.killed()
			bootedSince(p.t, path)
			return path
		}, 0},
		"the machine failed, and what was not synced is lost": {func(p *former) string {
			path := p.killed()
			bootedSince(p.t, path)
			p.more()
			return path
		}, 0},
		"the machine failed, and what was not synced is empty": {func(p *former) string {
			p.more()
			path := p.killed()
			bootedSince(p.t, path)
			require.NoError(p.t, os.Truncate(path+exposedSuffix, 0))
			return path
		}, 0},
		"the machine failed after it was saved at an end": {func(p *former) string {
			p.stop()
			p.first = newTestbed(p.t, p.life, eventful, withState(p.path))
			path := p.killed() // all that is on the disk for certain
			bootedSince(p.t, path)
			p.stop = p.first.watch()
			p.more()
			return path
		}, 0},
		"nothing can be written": {func(p *former) string {
			obstruct(p.t, p.path)
			obstruct(p.t, p.path+exposedSuffix)
			p.more()
			return p.killed()
		}, 0},
		"nothing can be written, and it ends": {func(p *former) string {
			obstruct(p.t, p.path)
			obstruct(p.t, p.path+exposedSuffix)
			p.more()
			p.stop()
			return p.path
		}, 0},
		"only the whole state can be written": {func(p *former) string {
			obstruct(p.t, p.path+exposedSuffix)
			p.more()
			pass(2 * DefaultStateInterval)
			synctest.Wait()
			p.carry(1, 500)
			require.EqualValues(p.t, 1_001_000, p.received(p.first))
			return p.killed()
		}, 0},
		"only the whole state can be written, and it ends": {func(p *former) string {
			obstruct(p.t, p.path+exposedSuffix)
			p.more()
			p.stop()
			return p.path
		}, 1_000_500},
		"only what is exposed can be written": {func(p *former) string {
			obstruct(p.t, p.path)
			pass(2 * DefaultStateInterval)
			p.more()
			return p.killed()
		}, 1_000_500},
		"only what is exposed can be written, and it ends": {func(p *former) string {
			obstruct(p.t, p.path)
			p.more()
			p.stop()
			return p.path
		}, 1_000_500},
		"it could not be written for some time": {func(p *former) string {
			heal, healToo := obstruct(p.t, p.path), obstruct(p.t, p.path+exposedSuffix)
			p.first.scrapeSettled()
			p.carry(1, 100)
			p.first.scrapeSettled()
			pass(2 * DefaultStateInterval)
			heal()
			healToo()
			p.carry(1, 400)
			p.shown = p.received(p.first)
			pass(2 * DefaultStateInterval)
			return p.killed()
		}, 1_000_500},
		"the second file was damaged": {func(p *former) string {
			p.more()
			path := p.killed()
			require.NoError(p.t, os.Truncate(path+exposedSuffix, 100))
			return path
		}, 0},
		"a scrape came after the end": {func(p *former) string {
			p.stop()
			p.more()
			return p.killed()
		}, 1_000_500},
		"a scrape came after the end, and the machine was started anew": {func(p *former) string {
			p.stop()
			p.more()
			path := p.killed()
			bootedSince(p.t, path)
			return path
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			synctest.Test(t, func(t *testing.T) {
				p := newFormer(t, path)
				after, b := p.next(test.happens(p))
				require.Equal(t, test.want, after, b.log)
			})
		})
	}
}

// What was begun at zero goes on from there, whatever is left of the files from before.
func TestAfterZero(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		p := newFormer(t, path)
		p.more()
		killed := p.killed()
		bootedSince(t, killed)
		zero, second := p.next(killed)
		require.Zero(t, zero)
		require.Contains(t, second.log.String(), "Totals and counters begin at zero")
		p.carry(1, 7)
		require.EqualValues(t, 7, p.received(second))
		p.path = killed
		third, _ := p.next(p.killed())
		require.EqualValues(t, 7, third)
	})
}

// What a scraper in a hurry has got from a round that is still under way is kept as well.
func TestKilledInTheMiddleOfARound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		p := newFormer(t, path, only("sas", "events", "policies"))
		heal := p.Fault("list-policies", slowly(5*time.Second))
		p.carry(1, 500)
		var patient sync.WaitGroup
		patient.Go(func() { p.first.gatherWithin(rest) })
		pass(time.Second) // the round hangs at the policies
		s := newSamples(t, p.first.gatherWithin(hurry))
		require.Contains(t, s.failed(), "policies")
		require.Equal(t, "1.0005e+06", s.value("child_received_bytes_total"))
		killed := p.killed()
		heal()
		patient.Wait()
		require.NoError(t, p.Down(1)) // so that nobody can tell any more what it has carried
		shown, _ := p.next(killed)
		require.GreaterOrEqual(t, shown, uint64(1_000_500))
	})
}
