// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// A stateFile keeps a state on disk. What goes wrong with it is logged once and costs nothing but the state.
type stateFile struct {
	path    string
	log     *slog.Logger
	failing bool
}

// CheckStateFile reports why no state can be kept in a file of that name: there is something else, which would be lost or would
// keep who reads it waiting. That there is nothing yet is right.
func CheckStateFile(path string) error {
	for _, name := range []string{path, path + exposedSuffix} {
		if err := checkRegular(name); err != nil {
			return err
		}
	}
	return nil
}

// checkRegular reports what is at a path, unless that is a regular file or nothing.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: %w", path, errNotRegular)
	}
	return err
}

var errNotRegular = errors.New("not a regular file")

// load returns the saved state, which is nil with an error if there is none that can be used.
func (f *stateFile) load(address string) (*state, error) {
	s, err := f.read(address)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.log.Debug("No state file yet", "file", f.path)
	case err != nil:
		f.log.Warn("The state file is ignored and will be replaced", "file", f.path, "err", err)
	}
	return s, err
}

func (f *stateFile) read(address string) (*state, error) {
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not keep anybody waiting
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	}
	body, err := openSealed(file, info.Size())
	if err != nil {
		return nil, err
	}
	return decodeState(body, address)
}

// tell logs what has changed with how a save went.
func (f *stateFile) tell(err error) {
	switch {
	case err != nil && !f.failing:
		f.log.Error("The state cannot be saved; a restart will lose what passed since the last time, or all", "file", f.path, "err", err)
	case err == nil && f.failing:
		f.log.Info("The state can be saved again", "file", f.path)
	}
	f.failing = err != nil
}

// A saving says how a file is to be saved.
type saving struct {
	durable bool                            // it is to survive the end of the machine, and not only that of the process
	replace func(rename func() error) error // does it, or not, and returns why; nil just does it
}

// write writes a new file and puts it in the place of the old one, which stays as it is if that fails.
func (f *stateFile) write(s *state, how saving) (err error) {
	if err := checkRegular(f.path); err != nil {
		return err
	}
	name := f.path + ".new"
	_ = os.Remove(name) // of a process that was killed
	defer func() { _ = os.Remove(name) }()
	if err := writeNew(name, s, how.durable); err != nil {
		return err
	}
	rename := func() error {
		if err := os.Rename(name, f.path); err != nil || !how.durable {
			return err
		}
		return syncDirectory(filepath.Dir(f.path))
	}
	if how.replace != nil {
		return how.replace(rename)
	}
	return rename()
}

func writeNew(name string, s *state, durable bool) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sealer := newSealer(file)
	if err = encodeState(sealer, s); err == nil {
		err = sealer.seal()
	}
	if err == nil && durable {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDirectory makes what was renamed or removed in a directory survive the end of the machine.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// remove removes the file, if it is there.
func (f *stateFile) remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
