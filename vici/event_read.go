// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// sa reads the IKE_SA section that was just opened, unless there was one before.
func (d *saDecoder) sa(ike *IKESA, found *bool) {
	if *found {
		d.Skip()
		return
	}
	*found = true
	d.ikeSA(ike, d.nameText())
}

// end returns the error of an event that was read to its end; missing tells what it lacks where that was not found.
func (d *saDecoder) end(found bool, missing string) error {
	if d.err == nil && !found {
		return malformed(len(d.data), missing)
	}
	return d.err
}

// upDown reads the events ike-updown and child-updown. A connection may be called "up", so that a section of that
// name stands beside the key.
func (d *saDecoder) upDown(up *bool, ike *IKESA) (found bool) {
	*up = false
	for d.Next() {
		switch {
		case d.kind == SectionStart:
			d.sa(ike, &found)
		case d.kind == KeyValue && string(d.name) == "up":
			d.flag(up)
		default:
			d.Skip()
		}
	}
	return found
}

func (e *IKEUpDown) read(d *saDecoder) error {
	return d.end(d.upDown(&e.Up, &e.IKE), "ike-updown without an IKE_SA")
}

func (e *ChildUpDown) read(d *saDecoder) error {
	found := d.upDown(&e.Up, &e.IKE)
	return d.end(found && len(e.IKE.Children) > 0, "child-updown without a CHILD_SA")
}

func (e *IKEUpdate) read(d *saDecoder) error {
	*e = IKEUpdate{IKE: e.IKE}
	found := false
	for d.Next() {
		switch d.kind {
		case SectionStart:
			d.sa(&e.IKE, &found)
		case KeyValue:
			e.key(d)
		default:
			d.Skip()
		}
	}
	return d.end(found, "ike-update without an IKE_SA")
}

func (e *IKEUpdate) key(d *saDecoder) {
	switch string(d.name) {
	case "local-host":
		d.string(&e.LocalHost)
	case "local-port":
		number(d, &e.LocalPort)
	case "remote-host":
		d.string(&e.RemoteHost)
	case "remote-port":
		number(d, &e.RemotePort)
	}
}

func (e *Alert) read(d *saDecoder) error {
	e.Type, e.IKE = "", nil
	for d.Next() {
		switch {
		case d.kind == KeyValue && string(d.name) == "type":
			d.string(&e.Type)
		case d.kind == SectionStart && string(d.name) == "ike-sa" && e.IKE == nil:
			e.readIKE(d)
		default:
			d.Skip()
		}
	}
	return d.err
}

// readIKE reads the section ike-sa that was just opened: it holds an IKE_SA.
func (e *Alert) readIKE(d *saDecoder) {
	found := false
	for d.Next() && d.kind != SectionEnd {
		if d.kind == SectionStart {
			d.sa(&e.buf, &found)
		} else {
			d.Skip()
		}
	}
	if found {
		e.IKE = &e.buf
	}
}

// An oldNew notes which sections of a rekey event were found.
type oldNew struct{ old, new bool }

func (o *oldNew) both() bool { return o.old && o.new }

// rekeyed reads the section that was just opened up to its end: old and new say what reads the sections of these
// names.
func (d *saDecoder) rekeyed(found *oldNew, readOld, readNew func()) {
	for d.Next() && d.kind != SectionEnd {
		switch {
		case d.kind == SectionStart && string(d.name) == "old" && !found.old:
			found.old = true
			readOld()
		case d.kind == SectionStart && string(d.name) == "new" && !found.new:
			found.new = true
			readNew()
		default:
			d.Skip()
		}
	}
}

func (e *IKERekey) read(d *saDecoder) error {
	var found oldNew
	for d.Next() {
		if d.kind != SectionStart || found.old || found.new {
			d.Skip()
			continue
		}
		name := d.nameText()
		d.rekeyed(&found, func() { d.ikeSA(&e.Old, name) }, func() { d.ikeSA(&e.New, name) })
	}
	return d.end(found.both(), "ike-rekey without the old and the new IKE_SA")
}

func (e *ChildRekey) read(d *saDecoder) error {
	var found oldNew
	d.children = func(*IKESA) { e.readChildren(d, &found) }
	foundIKE := false
	for d.Next() {
		if d.kind == SectionStart {
			d.sa(&e.IKE, &foundIKE)
		} else {
			d.Skip()
		}
	}
	return d.end(found.both(), "child-rekey without the old and the new CHILD_SA")
}

// readChildren reads the section child-sas, which holds one section of the child's name with the old and the new
// CHILD_SA.
func (e *ChildRekey) readChildren(d *saDecoder, found *oldNew) {
	for d.Next() && d.kind != SectionEnd {
		if d.kind != SectionStart || found.old || found.new {
			d.Skip()
			continue
		}
		name := d.nameText()
		d.rekeyed(found,
			func() { d.childSA(e.Old.reset(name)) },
			func() { d.childSA(e.New.reset(name)) })
	}
}

func (l *Log) read(d *saDecoder) error {
	*l = Log{}
	for d.Next() {
		switch {
		case d.kind == KeyValue && string(d.name) == "thread":
			number(d, &l.Thread)
		case d.kind == KeyValue:
			l.key(d)
		default:
			d.Skip()
		}
	}
	return d.err
}

func (l *ControlLog) read(d *saDecoder) error {
	*l = ControlLog{}
	for d.Next() {
		if d.kind == KeyValue {
			l.key(d)
		} else {
			d.Skip()
		}
	}
	return d.err
}

func (l *LogEntry) key(d *saDecoder) {
	switch string(d.name) {
	case "group":
		d.string(&l.Group)
	case "level":
		number(d, &l.Level)
	case "ikesa-name":
		d.string(&l.IKEName)
	case "ikesa-uniqueid":
		number(d, &l.IKEID)
	case "msg":
		d.string(&l.Message)
	}
}
