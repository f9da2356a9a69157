// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// captureVersions are the daemons that were recorded.
func captureVersions() []string { return []string{"5.9.8", "6.0.6"} }

// A capture is what a real daemon sent: the bytes, and what strongSwan's own client made of them.
type capture struct {
	raw     []byte
	packets []vici.Packet
	Request []capturedPacket `json:"request"`
	Reply   []capturedPacket `json:"reply"`
}

type capturedPacket struct {
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Message map[string]any `json:"message"`
}

// loadCapture reads a recording by its path without the ending.
func loadCapture(tb testing.TB, path string) *capture {
	tb.Helper()
	var c capture
	var err error
	c.raw, err = os.ReadFile(path + ".bin")
	require.NoError(tb, err)
	text, err := os.ReadFile(path + ".json")
	require.NoError(tb, err)
	if strings.HasPrefix(string(text), "[") { // events only
		require.NoError(tb, json.Unmarshal(text, &c.Reply), path)
	} else {
		require.NoError(tb, json.Unmarshal(text, &c), path)
	}
	r := vici.NewPacketReader(bytes.NewReader(c.raw), 0)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(tb, err, path)
		c.packets = append(c.packets, vici.Packet{Type: p.Type, Name: bytes.Clone(p.Name), Body: bytes.Clone(p.Body)})
	}
	require.Len(tb, c.packets, len(c.Reply), path)
	return &c
}

// requestMessage returns the request that was recorded for a command.
func (c *capture) requestMessage(tb testing.TB, command string) map[string]any {
	tb.Helper()
	for _, p := range c.Request {
		if p.Type == vici.CmdRequest.String() {
			require.Equal(tb, command, p.Name)
			return p.Message
		}
	}
	require.Fail(tb, "the recording has no request")
	return nil
}

// messages returns what was recorded of packets of one type.
func (c *capture) messages(t vici.PacketType) []map[string]any {
	var list []map[string]any
	for _, p := range c.Reply {
		if p.Type == t.String() {
			list = append(list, p.Message)
		}
	}
	return list
}

// replay answers a command with what was recorded.
func (c *capture) replay(call *vicitest.Call) (*vici.Message, error) {
	answer := new(vici.Message)
	for _, p := range c.packets {
		switch p.Type {
		case vici.EventPacket:
			segment, err := vici.AppendPacket(nil, p.Type, string(p.Name), p.Body)
			if err != nil {
				return nil, err
			}
			if err := call.Raw(segment); err != nil {
				return nil, err
			}
		case vici.CmdUnknown:
			return nil, vici.ErrUnknownCommand
		case vici.CmdResponse:
			if err := answer.UnmarshalBinary(p.Body); err != nil {
				return nil, err
			}
		default:
		}
	}
	return answer, nil
}

// eachCapture runs a test for every recording there is.
func eachCapture(t *testing.T, pattern string, test func(t *testing.T, c *capture)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "captures", pattern+".bin"))
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	for _, file := range files {
		path := strings.TrimSuffix(file, ".bin")
		name, err := filepath.Rel(filepath.Join("testdata", "captures"), path)
		require.NoError(t, err)
		t.Run(filepath.ToSlash(name), func(t *testing.T) { test(t, loadCapture(t, path)) })
	}
}

// textAsJSON gives a text the form of the recordings.
func textAsJSON(text string) any {
	if utf8.ValidString(text) {
		return text
	}
	return map[string]any{"hex": hex.EncodeToString([]byte(text))}
}

func textsAsJSON(items []string) []any {
	list := make([]any, len(items))
	for i := range items {
		list[i] = textAsJSON(items[i])
	}
	return list
}

// TestCapturesGeneric decodes every recorded packet to what strongSwan's client
// read, and encodes it to the same bytes again.
func TestCapturesGeneric(t *testing.T) {
	eachCapture(t, "*/*/*", func(t *testing.T, c *capture) {
		t.Helper()
		var encoded []byte
		for i, p := range c.packets {
			m, err := vici.ParseMessage(p.Body)
			require.NoError(t, err)
			require.Equal(t, c.Reply[i].Type, p.Type.String())
			require.Equal(t, c.Reply[i].Name, string(p.Name))
			require.Equal(t, c.Reply[i].Message, asJSON(m))
			body, err := m.MarshalBinary()
			require.NoError(t, err)
			encoded, err = vici.AppendPacket(encoded, p.Type, string(p.Name), body)
			require.NoError(t, err)
		}
		require.Equal(t, c.raw, encoded)
	})
}

// A capturedCommand says how a recorded command is called typed.
type capturedCommand struct {
	command string
	event   string // that streams the answer, if any
	typed   func(ctx context.Context, s *vici.Session) ([]flat, error)
}

