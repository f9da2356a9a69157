// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"strconv"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// RaiseIKEUpDown sends an ike-updown event with the IKE_SA as it is given. The life cycle methods raise
// their events themselves; this and the other Raise methods are for histories that they lack.
func (d *Daemon) RaiseIKEUpDown(sa *IKESA, up bool) {
	d.Broadcast("ike-updown", func(e *vici.Encoder) {
		d.upFlag(e, up)
		newSAWriter(e, d.dialect, d.now()).ikeSection(sa.Name, sa)
	})
}

// RaiseChildUpDown sends a child-updown event for one CHILD_SA of an IKE_SA.
func (d *Daemon) RaiseChildUpDown(sa *IKESA, child *ChildSA, up bool) {
	d.Broadcast("child-updown", func(e *vici.Encoder) {
		d.upFlag(e, up)
		w := newSAWriter(e, d.dialect, d.now())
		w.e.Section(sa.Name)
		w.ike(sa)
		w.e.Section("child-sas")
		if d.since(5, 8, 2) {
			w.childSection(child)
		} else {
			w.e.Section(child.Name)
		}
		w.child(child)
		w.e.EndSection()
		w.e.EndSection()
		w.e.EndSection()
	})
}

func (d *Daemon) upFlag(e *vici.Encoder, up bool) {
	if up && d.since(5, 3, 3) {
		e.KeyValue("up", "yes")
	}
}

// RaiseIKERekey sends an ike-rekey event.
func (d *Daemon) RaiseIKERekey(old, replacement *IKESA) {
	d.Broadcast("ike-rekey", func(e *vici.Encoder) {
		w := newSAWriter(e, d.dialect, d.now())
		w.e.Section(old.Name)
		w.ikeSection("old", old)
		w.ikeSection("new", replacement)
		w.e.EndSection()
	})
}

// RaiseChildRekey sends a child-rekey event.
func (d *Daemon) RaiseChildRekey(sa *IKESA, old, replacement *ChildSA) {
	d.Broadcast("child-rekey", func(e *vici.Encoder) {
		w := newSAWriter(e, d.dialect, d.now())
		w.e.Section(sa.Name)
		w.ike(sa)
		w.e.Section("child-sas")
		w.e.Section(old.Name)
		w.e.Section("old")
		w.child(old)
		w.e.EndSection()
		w.e.Section("new")
		w.child(replacement)
		w.e.EndSection()
		w.e.EndSection()
		w.e.EndSection()
		w.e.EndSection()
	})
}

// RaiseIKEUpdate sends an ike-update event: the coming endpoints beside the IKE_SA as it still is.
func (d *Daemon) RaiseIKEUpdate(sa *IKESA, local, remote Endpoint) {
	d.Broadcast("ike-update", func(e *vici.Encoder) {
		e.KeyValue("local-host", local.Host)
		e.KeyValue("local-port", strconv.Itoa(int(local.Port)))
		e.KeyValue("remote-host", remote.Host)
		e.KeyValue("remote-port", strconv.Itoa(int(remote.Port)))
		newSAWriter(e, d.dialect, d.now()).ikeSection(sa.Name, sa)
	})
}

// RaiseAlert sends an alert event, such as "peer-auth-failed". The IKE_SA may be nil. Generations
// before 6.0.3 have no such event; then nothing happens.
func (d *Daemon) RaiseAlert(kind string, sa *IKESA) {
	d.Broadcast("alert", func(e *vici.Encoder) {
		e.KeyValue("type", kind)
		if sa == nil {
			return
		}
		e.Section("ike-sa")
		newSAWriter(e, d.dialect, d.now()).ikeSection(sa.Name, sa)
		e.EndSection()
	})
}

// RaiseLog sends a log event. The IKE_SA may be nil. As with a real daemon only levels 0 and 1 go out.
func (d *Daemon) RaiseLog(group string, level int, sa *IKESA, message string) {
	if level > 1 {
		return
	}
	line := logLine{group: group, level: level, message: message}
	line.about(sa)
	d.Broadcast("log", func(e *vici.Encoder) { line.encode(e, "9") })
}

// A logLine is what a log or control-log event says.
type logLine struct {
	group   string
	level   int
	name    string // of the IKE_SA, if id is not 0
	id      uint32
	message string
}

func (l *logLine) about(sa *IKESA) {
	if sa != nil {
		l.name, l.id = sa.Name, sa.UniqueID
	}
}

// encode writes the event; control-log has no thread.
func (l *logLine) encode(e *vici.Encoder, thread string) {
	e.KeyValue("group", l.group)
	e.KeyValue("level", strconv.Itoa(l.level))
	if thread != "" {
		e.KeyValue("thread", thread)
	}
	if l.id != 0 {
		e.KeyValue("ikesa-name", l.name)
		e.KeyValue("ikesa-uniqueid", strconv.FormatUint(uint64(l.id), 10))
	}
	e.KeyValue("msg", l.message)
}

// log raises a log event and keeps the line for the command that is being
// executed, if it is one that streams control-log.
func (d *Daemon) log(group string, level int, sa *IKESA, message string) {
	d.RaiseLog(group, level, sa, message)
	if d.control != nil {
		line := logLine{group: group, level: level, message: message}
		line.about(sa)
		d.control.lines = append(d.control.lines, line)
	}
}
