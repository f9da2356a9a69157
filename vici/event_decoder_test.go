// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// keyed returns a section with some keys and their values.
func keyed(keysAndValues ...string) *vici.Message {
	m := new(vici.Message)
	for i := 0; i < len(keysAndValues); i += 2 {
		m.Add(keysAndValues[i], keysAndValues[i+1])
	}
	return m
}

// decode decodes an event with that message.
func decode(t *testing.T, name string, m *vici.Message) (vici.EventBody, error) {
	t.Helper()
	body, err := m.MarshalBinary()
	require.NoError(t, err)
	return vici.Event{Name: name, Body: body}.Decode()
}

// TestEventNamesLikeKeys gives connections and children the names of keys and sections beside
// which they stand.
func TestEventNamesLikeKeys(t *testing.T) {
	body, err := decode(t, "ike-updown", new(vici.Message).
		AddSection("up", keyed("uniqueid", "7", "state", "ESTABLISHED")).Add("up", "yes"))
	require.NoError(t, err)
	up := body.(*vici.IKEUpDown)
	require.True(t, up.Up)
	require.Equal(t, "up", up.IKE.Name)
	require.Equal(t, "ESTABLISHED", up.IKE.State)

	body, err = decode(t, "ike-updown", new(vici.Message).AddSection("up", keyed("uniqueid", "7")))
	require.NoError(t, err)
	require.False(t, body.(*vici.IKEUpDown).Up, "the section is not the key")

	body, err = decode(t, "ike-update", keyed("local-host", "192.0.2.1", "local-port", "4500").
		AddSection("local-host", keyed("local-host", "192.0.2.9")))
	require.NoError(t, err)
	update := body.(*vici.IKEUpdate)
	require.Equal(t, "192.0.2.1", update.LocalHost)
	require.Equal(t, vici.Some[uint16](4500), update.LocalPort)
	require.Equal(t, "local-host", update.IKE.Name)
	require.Equal(t, "192.0.2.9", update.IKE.LocalHost)

	oldNew := new(vici.Message).AddSection("old", keyed("uniqueid", "1")).AddSection("new", keyed("uniqueid", "2"))
	body, err = decode(t, "ike-rekey", new(vici.Message).AddSection("new", oldNew))
	require.NoError(t, err)
	rekey := body.(*vici.IKERekey)
	require.Equal(t, "new", rekey.Old.Name)
	require.Equal(t, vici.Some[uint32](1), rekey.Old.UniqueID)
	require.Equal(t, "new", rekey.New.Name)
	require.Equal(t, vici.Some[uint32](2), rekey.New.UniqueID)

	body, err = decode(t, "child-rekey", new(vici.Message).AddSection("child-sas",
		keyed("uniqueid", "5").AddSection("child-sas", new(vici.Message).AddSection("old", oldNew))))
	require.NoError(t, err)
	child := body.(*vici.ChildRekey)
	require.Equal(t, "child-sas", child.IKE.Name)
	require.Equal(t, vici.Some[uint32](5), child.IKE.UniqueID)
	require.Equal(t, "old", child.Old.Name)
	require.Equal(t, vici.Some[uint32](1), child.Old.UniqueID)
	require.Equal(t, vici.Some[uint32](2), child.New.UniqueID)

	body, err = decode(t, "alert", keyed("type", "unique-keep").
		AddSection("type", keyed()).
		AddSection("ike-sa", new(vici.Message).AddSection("ike-sa", keyed("uniqueid", "3"))))
	require.NoError(t, err)
	alert := body.(*vici.Alert)
	require.Equal(t, "unique-keep", alert.Type)
	require.Equal(t, "ike-sa", alert.IKE.Name)
	require.Equal(t, vici.Some[uint32](3), alert.IKE.UniqueID)
}

