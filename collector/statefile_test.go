// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// newTestFiles returns state files with their log.
func newTestFiles(path string) (*stateFiles, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return newStateFiles(path, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: withoutTime}))), log
}

func someState(evicted int) *state {
	return &state{Format: stateFormat, Version: stateVersion, Saved: noon, Began: noon, Evicted: evicted}
}

// sealed is what a file with that content has in it.
func sealed(t testing.TB, content []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	s := newSealer(&file)
	_, err := s.Write(content)
	require.NoError(t, err)
	require.NoError(t, s.seal())
	return file.Bytes()
}

// keep saves a whole state as is done at intervals.
func (f *stateFiles) keep(s *state) { f.keepWhole(s, f.replaceWhole) }

// A file that cannot be used is told of once and ignored. The next save replaces it.
func TestLoadState(t *testing.T) {
	right := sealed(t, encode(t, someState(1)))
	foreign := someState(1)
	foreign.Address = "elsewhere"
	for name, test := range map[string]struct {
		content []byte
		log     string
	}{
		"damaged":        {sealed(t, []byte(`{"format":`)), "damaged"},
		"foreign":        {sealed(t, encode(t, foreign)), "another daemon, at elsewhere"},
		"other":          {[]byte("[Unit]\nDescription=something else altogether\n"), "damaged"},
		"empty":          {nil, "damaged"},
		"not sealed":     {encode(t, someState(1)), "checksum"},
		"a digit":        {bytes.Replace(right, []byte(`"evicted":1`), []byte(`"evicted":9`), 1), "checksum"},
		"another end":    {bytes.TrimSuffix(right, []byte("\n")), "checksum"},
		"no beginning":   {right[1:], "checksum"},
		"something more": {sealed(t, append(encode(t, someState(1)), "{}"...)), "more than a state"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			require.NoError(t, os.WriteFile(path, test.content, 0o600))
			f, log := newTestFiles(path)
			require.Nil(t, f.load(""))
			require.Contains(t, log.String(), "level=WARN")
			require.Contains(t, log.String(), test.log)
			require.Equal(t, 1, strings.Count(log.String(), "\n"))
			f.keep(someState(7))
			require.Equal(t, 7, f.load("").Evicted)
			require.Equal(t, 1, strings.Count(log.String(), "\n"))
		})
	}
}

// That there is no file yet is nothing to worry about.
func TestLoadNoState(t *testing.T) {
	f, log := newTestFiles(filepath.Join(t.TempDir(), "state"))
	require.Nil(t, f.load(""))
	require.Empty(t, log.String())
}

// A file of any size and with any content takes little time and memory.
func TestLoadHugeState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, maxStateSize+1))
	f, log := newTestFiles(path)
	require.Nil(t, f.load(""))
	require.Contains(t, log.String(), "that a state may have")

	many := append([]byte(`{"totals":[`), bytes.Repeat([]byte("{},"), 2*maxStateRows)...)
	require.NoError(t, os.WriteFile(path, sealed(t, append(many, "{}]}"...)), 0o600))
	f, log = newTestFiles(path)
	require.Nil(t, f.load(""))
	require.Contains(t, log.String(), "of a kind")
}

// A state that would not be read again is not written.
func TestSaveHugeState(t *testing.T) {
	s := newSealer(io.Discard)
	part := make([]byte, 1<<20)
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = s.Write(part)
	}
	require.ErrorIs(t, err, errTooLarge)
	require.Equal(t, maxStateSize>>20, n)
}

// What is no file is neither read, which could wait for ever, nor replaced: it is somebody else's.
func TestNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	second := filepath.Join(dir, "second")
	require.NoError(t, os.Mkdir(second+exposedSuffix, 0o700))
	for _, path := range []string{dir, pipe, "/dev/null", second} {
		require.ErrorIs(t, CheckStateFile(path), errNotRegular)
		f, log := newTestFiles(path)
		require.Nil(t, f)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), log)
		require.Contains(t, log.String(), path)
		require.Contains(t, log.String(), "not a regular file")
	}
	require.NoError(t, CheckStateFile(filepath.Join(dir, "none yet")))

	path := filepath.Join(dir, "state")
	f, log := newTestFiles(path)
	f.keep(someState(1))
	require.NoError(t, CheckStateFile(path))
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	f.keep(someState(2))
	require.Contains(t, log.String(), "not a regular file")
	_, err := f.whole.read("")
	require.ErrorIs(t, err, errNotRegular)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.ModeNamedPipe, info.Mode().Type())
}

