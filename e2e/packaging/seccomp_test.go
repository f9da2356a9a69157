// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package packaging

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// systemCallNumbers reads the numbers of this machine's system calls from the C library's headers.
func systemCallNumbers(t *testing.T) map[string]uint32 {
	t.Helper()
	headers, err := exec.CommandContext(t.Context(), "sh", "-c", "echo '#include <sys/syscall.h>' | gcc -E -dM -").Output()
	require.NoError(t, err)
	numbers := make(map[string]uint32)
	for _, match := range regexp.MustCompile(`(?m)^#define __NR_(\w+) (\d+)$`).FindAllStringSubmatch(string(headers), -1) {
		n, err := strconv.ParseUint(match[2], 10, 32)
		require.NoError(t, err)
		numbers[match[1]] = uint32(n)
	}
	require.Greater(t, len(numbers), 200)
	return numbers
}

// systemCallSet returns the system calls of one of systemd's sets, such as @system-service.
func systemCallSet(t *testing.T, name string) map[string]bool {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "systemd-analyze", "--no-pager", "syscall-filter", name).Output()
	require.NoError(t, err, name)
	calls := make(map[string]bool)
	for line := range strings.Lines(string(output)) {
		switch call := strings.TrimSpace(line); {
		case call == "", call == name, strings.HasPrefix(call, "#"):
		case strings.HasPrefix(call, "@"):
			maps.Copy(calls, systemCallSet(t, call))
		default:
			calls[call] = true
		}
	}
	return calls
}

// allowedCalls returns the numbers of the system calls that the unit leaves.
func (u unit) allowedCalls(t *testing.T) []uint32 {
	t.Helper()
	allowed := make(map[string]bool)
	for _, filter := range u["SystemCallFilter"] {
		sets, denied := strings.CutPrefix(filter, "~")
		for set := range strings.FieldsSeq(sets) {
			for call := range systemCallSet(t, set) {
				allowed[call] = !denied
			}
		}
	}
	require.NotEmpty(t, allowed)
	var numbers []uint32
	for call, number := range systemCallNumbers(t) {
		if allowed[call] {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// addressFamilies returns the families of which the unit lets sockets be made.
func (u unit) addressFamilies(t *testing.T) []uint32 {
	t.Helper()
	known := map[string]uint32{"AF_UNIX": unix.AF_UNIX, "AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6}
	var families []uint32
	for name := range strings.FieldsSeq(u.one(t, "RestrictAddressFamilies")) {
		require.Contains(t, known, name)
		families = append(families, known[name])
	}
	return families
}

// Where the kernel puts the number and the first argument of a system call: struct seccomp_data.
const (
	callNumberOffset    = 0
	firstArgumentOffset = 16
)

// seccompFilter returns a program that lets the calls through and answers EPERM to all others, and likewise to sockets of
// other families.
func seccompFilter(calls, families []uint32) []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		end   = unix.BPF_RET | unix.BPF_K
	)
	allow := unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW}
	deny := unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}

	program := []unix.SockFilter{{Code: load, K: callNumberOffset}}
	program = append(program, unix.SockFilter{Code: equal, K: unix.SYS_SOCKET, Jf: uint8(2 + 2*len(families))},
		unix.SockFilter{Code: load, K: firstArgumentOffset})
	for _, family := range families {
		program = append(program, unix.SockFilter{Code: equal, K: family, Jf: 1}, allow)
	}
	program = append(program, deny)
	for _, call := range calls {
		program = append(program, unix.SockFilter{Code: equal, K: call, Jf: 1}, allow)
	}
	return append(program, deny)
}

// encodeFilter and decodeFilter bring a filter through an environment variable.
func encodeFilter(program []unix.SockFilter) (string, error) {
	var b bytes.Buffer
	err := binary.Write(&b, binary.NativeEndian, program)
	return hex.EncodeToString(b.Bytes()), err
}

func decodeFilter(s string) ([]unix.SockFilter, error) {
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, err
	}
	program := make([]unix.SockFilter, len(raw)/int(unsafe.Sizeof(unix.SockFilter{})))
	return program, binary.Read(bytes.NewReader(raw), binary.NativeEndian, program)
}

// filterVariable makes the test binary run a command under the filter in it, instead of testing.
const filterVariable = "PACKAGING_TEST_SECCOMP_FILTER"

func TestMain(m *testing.M) {
	if filter := os.Getenv(filterVariable); filter != "" {
		fmt.Fprintln(os.Stderr, "cannot run under a filter:", runFiltered(filter, os.Args[1:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runFiltered installs the filter and becomes the command. It returns only if it cannot.
func runFiltered(filter string, command []string) error {
	program, err := decodeFilter(filter)
	if err != nil {
		return err
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// For all threads of this process: which one will call execve is not known.
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, filterVariable+"=") })
	return syscall.Exec(command[0], command, env)
}
