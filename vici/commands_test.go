// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A yesDaemon has every command and event, and answers success=yes.
type yesDaemon struct{}

func (yesDaemon) Command(string) vicitest.Command {
	return vicitest.Answer(new(vici.Message).Add("success", "yes"))
}
func (yesDaemon) Event(string) bool { return true }

// yes returns a yesDaemon and a session with it.
func yes(t *testing.T) (*vicitest.Server, *vici.Session) {
	t.Helper()
	server := vicitest.NewUnstartedServer(yesDaemon{})
	t.Cleanup(server.Close)
	s, err := (&vici.Dialer{DialContext: server.Dial}).Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return server, s
}

// TestCommandsTyped calls the method of every command and looks at what it sends.
func TestCommandsTyped(t *testing.T) {
	server, s := yes(t)
	commands := typedCommands()
	require.Len(t, commands, 36)
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.call(t.Context(), s))
			requests := server.Requests(c.name)
			require.Len(t, requests, 1, "the method must send this command, once")
			require.Equal(t, c.request, requests[0].String())
		})
	}
	require.Len(t, server.Observe().Commands, 36)
	require.Empty(t, server.Observe().Registrations)
}

// TestCommandsUnknown asks a daemon that has none of the commands.
func TestCommandsUnknown(t *testing.T) {
	server := vicitest.NewUnstartedServer(&vicitest.Mux{Events: []string{
		"list-sa", "list-policy", "list-conn", "list-cert", "list-authority", "control-log",
	}})
	t.Cleanup(server.Close)
	s, err := (&vici.Dialer{DialContext: server.Dial}).Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for _, c := range typedCommands() {
		require.ErrorIs(t, c.call(t.Context(), s), vici.ErrUnknownCommand, c.name)
	}
	require.NoError(t, s.Err(), "a session survives what a daemon does not know")
}

// TestCommandsRefused asks a daemon that refuses everything.
func TestCommandsRefused(t *testing.T) {
	server, s := yes(t)
	for _, c := range typedCommands() {
		server.Fault(c.name, vicitest.Refuse("not today"))
		var refused *vici.CommandError
		require.ErrorAs(t, c.call(t.Context(), s), &refused, c.name)
		require.Equal(t, &vici.CommandError{Command: c.name, Message: "not today"}, refused)
	}
	require.NoError(t, s.Err(), "a session survives a refusal")
}

// TestCommandsCaptured holds that every command was recorded from both daemons, or says why not.
func TestCommandsCaptured(t *testing.T) {
	used := capturedCommands()
	for _, c := range typedCommands() {
		if c.capture == "" {
			require.NotEmpty(t, c.reason, "%s has neither a recording nor a reason", c.name)
			continue
		}
		require.Empty(t, c.reason, "%s has a recording", c.name)
		require.Equal(t, c.name, used[c.capture].command, "the recording is not tested")
		for _, version := range captureVersions() {
			_, err := os.Stat(filepath.Join("testdata", "captures", version, "commands", c.capture+".bin"))
			require.NoError(t, err)
		}
	}
}

// A typedEvent is an event of the protocol and the type that stands for it.
type typedEvent struct {
	name    string
	since   string
	body    vici.EventBody
	capture string // a recording
}

// typedEvents lists every event that daemons up to 6.1.0 have.
func typedEvents() []typedEvent {
	return []typedEvent{
		{"log", "5.2.0", &vici.Log{}, "events/log"},
		{"control-log", "5.2.0", &vici.ControlLog{}, "commands/initiate-control-log"},
		{"list-sa", "5.2.0", &vici.IKESA{}, "commands/list-sas"},
		{"list-policy", "5.2.0", &vici.Policy{}, "commands/list-policies"},
		{"list-conn", "5.2.0", &vici.Conn{}, "commands/list-conns"},
		{"list-cert", "5.2.0", &vici.Cert{}, "commands/list-certs"},
		{"list-authority", "5.3.3", &vici.Authority{}, "commands/list-authorities"},
		{"ike-updown", "5.3.1", &vici.IKEUpDown{}, "events/ike-updown-up"},
		{"ike-rekey", "5.3.3", &vici.IKERekey{}, "events/ike-rekey"},
		{"ike-update", "5.9.2", &vici.IKEUpdate{}, "events/ike-update"},
		{"child-updown", "5.3.1", &vici.ChildUpDown{}, "events/child-updown-up"},
		{"child-rekey", "5.3.3", &vici.ChildRekey{}, "events/child-rekey"},
		{"alert", "6.0.3", &vici.Alert{}, "events/alert"},
	}
}