// TestEventOldDaemons decodes what daemons sent before they had all keys.
func TestEventOldDaemons(t *testing.T) {
	body, err := decode(t, "child-updown", new(vici.Message).AddSection("gw", keyed("uniqueid", "1").
		AddSection("child-sas", new(vici.Message).AddSection("net", keyed("reqid", "9")))))
	require.NoError(t, err)
	down := body.(*vici.ChildUpDown)
	require.False(t, down.Up)
	require.Equal(t, "net", down.Child().Name, "before 5.5.2 the section's name is all there is")
	require.Equal(t, vici.Some[uint32](9), down.Child().ReqID)
	require.False(t, down.Child().UniqueID.Present())
}

// TestEventMissingParts decodes events that lack what they are about.
func TestEventMissingParts(t *testing.T) {
	ike := func(children ...string) *vici.Message {
		sas := new(vici.Message)
		for _, child := range children {
			sas.AddSection(child, keyed("uniqueid", "1"))
		}
		return new(vici.Message).AddSection("gw", keyed("uniqueid", "1").AddSection("child-sas", sas))
	}
	halfRekeyed := new(vici.Message).AddSection("gw", new(vici.Message).AddSection("old", keyed("uniqueid", "1")))
	for name, m := range map[string]*vici.Message{
		"ike-updown":   keyed("up", "yes"),
		"ike-rekey":    halfRekeyed,
		"ike-update":   keyed("local-host", "192.0.2.1"),
		"child-updown": ike(),
		"child-rekey":  ike("net"),
		"list-sa":      keyed("gw", "a key"),
		"list-conn":    keyed("gw", "a key"),
		"list-policy":  keyed(),
	} {
		_, err := decode(t, name, m)
		require.ErrorIs(t, err, vici.ErrMalformed, name)
		require.ErrorContains(t, err, "vici: event "+name+": malformed: "+name+" without")
	}
	body, err := decode(t, "alert", keyed("type", "radius-not-responding").AddSection("ike-sa", keyed()))
	require.NoError(t, err)
	require.Nil(t, body.(*vici.Alert).IKE, "an alert need not be about an IKE_SA")
	for _, e := range typedEvents() {
		event := vici.Event{Name: e.name, Body: []byte{byte(vici.SectionStart), 3, 'c', 'u'}}
		_, err := event.Decode()
		_, plain := event.Message()
		for _, err := range []error{err, plain} {
			require.ErrorIs(t, err, vici.ErrMalformed, e.name)
			require.EqualError(t, err, "vici: event "+e.name+": malformed: name of SECTION_START is cut off at byte 0")
		}
	}
}

// TestEventUnknown keeps what this package has no type for.
func TestEventUnknown(t *testing.T) {
	body, err := decode(t, "ike-teleport", keyed("to", "192.0.2.1"))
	require.NoError(t, err)
	unknown := body.(*vici.UnknownEvent)
	require.Equal(t, "ike-teleport", unknown.Name)
	require.Equal(t, "{to=192.0.2.1}", unknown.Message.String())
	_, err = vici.Event{Name: "ike-teleport", Body: []byte{9}}.Decode()
	require.ErrorIs(t, err, vici.ErrMalformed)
}

// TestEventUnknownParts skips keys, lists and sections of daemons to come.
func TestEventUnknownParts(t *testing.T) {
	more := func(m *vici.Message) *vici.Message {
		return m.Add("key", "1").AddList("list", "a").AddSection("section", keyed("uniqueid", "99").AddList("old"))
	}
	bare := func() *vici.Message { return more(keyed("uniqueid", "1")) }
	oldNew := more(new(vici.Message).AddSection("old", bare()).AddSection("new", bare()))
	children := func(child *vici.Message) *vici.Message {
		return bare().AddSection("child-sas", new(vici.Message).Add("key", "1").AddList("list").AddSection("net", child))
	}
	for name, m := range map[string]*vici.Message{
		"log":          keyed("msg", "hello"),
		"control-log":  keyed("msg", "hello"),
		"ike-updown":   new(vici.Message).AddSection("gw", bare()),
		"ike-rekey":    new(vici.Message).AddSection("gw", oldNew),
		"ike-update":   keyed("local-port", "1").AddSection("gw", bare()),
		"child-updown": new(vici.Message).AddSection("gw", children(bare())),
		"child-rekey":  new(vici.Message).AddSection("gw", children(oldNew)),
		"alert":        keyed("type", "ts-mismatch").AddSection("ike-sa", new(vici.Message).AddList("list").AddSection("gw", bare())),
	} {
		before, err := decode(t, name, m)
		require.NoError(t, err, name)
		after, err := decode(t, name, more(m))
		require.NoError(t, err, name)
		require.Equal(t, before, after, name)
	}
}

