// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// patience is how long a program may take to begin, to end, and to answer.
const patience = time.Minute

// A process is a program under measurement.
type process struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // that it writes, closed at its end; what nobody reads is only in the log
	done  chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs a program until end is called or the context ends. What it writes is read all the time.
func start(ctx context.Context, program string, args ...string) (*process, error) {
	p := &process{
		name:  filepath.Base(program),
		cmd:   exec.CommandContext(ctx, program, args...),
		lines: make(chan string, 100),
		done:  make(chan struct{}),
	}
	p.cmd.Cancel = p.terminate
	p.cmd.WaitDelay = patience
	// Should this program be killed, the kernel ends the others.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = in
	output, written := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = written, written
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.follow(output)
	go func() {
		// How it ended does not matter: whoever waits for a line is told what it wrote.
		_ = written.CloseWithError(p.cmd.Wait())
	}()
	return p, nil
}

// follow keeps what the program writes, and hands it to whoever waits for a line.
func (p *process) follow(output io.Reader) {
	defer close(p.done)
	defer close(p.lines)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.log, lines.Text())
		p.mu.Unlock()
		select {
		case p.lines <- lines.Text():
		default:
		}
	}
}

// await returns the first line for which want returns a result.
func (p *process) await(ctx context.Context, want func(line string) (string, bool)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				return "", p.failure("has ended")
			}
			if result, ok := want(line); ok {
				return result, nil
			}
		case <-ctx.Done():
			return "", p.failure("does not say what was expected")
		}
	}
}

// failure is an error with all that the program wrote.
func (p *process) failure(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%s %s; its output:\n%s", p.name, what, p.log.String())
}

func (p *process) terminate() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// end ends the program and returns when it has ended.
func (p *process) end() {
	_ = p.terminate() // it may have ended
	_ = p.in.Close()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
