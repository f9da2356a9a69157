// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// DefaultStateInterval is how often the state is saved where nothing else is configured.
const DefaultStateInterval = 30 * time.Second

// maxStateSize is far above the state of a hundred thousand SAs.
const maxStateSize = 256 << 20

// A stateFile keeps a state on disk. What goes wrong with it is logged once and costs nothing but the state. One
// goroutine at a time uses it.
type stateFile struct {
	path    string // "" keeps nothing
	durable bool   // it survives the end of the machine, and not only that of the process
	log     *slog.Logger
	failing bool
}

// newStateFiles returns the files of the whole state, and of what was exposed last, beside it.
func newStateFiles(path string, log *slog.Logger) (whole, exposed *stateFile) {
	whole = &stateFile{path: path, durable: true, log: log}
	exposed = &stateFile{log: log}
	if path != "" {
		exposed.path = path + ".exposed"
	}
	return whole, exposed
}

// loadState returns the state in two files, or nil if there is none that can be used.
func loadState(whole, exposed *stateFile, address string) *state {
	s, last := whole.load(address), exposed.load(address)
	switch {
	case last == nil:
		return s
	case s == nil, s.Saved.Before(last.Began):
		return last // of a process that began anew and did not live to save all
	}
	s.raise(last)
	return s
}

// load returns the saved state, or nil if there is none that can be used.
func (f *stateFile) load(address string) *state {
	if f.path == "" {
		return nil
	}
	s, err := f.read(address)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.log.Debug("No state file yet", "file", f.path)
	case err != nil:
		f.log.Warn("The state file is ignored and will be replaced", "file", f.path, "err", err)
	}
	return s
}

func (f *stateFile) read(address string) (*state, error) {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return nil, err
	case info.Size() > maxStateSize:
		return nil, fmt.Errorf("%d bytes are more than any state has", info.Size())
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	return parseState(data, address)
}

// run saves at intervals until the context ends, and once more then.
func (f *stateFile) run(ctx context.Context, interval time.Duration, snapshot func() *state) {
	if f.path == "" {
		return
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.save(snapshot())
		case <-ctx.Done():
			f.save(snapshot())
			return
		}
	}
}

// save replaces the file as a whole.
func (f *stateFile) save(s *state) {
	err := f.write(s)
	switch {
	case err != nil && !f.failing:
		f.log.Error("The state cannot be saved; a restart will lose what passed since the last time", "file", f.path, "err", err)
	case err == nil && f.failing:
		f.log.Info("The state can be saved again", "file", f.path)
	}
	f.failing = err != nil
}

// write writes a new file and puts it in the place of the old one, which stays as it is if that fails.
func (f *stateFile) write(s *state) (err error) {
	name := f.path + ".new"
	_ = os.Remove(name) // of a process that was killed
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	if err = encodeState(file, s); err == nil && f.durable {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(name, f.path)
}
