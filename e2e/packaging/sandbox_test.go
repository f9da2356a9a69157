// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package packaging

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whom the service runs as in the test, and the group that charon gives its socket: "users", which every Debian has.
const (
	serviceUser  = "64500"
	serviceGroup = "64500"
	socketGroup  = "100"
)

// sandbox prepares what systemd would: a tree in which nothing can be written but the service's state, and a
// /run with charon's socket as Debian ($SOCKET_DIR through a link) and Fedora (a directory) have it. Then
// it drops all privileges.
const sandbox = `
set -eu
mkdir -p "$ROOT"
mount --bind / "$ROOT"
for kernel in dev proc sys; do
	mount --rbind "/$kernel" "$ROOT/$kernel"
done
mount -t tmpfs -o mode=755 run "$ROOT/run"
mkdir "$ROOT"/run/strongswan "$ROOT"/run/bin "$ROOT"/run/state
ln -s strongswan/charon.vici "$ROOT/run/charon.vici"
mount --bind "$SOCKET_DIR" "$ROOT/run/strongswan"
mount --bind "$BIN_DIR" "$ROOT/run/bin"
mount --bind "$STATE_DIR" "$ROOT/run/state"
for target in run/strongswan run/bin run ''; do
	mount -o remount,bind,ro "$ROOT/$target"
done
exec chroot "$ROOT" setpriv --reuid="$SERVICE_UID" --regid="$SERVICE_GID" --groups="$SERVICE_GID${SOCKET_GID:+,$SOCKET_GID}" \
	--no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`

// A service is the exporter, run as the unit says.
type service struct {
	t        *testing.T
	command  *exec.Cmd
	stateDir string
	url      string

	mu  sync.Mutex
	log bytes.Buffer
}

// build builds the exporter and puts the test binary, which sets the system call filter, beside it.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // the service's user has to get there
		require.NoError(t, os.Chmod(d, 0o755))
	}
	output, err := exec.CommandContext(t.Context(), "../../scripts/build", filepath.Join(dir, "strongswan_exporter")).CombinedOutput()
	require.NoError(t, err, string(output))
	self, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "filter"), self, 0o755))
	return dir
}

// start runs the unit's command line against the socket in socketDir, as a member of group where that is not empty.
func start(t *testing.T, u unit, binDir, socketDir, group string, env ...string) *service {
	t.Helper()
	filter, err := encodeFilter(seccompFilter(u.allowedCalls(t), u.addressFamilies(t)))
	require.NoError(t, err)
	s := &service{t: t, stateDir: filepath.Join(binDir, "state-"+strings.ReplaceAll(t.Name(), "/", "-"))}
	require.NoError(t, os.MkdirAll(s.stateDir, 0o700))
	require.NoError(t, os.Chown(s.stateDir, 64500, 64500))

	exec0 := strings.Fields(u.one(t, "ExecStart"))
	require.Equal(t, []string{"/usr/bin/strongswan_exporter", "$ARGS"}, exec0)
	s.command = exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "sh", "-c", sandbox, "sandbox",
		"/run/bin/filter", "/run/bin/strongswan_exporter", "--web.listen-address=127.0.0.1:0")
	state, found := strings.CutPrefix(u.one(t, "Environment"), "STRONGSWAN_EXPORTER_STATE_FILE=%S/strongswan_exporter/")
	require.True(t, found)
	s.command.Env = append([]string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"ROOT=" + filepath.Join(binDir, "root"), "SOCKET_DIR=" + socketDir, "BIN_DIR=" + binDir, "STATE_DIR=" + s.stateDir,
		"SERVICE_UID=" + serviceUser, "SERVICE_GID=" + serviceGroup, "SOCKET_GID=" + group,
		filterVariable + "=" + filter, "STRONGSWAN_EXPORTER_STATE_FILE=/run/state/" + state,
	}, env...)
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	s.command.WaitDelay = 10 * time.Second
	stderr, err := s.command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	s.url = s.follow(stderr)
	return s
}

// follow keeps the log and returns the address in it.
func (s *service) follow(stderr io.Reader) string {
	s.t.Helper()
	found := make(chan string, 1)
	go func() {
		defer close(found)
		listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.mu.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if match := listening.FindStringSubmatch(lines.Text()); match != nil {
				found <- "http://" + match[1]
			}
		}
	}()
	url := <-found
	require.NotEmpty(s.t, url, s.logged())
	return url
}

func (s *service) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// scrape returns the metrics.
func (s *service) scrape() string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/metrics", http.NoBody)
	require.NoError(s.t, err)
	response, err := new(http.Client).Do(request)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	page, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return string(page)
}

// stop ends the service as systemd does.
func (s *service) stop() {
	s.t.Helper()
	require.NoError(s.t, s.command.Process.Signal(syscall.SIGTERM))
	require.NoError(s.t, s.command.Wait(), s.logged())
}

// status returns a line of the process' status in /proc.
func (s *service) status(key string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", itoa(s.command.Process.Pid), "status"))
	require.NoError(s.t, err)
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, key+":"); found {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	require.Fail(s.t, "no such line", key)
	return ""
}
