// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A seenRecord notes all that passes between the suite and a daemon.
type seenRecord struct {
	mu    sync.Mutex
	conns []*recordedConn
}

func newSeenRecord() *seenRecord { return new(seenRecord) }

// A recordedConn is a connection whose bytes are kept. A session reads and writes from one goroutine at a time.
type recordedConn struct {
	net.Conn
	in, out bytes.Buffer
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Write(b[:n])
	return n, err
}

func (c *recordedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out.Write(b[:n])
	return n, err
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (r *seenRecord) recording(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		recorded := &recordedConn{Conn: conn}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.conns = append(r.conns, recorded)
		return recorded, nil
	}
}

// write writes what was seen of a release into the directory that the environment names, and insists that typed methods
// have all of it.
func (r *seenRecord) write(t *testing.T, release string) {
	t.Helper()
	lines := make(map[string]bool)
	for _, c := range r.conns {
		require.NoError(t, c.see(lines, func(command string, p vici.Packet) { requireTyped(t, command, p) }))
	}
	require.Greater(t, len(lines), 100)
	writeSeen(t, release, lines)
	writeSeen(t, "typed", typedFields(t))
}

func writeSeen(t *testing.T, file string, lines map[string]bool) {
	t.Helper()
	if dir := os.Getenv("VICI_TEST_SEEN"); dir != "" {
		text := strings.Join(slices.Sorted(maps.Keys(lines)), "\n") + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
}

// see adds a line for each command and event that the daemon knew, and for each field that it sent. It hands the answers
// and events to check.
func (c *recordedConn) see(lines map[string]bool, check func(command string, p vici.Packet)) error {
	commands, registrations, err := c.requests()
	if err != nil {
		return err
	}
	packets := vici.NewPacketReader(&c.in, 0)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // a session that was closed in between
		}
		if err != nil {
			return err
		}
		switch p.Type {
		case vici.CmdResponse, vici.CmdUnknown:
			if p.Type == vici.CmdResponse {
				lines["command "+commands[0]] = true
				err = seeFields(lines, commands[0], p.Body)
				check(commands[0], p)
			}
			commands = commands[1:]
		case vici.EventConfirm, vici.EventUnknown:
			if p.Type == vici.EventConfirm {
				lines["event "+registrations[0]] = true
			}
			registrations = registrations[1:]
		case vici.EventPacket:
			err = seeFields(lines, string(p.Name), p.Body)
			check("", p)
		default:
			err = fmt.Errorf("daemon sent %s", p.Type)
		}
		if err != nil {
			return err
		}
	}
}

// requireTyped insists that what a typed method or Event.Decode makes of a packet has all that the packet says, and no
// more.
func requireTyped(t *testing.T, command string, p vici.Packet) {
	t.Helper()
	m, err := vici.ParseMessage(p.Body)
	require.NoError(t, err)
	want := flattenJSON(asJSON(m))
	if p.Type == vici.EventPacket {
		body, err := vici.Event{Name: string(p.Name), Body: p.Body}.Decode()
		require.NoError(t, err)
		require.Equal(t, want, flattenEvent(body), string(p.Name))
		return
	}
	typed, ok := capturedCommands()[command]
	if success, _ := m.Value("success"); !ok || typed.event != "" || success == "no" {
		return // nothing but success or failure, which the suite looks at
	}
	answer := capture{packets: []vici.Packet{p}}
	_, s := replayed(t, &answer, command, "")
	got, err := typed.typed(t.Context(), s)
	require.NoError(t, err)
	renameKeyExchange(want)
	require.Equal(t, []flat{want}, got, command)
}

// requests returns the names of commands and of events in the order in which they were sent.
func (c *recordedConn) requests() (commands, registrations []string, err error) {
	packets := vici.NewPacketReader(&c.out, 0)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return commands, registrations, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if p.Type == vici.CmdRequest {
			commands = append(commands, string(p.Name))
		} else {
			registrations = append(registrations, string(p.Name))
		}
	}
}

// seeFields adds the fields of one message. Names that are not of the protocol but of the configuration are asterisks.
func seeFields(lines map[string]bool, message string, body []byte) error {
	var path []string
	d := vici.NewDecoder(body)
	for d.Next() {
		name := string(d.Name())
		switch d.Kind() {
		case vici.SectionStart:
			path = append(path, protocolName(name))
		case vici.SectionEnd:
			path = path[:len(path)-1]
		case vici.KeyValue, vici.ListStart:
			if message == "get-algorithms" {
				name = "*" // keys are algorithms
			}
			lines["field "+message+" "+strings.Join(append(slices.Clone(path), name), "/")] = true
		default: // parts of lists
		}
	}
	return d.Err()
}

func protocolName(section string) string {
	for _, numbered := range []string{"local-", "remote-"} {
		if strings.HasPrefix(section, numbered) {
			return numbered + "*"
		}
	}
	known := []string{
		"active", "aead", "ah_proposals", "child-sas", "children", "counters", "dh", "drbg", "encryption", "esp_proposals",
		"hasher", "ike-sa", "ikesas", "integrity", "kdf", "ke", "leases", "mallinfo", "new", "nonce-gen", "old", "prf", "proposals",
		"queues", "rng", "uptime", "workers", "xof",
	}
	if slices.Contains(known, section) {
		return section
	}
	return "*"
}
