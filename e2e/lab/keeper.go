// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// A keeper removes a laboratory when it is over, in whatever way the process that
// made it ends: it waits for the end of its standard input, which comes when the
// laboratory is closed and just as well when the process panics, is interrupted
// or killed. So there is one way to remove a laboratory, and every run tests it.
type keeper struct {
	command *exec.Cmd
	stdin   io.Closer
	output  bytes.Buffer
}

// keeperScript takes the laboratory's directory and its network namespaces. All
// processes of the laboratory live in one of the namespaces, and all its mounts
// in mount namespaces of these processes, so they end with them. It kills more
// than once, because a process may start another one meanwhile.
const keeperScript = `
trap '' INT TERM HUP
cat >/dev/null
dir=$1
shift
for namespace; do
	for _ in 1 2 3 4 5; do
		pids=$(ip netns pids "$namespace" 2>/dev/null)
		[ -n "$pids" ] || break
		kill -KILL $pids 2>/dev/null
	done
	ip netns delete "$namespace" 2>/dev/null
done
rm -rf --one-file-system -- "$dir"
`

// startKeeper starts the keeper of a directory and of namespaces that need not
// exist yet.
func startKeeper(ctx context.Context, dir string, namespaces []string) (*keeper, error) {
	args := append([]string{"-c", keeperScript, "lab-keeper", dir}, namespaces...)
	// Not bound to ctx: the keeper ends when its input does.
	k := &keeper{command: exec.CommandContext(context.WithoutCancel(ctx), "sh", args...)}
	k.command.Stdout, k.command.Stderr = &k.output, &k.output
	k.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of the terminal's signals
	stdin, err := k.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the laboratory's keeper: %w", err)
	}
	k.stdin = stdin
	if err := k.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the laboratory's keeper: %w", err)
	}
	return k, nil
}

// remove lets the keeper do its work and waits for its end.
func (k *keeper) remove() error {
	err := errors.Join(k.stdin.Close(), k.command.Wait())
	if err != nil {
		return fmt.Errorf("removing the laboratory: %w: %s", err, strings.TrimSpace(k.output.String()))
	}
	return nil
}
