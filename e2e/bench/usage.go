// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpu returns the CPU time, user and system, that all threads of a process have taken so far, those that ended among them.
// The clock is the one that clock_getcpuclockid(3) names; it has nanoseconds where /proc has hundredths of a second.
func (p *process) cpu() (time.Duration, error) {
	const ofScheduler = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(^int32(p.cmd.Process.Pid)<<3|ofScheduler, &t); err != nil {
		return 0, fmt.Errorf("CPU clock of %s: %w", p.name, err)
	}
	return time.Duration(t.Nano()), nil
}

// stopwatch begins to measure CPU time. The returned function tells how much it has been since then, for each of n.
func (p *process) stopwatch() (read func(n int) (time.Duration, error)) {
	before, err := p.cpu()
	return func(n int) (time.Duration, error) {
		if err != nil {
			return 0, err
		}
		after, err := p.cpu()
		return (after - before) / time.Duration(n), err
	}
}

// peak returns the most memory, in bytes, that the process has had resident since it began or since forgetPeak.
func (p *process) peak() (int64, error) { return p.status("VmHWM") }

// forgetPeak makes the peak begin anew with what is resident now.
func (p *process) forgetPeak() error {
	return os.WriteFile(p.file("clear_refs"), []byte("5"), 0) // the mode does not matter: the file exists
}

func (p *process) file(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}

// status returns a size of proc_pid_status(5), in bytes.
func (p *process) status(key string) (int64, error) {
	text, err := os.ReadFile(p.file("status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, key+":")
		if !ok {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		return kilobytes << 10, err
	}
	return 0, fmt.Errorf("%s has no %s in /proc", p.name, key)
}
