// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// DefaultStateInterval is how often the state is saved where nothing else is configured.
const DefaultStateInterval = 30 * time.Second

// exposedSuffix is what the second file has at the end of its name.
const exposedSuffix = ".exposed"

// stateFiles keep the whole state, and beside it what was exposed last. No counter must come back lower than it was exposed, except at
// zero: Prometheus would count all of it once more. So this holds as long as something may have been exposed that is not in the whole
// state:
//
//   - There is a file of what was exposed, written before. That there is one survives the end of the machine; what is in it does not, since
//     that would cost too much with each scrape. After the machine was started anew nothing is restored.
//   - If it cannot be written, there is no file at all, not even the whole state.
//
// At an orderly end the whole state has everything, and the second file is removed.
type stateFiles struct {
	whole, exposed stateFile
	log            *slog.Logger
	boot           string

	mu       sync.Mutex // for replacing one of the files, or removing both, and for what follows
	standing bool       // the file of what was exposed is there for certain
}

// newStateFiles returns the files at a path, or nil for none.
func newStateFiles(path string, log *slog.Logger) *stateFiles {
	if path == "" {
		return nil
	}
	if err := CheckStateFile(path); errors.Is(err, errNotRegular) {
		log.Error("No state is kept", "err", err)
		return nil
	}
	return &stateFiles{
		whole: stateFile{path: path, log: log}, exposed: stateFile{path: path + exposedSuffix, log: log},
		log: log, boot: bootID(),
	}
}

// bootID returns what names the time since the machine was started; "" where that is not known, as it is only with Linux.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // what is not there says that it is not known
	return strings.TrimSpace(string(id))
}

// load returns the state that can be continued, or nil if there is none. It is to be called before anything is exposed.
func (f *stateFiles) load(address string) *state {
	if f == nil {
		return nil
	}
	s := f.read(address)
	if s != nil && !f.take(s) {
		return nil
	}
	return s
}

func (f *stateFiles) read(address string) *state {
	last, err := f.exposed.load(address)
	switch {
	case errors.Is(err, fs.ErrNotExist): // all that was exposed is in the whole state
		s, _ := f.whole.load(address)
		return s
	case err == nil && f.boot != "" && last.Boot == f.boot:
		return f.join(last, address)
	case err == nil:
		f.log.Warn("Totals and counters begin at zero: the exporter did not end in order, and the machine was started anew since, or that "+
			"cannot be known", "file", f.whole.path)
	}
	f.remove()
	return nil
}

// join returns the whole state, no lower than what was exposed last.
func (f *stateFiles) join(last *state, address string) *state {
	s, _ := f.whole.load(address)
	if s == nil || s.Saved.Before(last.Began) {
		return last // of a process that began anew and did not live to save all
	}
	s.raise(last)
	return s
}

// take makes a state that was read that of this process, which will expose more, and reports whether it can be used: what can be neither
// replaced nor removed may have been so before, and be older than what was exposed.
func (f *stateFiles) take(s *state) bool {
	if f.keepExposed(s.shown()) {
		return true
	}
	f.log.Error("Totals and counters begin at zero: the state can be neither replaced nor removed, so it may be too old", "file", f.whole.path)
	return false
}

// keepExposed saves what is about to be exposed. If that is not possible, it reports whether at least nothing older is left.
func (f *stateFiles) keepExposed(s *state) (safe bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Boot = f.boot
	err := f.exposed.write(s, saving{durable: !f.standing})
	gone := err == nil || f.remove()
	if err != nil && gone { // which may have made room
		err = f.exposed.write(s, saving{durable: true})
	}
	f.standing = err == nil
	f.exposed.tell(err)
	return gone
}

// remove removes both files, and reports whether they are gone.
func (f *stateFiles) remove() (gone bool) {
	return errors.Join(f.whole.remove(), f.exposed.remove()) == nil
}

// run saves the whole state at intervals until the context ends, and once more then.
func (f *stateFiles) run(ctx context.Context, interval time.Duration, snapshot func() *state) {
	if f == nil {
		return
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.keepWhole(snapshot(), f.replaceWhole)
		case <-ctx.Done():
			f.keepWhole(snapshot(), f.replaceAll)
			return
		}
	}
}

func (f *stateFiles) keepWhole(s *state, replace func(rename func() error) error) {
	s.Boot = f.boot
	f.whole.tell(f.whole.write(s, saving{durable: true, replace: replace})) // if it fails, the file from before is still right
}

// replaceWhole replaces the file of the whole state, unless what is exposed meanwhile cannot be kept.
func (f *stateFiles) replaceWhole(rename func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.exposed.failing {
		return errAlone
	}
	return rename()
}

var errAlone = errors.New("what is exposed cannot be saved beside it")

// replaceAll replaces both files by one that has all.
func (f *stateFiles) replaceAll(rename func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := rename(); err != nil {
		return err
	}
	f.standing = false
	return f.exposed.remove()
}