// capturedCommands holds, by the file's name, every command that was recorded.
func capturedCommands() map[string]capturedCommand {
	sas := func(r vici.ListSAsRequest) capturedCommand {
		return streamed("list-sas", "list-sa", func(ctx context.Context, s *vici.Session) ([]flat, error) {
			var all []flat
			for sa, err := range s.ListSAs(ctx, r) {
				if err != nil {
					return nil, err
				}
				all = append(all, flattenSA(sa))
			}
			return all, nil
		})
	}
	return map[string]capturedCommand{
		"version": called("version", func(ctx context.Context, s *vici.Session) (flat, error) {
			v, err := s.Version(ctx)
			return flatten(v), err
		}),
		"stats": called("stats", func(ctx context.Context, s *vici.Session) (flat, error) {
			v, err := s.Stats(ctx)
			return flatten(v), err
		}),
		"get-algorithms": called("get-algorithms", func(ctx context.Context, s *vici.Session) (flat, error) {
			v, err := s.Algorithms(ctx)
			return flatten(v), err
		}),
		"get-conns":            called("get-conns", names("conns", (*vici.Session).ConnNames)),
		"get-authorities":      called("get-authorities", names("authorities", (*vici.Session).AuthorityNames)),
		"get-keys":             called("get-keys", names("keys", (*vici.Session).KeyIDs)),
		"get-shared":           called("get-shared", names("keys", (*vici.Session).SharedIDs)),
		"get-pools":            called("get-pools", pools(vici.PoolsRequest{})),
		"get-pools-leases":     called("get-pools", pools(vici.PoolsRequest{Leases: true})),
		"get-counters":         called("get-counters", counters(vici.CountersRequest{})),
		"get-counters-all":     called("get-counters", counters(vici.CountersRequest{All: true})),
		"list-sas":             sas(vici.ListSAsRequest{}),
		"list-sas-noblock":     sas(vici.ListSAsRequest{NoBlock: true}),
		"list-conns":           conns(),
		"list-policies":        policies(vici.ListPoliciesRequest{Trap: true, Drop: true, Pass: true}),
		"list-policies-none":   policies(vici.ListPoliciesRequest{}),
		"list-certs":           certs(vici.ListCertsRequest{}),
		"list-certs-x509-ca":   certs(vici.ListCertsRequest{Type: vici.CertX509, Flag: vici.CertFlagCA}),
		"list-authorities":     authorities(),
		"initiate-control-log": initiation(),
	}
}

func called(command string, call func(context.Context, *vici.Session) (flat, error)) capturedCommand {
	return capturedCommand{command: command, typed: func(ctx context.Context, s *vici.Session) ([]flat, error) {
		f, err := call(ctx, s)
		return []flat{f}, err
	}}
}

func streamed(command, event string, typed func(context.Context, *vici.Session) ([]flat, error)) capturedCommand {
	return capturedCommand{command: command, event: event, typed: typed}
}

func names(
	list string, call func(*vici.Session, context.Context) ([]string, error),
) func(context.Context, *vici.Session) (flat, error) {
	return func(ctx context.Context, s *vici.Session) (flat, error) {
		all, err := call(s, ctx)
		f := make(flat)
		f.putList("/"+list, all)
		return f, err
	}
}

func pools(r vici.PoolsRequest) func(context.Context, *vici.Session) (flat, error) {
	return func(ctx context.Context, s *vici.Session) (flat, error) {
		all, err := s.Pools(ctx, r)
		return flattenNamed(all...), err
	}
}

func counters(r vici.CountersRequest) func(context.Context, *vici.Session) (flat, error) {
	return func(ctx context.Context, s *vici.Session) (flat, error) {
		all, err := s.Counters(ctx, r)
		f := flat{"/success": "yes"}
		for path, text := range flattenNamed(all...) {
			f["/counters"+path] = text
		}
		return f, err
	}
}

func conns() capturedCommand {
	return streamed("list-conns", "list-conn", func(ctx context.Context, s *vici.Session) ([]flat, error) {
		var all []flat
		for conn, err := range s.ListConns(ctx, vici.ListConnsRequest{}) {
			if err != nil {
				return nil, err
			}
			all = append(all, flattenNamed(*conn))
		}
		return all, nil
	})
}

func policies(r vici.ListPoliciesRequest) capturedCommand {
	return streamed("list-policies", "list-policy", func(ctx context.Context, s *vici.Session) ([]flat, error) {
		var all []flat
		for policy, err := range s.ListPolicies(ctx, r) {
			if err != nil {
				return nil, err
			}
			all = append(all, flattenNamed(*policy))
		}
		return all, nil
	})
}

func certs(r vici.ListCertsRequest) capturedCommand {
	return streamed("list-certs", "list-cert", func(ctx context.Context, s *vici.Session) ([]flat, error) {
		var all []flat
		for cert, err := range s.ListCerts(ctx, r) {
			if err != nil {
				return nil, err
			}
			all = append(all, flatten(cert))
		}
		return all, nil
	})
}

