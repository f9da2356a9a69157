// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// recordings are the versions of which answers of real daemons were recorded.
var recordings = []string{"5.9.8", "6.0.6"}

// recordedAt is when the answers of both versions were recorded, by their uptime.
var recordedAt = time.Date(2026, time.November, 22, 18, 9, 23, 0, time.UTC)

// replay returns a server that gives the recorded answers of a daemon. Fake time is set to
// that of the recording.
func replay(t *testing.T, version string) *vicitest.Server {
	t.Helper()
	mux := &vicitest.Mux{
		Commands: make(map[string]vicitest.Command),
		Events: []string{
			"list-sa", "list-policy", "list-conn", "list-cert", "list-authority",
			"ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey",
		},
	}
	for _, name := range []string{
		"version", "stats", "list-sas", "list-conns", "list-policies", "list-authorities", "get-authorities",
		"get-conns", "get-keys", "get-shared", "get-pools", "get-algorithms",
	} {
		mux.Commands[name] = readRecording(t, version, name).play(nil)
	}
	mux.Commands["list-certs"] = readRecording(t, version, "list-certs").play(ofRequestedType)
	mux.Commands["get-counters"] = playCounters(t, version)
	server := vicitest.NewUnstartedServer(mux)
	t.Cleanup(server.Close)
	if wait := time.Until(recordedAt); wait > 0 {
		pass(wait)
	}
	return server
}

func ofRequestedType(request, event *vici.Message) bool {
	wanted, _ := request.Value("type")
	actual, _ := event.Value("type")
	return wanted == "" || wanted == actual
}

// playCounters answers the three forms of get-counters.
func playCounters(t *testing.T, version string) vicitest.Command {
	t.Helper()
	daemon := readRecording(t, version, "get-counters").play(nil)
	all := readRecording(t, version, "get-counters-all").play(nil)
	unknown := readRecording(t, version, "get-counters-unknown").play(nil)
	return func(c *vicitest.Call) (*vici.Message, error) {
		if _, ok := c.Request.Value("all"); ok {
			return all(c)
		}
		name, ok := c.Request.Value("name")
		if !ok {
			return daemon(c)
		}
		answer, err := all(c)
		if section := answer.Section("counters", name); section != nil {
			sections := new(vici.Message).AddSection(name, section)
			return new(vici.Message).AddSection("counters", sections).Add("success", "yes"), err
		}
		return unknown(c)
	}
}

// A recording is the whole answer to one command.
type recording struct {
	event  string
	events []*vici.Message
	answer *vici.Message
	err    error // of a daemon that does not know the command
}

// readRecording reads an answer as it went over the wire: confirmations of registrations, events, answer.
func readRecording(t *testing.T, version, name string) *recording {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "vici", "testdata", "captures", version, "commands", name+".bin"))
	require.NoError(t, err)
	packets := vici.NewPacketReader(bytes.NewReader(data), 0)
	r := new(recording)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		require.NoError(t, err)
		switch p.Type {
		case vici.EventPacket:
			r.event = string(p.Name)
			r.events = append(r.events, parse(t, p.Body))
		case vici.CmdResponse:
			r.answer = parse(t, p.Body)
		case vici.CmdUnknown:
			r.err = vici.ErrUnknownCommand
		default:
			require.Contains(t, []vici.PacketType{vici.EventConfirm}, p.Type)
		}
	}
}

func parse(t *testing.T, body []byte) *vici.Message {
	t.Helper()
	m, err := vici.ParseMessage(body)
	require.NoError(t, err)
	return m
}

// play returns a command that answers as recorded, with those events that fit the request.
func (r *recording) play(fits func(request, event *vici.Message) bool) vicitest.Command {
	return func(c *vicitest.Call) (*vici.Message, error) {
		for _, event := range r.events {
			if fits != nil && !fits(c.Request, event) {
				continue
			}
			if err := c.EventMessage(r.event, event); err != nil {
				return nil, err
			}
		}
		return r.answer, r.err
	}
}
