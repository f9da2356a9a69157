// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "fmt"

// Decode returns what the event says. It does not refer to the event and may be kept; an [EventDecoder] does with
// less memory where that is not needed.
//
// A value that cannot be read is left out and told to [Trace.Rejected]; it does not lose the event. An event without
// the SA that it is about gives an error that matches [ErrMalformed]; like every error of Decode it names the event.
func (e Event) Decode() (EventBody, error) {
	var d EventDecoder // without words: they are for many events
	return d.decode(e)
}

// An EventDecoder decodes one event after another into the same memory, for loops that see thousands per second:
//
//	var d vici.EventDecoder
//	for event, err := range events.All(ctx) {
//		if err != nil { … }
//		body, err := d.Decode(event)
//		if err != nil { … }
//		switch e := body.(type) {
//		case *vici.IKEUpDown:
//			…
//		case *vici.ChildUpDown:
//			…
//		}
//	}
//
// The zero value is ready for use. It is not safe for concurrent use, and must not be copied when it was used.
type EventDecoder struct {
	log         *Log
	controlLog  *ControlLog
	ikeUpDown   *IKEUpDown
	ikeRekey    *IKERekey
	ikeUpdate   *IKEUpdate
	childUpDown *ChildUpDown
	childRekey  *ChildRekey
	alert       *Alert
	ikeSA       *IKESA
	reader      saDecoder
	words       *words
}

// Decode is [Event.Decode], except that what it returns is valid until the next call only. Strings in it may be kept.
func (d *EventDecoder) Decode(e Event) (EventBody, error) {
	if d.words == nil {
		d.words = new(words)
	}
	return d.decode(e)
}

func (d *EventDecoder) decode(e Event) (EventBody, error) {
	switch e.Name {
	case "log":
		return decodeEvent(d, e, reuse(&d.log))
	case "control-log":
		return decodeEvent(d, e, reuse(&d.controlLog))
	case "ike-updown":
		return decodeEvent(d, e, reuse(&d.ikeUpDown))
	case "ike-rekey":
		return decodeEvent(d, e, reuse(&d.ikeRekey))
	case "ike-update":
		return decodeEvent(d, e, reuse(&d.ikeUpdate))
	case "child-updown":
		return decodeEvent(d, e, reuse(&d.childUpDown))
	case "child-rekey":
		return decodeEvent(d, e, reuse(&d.childRekey))
	case "alert":
		return decodeEvent(d, e, reuse(&d.alert))
	case "list-sa":
		return decodeEvent(d, e, reuse(&d.ikeSA))
	}
	return decodeRare(e)
}

// reuse returns what p points to, made at the first use.
func reuse[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// eventError tells which event an error is about.
func eventError(name string, err error) error { return fmt.Errorf("event %s: %w", name, err) }

// named is what who decodes an event gets to see of an error.
func (e Event) named(err error) error { return fmt.Errorf("vici: %w", eventError(e.Name, err)) }

// An eventReader is an event body that an saDecoder fills.
type eventReader interface {
	EventBody
	read(d *saDecoder) error
}

func decodeEvent(d *EventDecoder, e Event, body eventReader) (EventBody, error) {
	d.reader = newSADecoder(e.Body, d.words, e.trace)
	if err := body.read(&d.reader); err != nil {
		return nil, e.named(err)
	}
	return body, nil
}

// decodeRare decodes events that no subscription gets in numbers.
func decodeRare(e Event) (EventBody, error) {
	m, err := e.Message()
	if err != nil {
		return nil, err
	}
	var body EventBody
	switch e.Name {
	case "list-policy":
		body = new(Policy)
		err = decodeSection(e.Name, m, body, e.trace)
	case "list-conn":
		body = new(Conn)
		err = decodeSection(e.Name, m, body, e.trace)
	case "list-authority":
		body = new(Authority)
		err = decodeSection(e.Name, m, body, e.trace)
	case "list-cert":
		body = new(Cert)
		err = lenient(e.trace).Unmarshal(m, body)
	default:
		body = &UnknownEvent{Name: e.Name, Message: m}
	}
	if err != nil {
		return nil, e.named(err)
	}
	return body, nil
}