// TestEventsTyped decodes a recording of every event; 5.9.8 has no alerts.
func TestEventsTyped(t *testing.T) {
	events := typedEvents()
	require.Len(t, events, 13)
	for _, e := range events {
		for _, version := range captureVersions() {
			if version < e.since {
				continue
			}
			t.Run(version+"/"+e.name, func(t *testing.T) {
				c := loadCapture(t, filepath.Join("testdata", "captures", version, filepath.FromSlash(e.capture)))
				i := slices.IndexFunc(c.packets, func(p vici.Packet) bool { return p.Type == vici.EventPacket })
				require.NotEqual(t, -1, i)
				require.Equal(t, e.name, string(c.packets[i].Name))
				body, err := vici.Event{Name: e.name, Body: c.packets[i].Body}.Decode()
				require.NoError(t, err)
				require.IsType(t, e.body, body)
				require.Equal(t, flattenJSON(c.Reply[i].Message), flattenEvent(body))
			})
		}
	}
}

// packageDoc parses the package's comments.
func packageDoc(t *testing.T) *doc.Package {
	t.Helper()
	fset := token.NewFileSet()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var parsed []*ast.File
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
			require.NoError(t, err)
			parsed = append(parsed, f)
		}
	}
	p, err := doc.NewFromFiles(fset, parsed, "github.com/strongswan-exporter/strongswan_exporter/vici")
	require.NoError(t, err)
	return p
}

// docTable returns the rows of the tables in the package comment, word by word, by their first word.
func docTable(p *doc.Package) map[string][]string {
	row := regexp.MustCompile(`(?m)^\t([a-z-]+) +([\w.]+) +([\d.]+)$`)
	rows := make(map[string][]string)
	for _, match := range row.FindAllStringSubmatch(p.Doc, -1) {
		rows[match[1]] = match[1:]
	}
	return rows
}

// oneLine takes the line breaks out of a comment.
func oneLine(comment string) string { return strings.Join(strings.Fields(comment), " ") }

// TestCommandsDocumented compares the package's documentation with the code: a row for each
// command and event, a method's comment that names its command, and no method that is not listed.
func TestCommandsDocumented(t *testing.T) {
	p := packageDoc(t)
	rows := docTable(p)
	comments := make(map[string]string)
	for _, typ := range p.Types {
		comments[typ.Name] = oneLine(typ.Doc)
		if typ.Name == "Session" {
			for _, m := range typ.Methods {
				comments["Session."+m.Name] = oneLine(m.Doc)
			}
		}
	}
	listed := make(map[string]bool)
	for _, c := range typedCommands() {
		require.Equal(t, []string{c.name, "Session." + c.method, c.since}, rows[c.name])
		require.Contains(t, comments["Session."+c.method], "(command "+c.name+", since "+c.since+")")
		listed[c.method] = true
	}
	for _, e := range typedEvents() {
		name := reflect.TypeOf(e.body).Elem().Name()
		require.Equal(t, []string{e.name, name, e.since}, rows[e.name])
		require.Contains(t, comments[name], "event "+e.name+" (since "+e.since+")")
	}
	require.Len(t, rows, 36+13)
	for _, general := range []string{"Call", "Stream", "StreamRaw", "Events", "Ping", "Close", "Err", "CountersOf"} {
		listed[general] = true
	}
	methods := make(map[string]bool)
	for m := range reflect.TypeFor[*vici.Session]().Methods() {
		methods[m.Name] = true
	}
	require.Equal(t, slices.Sorted(maps.Keys(methods)), slices.Sorted(maps.Keys(listed)))
}

// TestReuseDocumented compares what the package's documentation says about iterators and about memory that is used again with
// the methods.
func TestReuseDocumented(t *testing.T) {
	p := packageDoc(t)
	for m := range reflect.TypeFor[*vici.Session]().Methods() {
		if m.Type.NumOut() == 1 && m.Type.Out(0).CanSeq2() && !strings.HasPrefix(m.Name, "List") {
			require.Contains(t, p.Doc, "[Session."+m.Name+"]", "it returns an iterator")
		}
	}
	_, lifetime, found := strings.Cut(p.Doc, "# Concurrency and lifetime")
	require.True(t, found)
	lifetime, _, _ = strings.Cut(lifetime, "\n# ")
	for _, typ := range p.Types {
		for _, m := range typ.Methods {
			if strings.Contains(oneLine(m.Doc), "valid until the next") {
				require.Contains(t, lifetime, "["+typ.Name+"."+m.Name+"]", "it reuses memory")
			}
		}
	}
}
