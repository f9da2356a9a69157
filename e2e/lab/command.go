// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// enterScript takes a tree, a directory of the machine and a command line, which
// it runs in the tree with that directory as /lab and a /run of its own: charon's
// pid file has a compiled-in path there. It must run in a mount namespace of its
// own, with which its mounts vanish.
const enterScript = `
root=$1
mount --bind "$2" "$root/lab" &&
	mount --bind /dev "$root/dev" &&
	mount -t proc proc "$root/proc" &&
	mount -t tmpfs tmpfs "$root/run" || exit 125
shift 2
exec chroot "$root" env STRONGSWAN_CONF=/lab/strongswan.conf SWANCTL_DIR=/lab/swanctl "$@"
`

// enter returns a command that runs inside the tree, in a network namespace or, if
// that is empty, in the machine's own. All links of the chain replace themselves by
// the next one, so the command's process is the program itself.
func (t tree) enter(ctx context.Context, namespace, dir string, args ...string) *exec.Cmd {
	// The mount namespace follows the machine's: what is unmounted there, such as a
	// network namespace that is deleted, is not kept alive here. ip does the same.
	chain := []string{"unshare", "--mount", "--propagation", "slave"}
	if namespace != "" {
		chain = []string{"ip", "netns", "exec", namespace}
	}
	chain = append(chain, "sh", "-c", enterScript, "lab-enter", t.root, dir)
	return command(ctx, append(chain, args...)...)
}

// command returns a command that dies with its context. It is in a process group
// of its own, so that an interrupt typed at the terminal reaches the test, which
// then ends things in order.
func command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = time.Second
	return c
}

// run runs a command to its end and returns all that it printed. What it printed
// is part of the error, and so is the end of the context that the command had.
func run(ctx context.Context, c *exec.Cmd) (string, error) {
	output, err := c.CombinedOutput()
	if err != nil {
		err = errors.Join(context.Cause(ctx), err)
		return string(output), fmt.Errorf("%s: %w: %s", name(c), err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}

// name is how a command appears in errors: without the chain that leads into its
// namespace and tree, and without the text of a script.
func name(c *exec.Cmd) string {
	args := c.Args
	for i, arg := range args {
		if arg == "lab-enter" {
			args = args[i+3:]
			break
		}
	}
	line, _, _ := strings.Cut(strings.Join(args[1:], " "), "\n")
	return filepath.Base(args[0]) + " " + line
}

// await calls done until it returns nil. When the context ends first, the last
// error says what was still missing.
func await(ctx context.Context, what string, done func() error) error {
	const interval = 10 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, errors.Join(context.Cause(ctx), err))
		case <-ticker.C:
		}
	}
}
