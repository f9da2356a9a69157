// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// An announcement is of a rekeying that begins: of which IKE_SA, and of which of its children.
type announcement struct {
	ike   uint32 // unique id
	child string // the daemon's name for the configuration
}

// Announcements finds announcements in a daemon's log. No event tells that a rekeying begins; for one that a volume or a person
// causes, and no timer, the log is the only source. It names the child in one line and that this is a rekeying in a later one:
//
//	establishing CHILD_SA net-net{4} reqid 2
//	generating CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]
type announcements struct {
	decoder vici.EventDecoder
	names   map[uint32]string // of the child that an IKE_SA establishes
}

// maxEstablishing bounds the memory for what was begun and may never be heard of again.
const maxEstablishing = 1000

const (
	establishingChild = "establishing CHILD_SA "
	createChild       = "generating CREATE_CHILD_SA request "
	rekeySA           = "N(REKEY_SA)"
)

// take takes an event log and returns what it announces, if it does.
func (a *announcements) take(e vici.Event) (found announcement, ok bool) {
	if !bytes.Contains(e.Body, []byte(establishingChild)) && !bytes.Contains(e.Body, []byte(rekeySA)) {
		return found, false // which nearly all lines are
	}
	body, err := a.decoder.Decode(e)
	line, ok := body.(*vici.Log)
	if err != nil || !ok {
		return found, false
	}
	ike, known := line.IKEID.Get()
	if rest, ok := strings.CutPrefix(line.Message, establishingChild); ok && known {
		a.establishing(ike, rest)
		return found, false
	}
	if !strings.HasPrefix(line.Message, createChild) || !strings.Contains(line.Message, rekeySA) {
		return found, false
	}
	found = announcement{ike, a.names[ike]}
	delete(a.names, ike)
	return found, found.child != ""
}

// establishing takes what follows in the line: "NAME{4} reqid 2", where a name may have any characters.
func (a *announcements) establishing(ike uint32, rest string) {
	end := strings.LastIndex(rest, "{")
	if end <= 0 {
		return
	}
	if a.names == nil || len(a.names) >= maxEstablishing {
		a.names = make(map[uint32]string)
	}
	a.names[ike] = strings.Clone(rest[:end])
}

// A line of its log costs the daemon up to a quarter of a millisecond for each subscriber (measured with strongSwan 5.9.8, a
// tenth with 6.1.0), so a log that is longer than this is left alone for some time: it takes no more than a fortieth of one
// processor.
const (
	linesPerSecond = 100
	linesAtOnce    = 1000
	logRest        = 10 * time.Minute
)

// An allowance is how much may still come: so much at once, and so much per second.
type allowance struct {
	perSecond, most float64
	left            float64
	at              time.Time
}

// spend takes one and reports whether there was one left.
func (a *allowance) spend(now time.Time) bool {
	if a.at.IsZero() {
		a.left, a.at = a.most, now
	}
	a.left = min(a.most, a.left+a.perSecond*max(0, now.Sub(a.at).Seconds()))
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// listen reads the daemon's log until the context ends, whenever there are looks that can make use of it.
func (l *looks) listen(ctx context.Context) {
	if !l.schedule.config.Log {
		return
	}
	level := slog.LevelInfo
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.schedule.allowed:
		}
		if tooLong := l.subscribe(ctx); !tooLong {
			continue
		}
		l.gateway.log.Log(ctx, level, "The daemon's log is too long to look for announcements of rekeyings in it",
			"lines_per_second", linesPerSecond, "again_in", logRest)
		level = slog.LevelDebug // it has been said
		select {
		case <-ctx.Done():
			return
		case <-time.After(logRest):
		}
	}
}

// subscribe reads the log as long as there are looks. It reports whether it is too long to be read.
func (l *looks) subscribe(ctx context.Context) (tooLong bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := false
	l.gateway.locked(func() {
		if wanted = l.schedule.disallowed == ""; wanted {
			l.schedule.refuse = cancel
		}
	})
	if !wanted {
		return false
	}
	lines := allowance{perSecond: linesPerSecond, most: linesAtOnce}
	var found announcements
	w := l.gateway.subscription("log")
	w.OnConnect = func(context.Context, []string) error {
		l.hears(true)
		return nil
	}
	w.OnDisconnect = func(error, time.Duration) { l.hears(false) }
	w.OnEvent = func(e vici.Event) {
		now := l.gateway.now()
		if !lines.spend(now) {
			tooLong = true
			cancel()
		}
		if a, ok := found.take(e); ok {
			l.gateway.locked(func() { l.schedule.announce(a, now) })
		}
	}
	_ = w.Run(ctx) // it ends with the context
	l.hears(false)
	return tooLong
}

// hears takes note of whether the log is read.
func (l *looks) hears(listening bool) {
	l.gateway.locked(func() { l.listening = listening })
}