// TestEventRejectedValues tells the session's trace of values that cannot be read, and keeps the event.
func TestEventRejectedValues(t *testing.T) {
	server := vicitest.NewUnstartedServer(yesDaemon{})
	t.Cleanup(server.Close)
	rejected := make(map[string]string)
	dialer := vici.Dialer{DialContext: server.Dial, Trace: &vici.Trace{
		Rejected: func(field, value string) { rejected[field] = value },
	}}
	s, err := dialer.Dial(t.Context())
	require.NoError(t, err)
	events, err := s.Events(t.Context(), "child-updown", "list-conn")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, events.Close()) })
	server.BroadcastMessage("child-updown", keyed("up", "perhaps").
		AddSection("gw", keyed("uniqueid", "-1").
			AddSection("child-sas", new(vici.Message).AddSection("net-1", keyed("bytes-in", "many", "bytes-out", "7", "bytes-out", "8")))))
	server.BroadcastMessage("list-conn", new(vici.Message).AddSection("gw", keyed("dpd_delay", "often")))

	var bodies []vici.EventBody
	for event, err := range events.All(t.Context()) {
		require.NoError(t, err)
		body, err := event.Decode()
		require.NoError(t, err)
		if bodies = append(bodies, body); len(bodies) == 2 {
			break
		}
	}
	require.Equal(t, map[string]string{
		"up": "perhaps", "uniqueid": "-1", "bytes-in": "many", "bytes-out": "8", "dpd_delay": "often",
	}, rejected)
	updown := bodies[0].(*vici.ChildUpDown)
	require.False(t, updown.Up)
	require.False(t, updown.Child().BytesIn.Present())
	require.Equal(t, vici.Some[uint64](7), updown.Child().BytesOut, "of a duplicate the first counts")
	require.Equal(t, vici.Opt[time.Duration]{}, bodies[1].(*vici.Conn).DPDDelay)
}

// TestEventDecoderReuse shows that what the last event had does not show in the next.
func TestEventDecoderReuse(t *testing.T) {
	var d vici.EventDecoder
	next := func(name string, m *vici.Message) vici.EventBody {
		body, err := m.MarshalBinary()
		require.NoError(t, err)
		decoded, err := d.Decode(vici.Event{Name: name, Body: body})
		require.NoError(t, err)
		return decoded
	}
	next("ike-update", keyed("local-host", "192.0.2.1", "local-port", "1", "remote-host", "192.0.2.2", "remote-port", "2").
		AddSection("gw", keyed("state", "ESTABLISHED").AddList("tasks-active", "IKE_DPD")))
	got := next("ike-update", new(vici.Message).AddSection("gw2", keyed("uniqueid", "2"))).(*vici.IKEUpdate)
	require.Equal(t, flat{"/gw2/uniqueid": "2"}, flattenEvent(got))

	next("alert", keyed("type", "a").AddSection("ike-sa", new(vici.Message).AddSection("gw", keyed("uniqueid", "1"))))
	require.Equal(t, flat{"/type": "b"}, flattenEvent(next("alert", keyed("type", "b"))))

	next("log", keyed("group", "IKE", "level", "1", "thread", "3", "ikesa-name", "gw", "ikesa-uniqueid", "1", "msg", "hello"))
	require.Equal(t, flat{"/msg": "bye"}, flattenEvent(next("log", keyed("msg", "bye"))))

	next("ike-updown", keyed("up", "yes").AddSection("gw", keyed("uniqueid", "1")))
	require.Equal(t, flat{"/gw/uniqueid": "1"}, flattenEvent(next("ike-updown", new(vici.Message).AddSection("gw", keyed("uniqueid", "1")))))
}