func authorities() capturedCommand {
	return streamed("list-authorities", "list-authority", func(ctx context.Context, s *vici.Session) ([]flat, error) {
		var all []flat
		for authority, err := range s.ListAuthorities(ctx, vici.ListAuthoritiesRequest{}) {
			if err != nil {
				return nil, err
			}
			all = append(all, flattenNamed(*authority))
		}
		return all, nil
	})
}

func initiation() capturedCommand {
	return streamed("initiate", "control-log", func(ctx context.Context, s *vici.Session) ([]flat, error) {
		var all []flat
		err := s.Initiate(ctx, vici.InitiateRequest{Child: "net-net"}, func(entry *vici.ControlLog) {
			all = append(all, flattenEvent(entry))
		})
		return all, err
	})
}

// replayed returns a session with a server that answers one command with a recording, and a trace that
// fails the test when the session leaves anything out.
func replayed(t *testing.T, c *capture, command, event string) (*vicitest.Server, *vici.Session) {
	t.Helper()
	server := vicitest.NewUnstartedServer(&vicitest.Mux{
		Commands: map[string]vicitest.Command{command: c.replay},
		Events:   []string{event},
	})
	t.Cleanup(server.Close)
	dialer := vici.Dialer{DialContext: server.Dial, Trace: &vici.Trace{
		Rejected:   func(field, value string) { require.Fail(t, "rejected", "%s = %q", field, value) },
		Unexpected: func(event string) { require.Fail(t, "unexpected", event) },
	}}
	s, err := dialer.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return server, s
}

// TestCapturesTyped calls every recorded command: the typed request is what
// strongSwan's client sent, and the typed answer has all that it read, and no more.
func TestCapturesTyped(t *testing.T) {
	for _, version := range captureVersions() {
		for file, command := range capturedCommands() {
			t.Run(version+"/"+file, func(t *testing.T) {
				c := loadCapture(t, filepath.Join("testdata", "captures", version, "commands", file))
				testCaptureTyped(t, c, command)
			})
		}
	}
}

func testCaptureTyped(t *testing.T, c *capture, command capturedCommand) {
	t.Helper()
	server, s := replayed(t, c, command.command, command.event)
	got, err := command.typed(t.Context(), s)
	require.NoError(t, err)
	answers := c.messages(vici.CmdResponse)
	if command.event != "" {
		answers = c.messages(vici.EventPacket)
	}
	var want []flat
	for _, answer := range answers {
		f := flattenJSON(answer)
		renameKeyExchange(f)
		want = append(want, f)
	}
	require.Equal(t, want, got)
	if len(c.Request) > 0 { // it was recorded
		requests := server.Requests(command.command)
		require.Len(t, requests, 1)
		require.Equal(t, c.requestMessage(t, command.command), asJSON(requests[0]))
	}
}

// renameKeyExchange gives a section of get-algorithms the name that it has since 6.0.0.
func renameKeyExchange(f flat) {
	for path, text := range f {
		if name, ok := strings.CutPrefix(path, "/dh/"); ok {
			delete(f, path)
			f["/ke/"+name] = text
		}
	}
}

// TestCapturesListSAs decodes the listings of all situations.
func TestCapturesListSAs(t *testing.T) {
	eachCapture(t, "*/list-sas/*", func(t *testing.T, c *capture) {
		t.Helper()
		testCaptureTyped(t, c, capturedCommands()["list-sas"])
	})
}

// TestCapturesRefused shows how the refusals of real daemons arrive.
func TestCapturesRefused(t *testing.T) {
	for _, version := range captureVersions() {
		dir := filepath.Join("testdata", "captures", version, "commands")

		_, s := replayed(t, loadCapture(t, filepath.Join(dir, "get-counters-unknown")), "get-counters", "")
		all, err := s.Counters(t.Context(), vici.CountersRequest{Name: vici.Some("no-such-connection")})
		var refused *vici.CommandError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "get-counters", refused.Command)
		require.NotEmpty(t, refused.Message)
		require.Empty(t, all)

		_, s = replayed(t, loadCapture(t, filepath.Join(dir, "unknown-command")), "version", "")
		_, err = s.Version(t.Context())
		require.ErrorIs(t, err, vici.ErrUnknownCommand)
	}
}

// TestCapturesEvents decodes every recorded event, with memory of its own and with reused memory.
func TestCapturesEvents(t *testing.T) {
	var reused vici.EventDecoder
	eachCapture(t, "*/events/*", func(t *testing.T, c *capture) {
		t.Helper()
		for i, p := range c.packets {
			if p.Type != vici.EventPacket {
				require.Equal(t, vici.EventUnknown, p.Type)
				continue
			}
			event := vici.Event{Name: string(p.Name), Body: p.Body}
			want := flattenJSON(c.Reply[i].Message)
			body, err := event.Decode()
			require.NoError(t, err)
			require.Equal(t, want, flattenEvent(body))
			body, err = reused.Decode(event)
			require.NoError(t, err)
			require.Equal(t, want, flattenEvent(body))
		}
	})
}