// What keeps a state from being saved is told of once, and once when it is over.
func TestSaveFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	f, log := newTestFiles(filepath.Join(dir, "state"))
	for range 3 {
		f.keep(someState(1))
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log)
	require.Contains(t, log.String(), "level=ERROR")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for range 3 {
		f.keep(someState(2))
	}
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log)
	require.Equal(t, 2, readState(t, f.whole.path).Evicted)
}

// The old state stays whole until the new one is: a process that is killed while it writes leaves a file that is
// removed later, and a link that somebody puts in its place is not followed.
func TestSaveReplacesAsAWhole(t *testing.T) {
	dir := t.TempDir()
	f, log := newTestFiles(filepath.Join(dir, "state"))
	path := f.whole.path
	f.keep(someState(1))
	require.NoError(t, os.WriteFile(path+".new", []byte(`{"format":"strong`), 0o600)) // killed here
	require.Equal(t, 1, readState(t, path).Evicted)

	victim := filepath.Join(dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Remove(path+".new"))
	require.NoError(t, os.Symlink(victim, path+".new"))
	f.keep(someState(2))
	require.Equal(t, 2, readState(t, path).Evicted)
	content, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "precious", string(content))

	obstruct(t, path)
	f.keep(someState(3))
	require.Equal(t, 2, readState(t, path).Evicted, "the old one stays")
	require.Contains(t, log.String(), "level=ERROR")

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

// obstruct keeps a state from being written, as a full disk does.
func obstruct(t *testing.T, path string) (heal func()) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(path+".new", "x"), 0o700))
	return func() { require.NoError(t, os.RemoveAll(path+".new")) }
}

// Without a path there is no file, and nothing to say.
func TestNoStateFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newLife(t, vicitest.Generation61, 2), eventful)
		stop := b.watch()
		b.scrapeSettled()
		stop()
		require.Nil(t, b.state)
	})
}

// withState keeps the state in a file.
func withState(path string) func(*Config) {
	return func(c *Config) { c.StateFile = path }
}

// stateCounters are what must never fall.
var stateCounters = append([]string{
	"child_received_bytes_total", "child_sent_bytes_total", "peer_received_bytes_total", "peer_sent_bytes_total",
}, lifeCounters...)

// A process that ends in order loses nothing: not what passed while it was down either, where SAs live on or came since.
func TestRestartInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
		first := newTestbed(t, l, eventful, withState(path))
		stop := first.watch()
		pass(time.Minute)
		ike := l.establish()
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		before := first.scrapeSettled()
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		stop()
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		pass(time.Minute)
		other := l.establish()
		require.NoError(t, l.Carry(l.child(other), packet, packet))
		pass(time.Minute)

		second := newTestbed(t, l, eventful, withState(path))
		second.watch()
		after := second.scrapeSettled()
		require.Equal(t, "1000", before.value("child_received_bytes_total"))
		require.Equal(t, "4000", after.value("child_received_bytes_total"))
		require.Equal(t, "4000", after.value("peer_sent_bytes_total"))
		require.Equal(t, "1", after.value("ike_sas_established_total"), "nobody listened to the other one")
	})
}

// A process that is killed continues where the state was saved last, and in no counter below what was exposed since.
func TestRestartAfterKill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
		first := newTestbed(t, l, eventful, withState(path))
		stop := first.watch()
		pass(time.Minute)
		ike := l.establish()
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		synctest.Wait()
		first.scrapeSettled()
		pass(DefaultStateInterval)
		synctest.Wait()
		pass(2 * time.Second)
		// Saved. What comes now is exposed, but not saved with its marks.
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		l.rekeyChild(ike, vicitest.Rekeying{Responder: true})
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		pass(6 * time.Second)
		l.ExpireRekeyed(0)
		before := first.scrapeSettled()
		require.Equal(t, "3000", before.value("child_received_bytes_total"))
		killed := copyFiles(t, dir)
		stop()

		second := newTestbed(t, l, eventful, withState(filepath.Join(killed, "state")))
		second.watch()
		after := second.scrapeSettled()
		for _, name := range stateCounters {
			require.GreaterOrEqual(t, after.value(name), before.value(name), name) // numbers of equal length
		}
		require.Equal(t, "3000", after.value("child_received_bytes_total"), "what is unknown of the SA that has ended was exposed")
		require.Equal(t, "1", after.value("child_sas_rekeyed_total"))
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		require.Equal(t, "4000", second.scrapeSettled().value("child_received_bytes_total"), "never more than the truth, 5000")
	})
}

// A process that was killed before it saved anything left what it exposed.
func TestRestartAfterEarlyKill(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
		first := newTestbed(t, l, eventful, withState(filepath.Join(dir, "state")))
		stop := first.watch()
		pass(5 * time.Second)
		ike := l.establish()
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		require.Equal(t, "1000", first.scrapeSettled().value("child_received_bytes_total"))
		killed := copyFiles(t, dir)
		require.NoFileExists(t, filepath.Join(killed, "state"))
		stop()
		second := newTestbed(t, l, eventful, withState(filepath.Join(killed, "state")))
		second.watch()
		require.Equal(t, "1000", second.scrapeSettled().value("child_received_bytes_total"))
		require.NoError(t, l.Carry(l.child(ike), packet, packet))
		require.Equal(t, "2000", second.scrapeSettled().value("child_received_bytes_total"))
	})
}

// copyFiles copies a directory as it is, which is what a process that is killed leaves.
func copyFiles(t *testing.T, dir string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "killed")
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// The state is saved at intervals and at the end; what was exposed, with each round that exposes anything new.
func TestSaveIntervals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		ike := l.establish()
		b := newTestbed(t, l, eventful, withState(path), func(c *Config) { c.StateInterval = time.Hour })
		stop := b.watch()
		require.NoFileExists(t, path)
		require.FileExists(t, path+".exposed")
		b.scrapeSettled()
		exposed := readState(t, path+".exposed").Saved
		pass(time.Minute)
		b.scrapeSettled()
		require.Equal(t, exposed, readState(t, path+".exposed").Saved, "nothing has changed")
		require.NoError(t, l.Carry(l.child(ike), vicitest.Traffic{Bytes: 1, Packets: 1}, vicitest.Traffic{}))
		b.scrapeSettled()
		require.WithinDuration(t, exposed.Add(time.Minute), readState(t, path+".exposed").Saved, 10*time.Second)
		pass(time.Hour)
		synctest.Wait()
		saved := readState(t, path).Saved
		pass(time.Minute)
		stop()
		require.True(t, readState(t, path).Saved.After(saved))
	})
}

// What the user has excluded since the state was saved does not come back from it, nor do the bytes of its SAs count for others.
func TestExcludedSinceSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, vicitest.Generation61, 2)
		l.Load(vicitest.Connection{Name: "other", Version: 2, Children: []vicitest.Child{{Name: "net"}}})
		packet := vicitest.Traffic{Bytes: 1000, Packets: 1}
		first := newTestbed(t, l, eventful, withState(path))
		stop := first.watch()
		pass(time.Minute)
		for _, name := range []string{"gw", "other"} {
			ike, err := l.Establish(name, vicitest.Peer{})
			require.NoError(t, err)
			require.NoError(t, l.Carry(l.child(ike), packet, packet))
			sa, err := l.IKESA(ike)
			require.NoError(t, err)
			l.RaiseAlert("new-kind", &sa)
		}
		require.Contains(t, text(t, first.gather()), `connection="gw"`)
		first.scrapeSettled()
		stop()
		second := newTestbed(t, l, eventful, withState(path), func(c *Config) { c.Exclude = regexp.MustCompile("^gw$") })
		second.watch()
		s := second.scrapeSettled()
		require.NotContains(t, text(t, second.gather()), `connection="gw"`)
		require.Equal(t, map[string]string{`{child="net",connection="other"}`: "1000"}, map[string]string(s.of("child_received_bytes_total")))
		require.Equal(t, "1", s.of("alerts_total")[`{alert="new-kind",connection="other"}`])
	})
}

// What was exposed is written again after it could not be, although it is the same.
func TestExposedIsWrittenAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, newLife(t, vicitest.Generation61, 2), eventful, withState(filepath.Join(dir, "state")))
		b.scrape()
		pass(time.Minute)
		require.NoError(t, os.Mkdir(dir, 0o700))
		b.scrape()
		require.FileExists(t, filepath.Join(dir, "state.exposed"))
	})
}
