// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"strconv"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A tape answers as a fake daemon did before, packet by packet, and costs nothing: so that what is measured is the collector.
type tape struct {
	daemon  fakeDaemon // of the recording
	answers map[string][]byte
	replay  bool
}

func newTape(daemon fakeDaemon) *tape { return &tape{daemon: daemon, answers: make(map[string][]byte)} }

// Dial connects to the daemon at first, and to the recording after rewind.
func (t *tape) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if t.replay {
		return &player{tape: t}, nil
	}
	conn, err := t.daemon.Dial(ctx, network, address)
	return &recorder{Conn: conn, tape: t}, err
}

// A recorder keeps what a daemon answers to each packet.
type recorder struct {
	net.Conn

	tape  *tape
	asked string
}

func (r *recorder) Write(packet []byte) (int, error) {
	r.asked = string(packet)
	r.tape.answers[r.asked] = nil
	return r.Conn.Write(packet)
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.tape.answers[r.asked] = append(r.tape.answers[r.asked], p[:n]...)
	return n, err
}

// A player is a connection to a recording.
type player struct {
	net.Conn // what a session does not use is missing

	tape *tape
	rest []byte
}

var errNotRecorded = errors.New("that request was not recorded")

func (p *player) Write(packet []byte) (int, error) {
	answer, ok := p.tape.answers[string(packet)]
	if !ok {
		return 0, errNotRecorded
	}
	p.rest = answer
	return len(packet), nil
}

func (p *player) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *player) Close() error                { return nil }
func (p *player) SetDeadline(time.Time) error { return nil }

// A load is a population of IKE_SAs with a CHILD_SA each, spread over its connections.
type load struct{ sas, connections int }

// newLoad returns a daemon with a load.
func newLoad(c load) *vicitest.Daemon {
	d := vicitest.NewUnstartedDaemon(vicitest.Config{Population: c, Location: time.UTC})
	for i := range c.connections {
		d.Load(site(c.connection(i)))
	}
	return d
}

func (c load) connection(i int) string { return "gw-" + strconv.Itoa(i%c.connections) }

func (c load) Counts() (total, halfOpen int) { return c.sas, 0 }

func (c load) IKESAs(now time.Time) iter.Seq[*vicitest.IKESA] {
	return func(yield func(*vicitest.IKESA) bool) {
		for i := range c.sas {
			if !yield(c.sa(i, now)) {
				return
			}
		}
	}
}

func (c load) sa(i int, now time.Time) *vicitest.IKESA {
	began := now.Add(-time.Duration(i%600) * time.Second)
	carried := vicitest.Traffic{Bytes: uint64(1000 * i), Packets: uint64(i), Last: now}
	return &vicitest.IKESA{
		Name: c.connection(i), UniqueID: uint32(i + 1), Version: 2, State: vicitest.IKEEstablished,
		Local:        vicitest.Endpoint{Host: "192.0.2.1", Port: 4500, ID: "moon"},
		Remote:       vicitest.Endpoint{Host: "192.0.2.2", Port: 4500, ID: "user-" + strconv.Itoa(i)},
		InitiatorSPI: uint64(i) + 1<<40, ResponderSPI: uint64(i) + 1<<41,
		Suite: vicitest.Suite{
			Encryption: "AES_CBC", EncryptionBits: 256, Integrity: "HMAC_SHA2_256_128", PRF: "PRF_HMAC_SHA2_256", KE: "CURVE_25519",
		},
		Established: began, RekeyAt: began.Add(4 * time.Hour), RemoteVIPs: []string{"10.3.0.1"},
		Children: []*vicitest.ChildSA{{
			Name: "net", UniqueID: uint32(i + 1), State: vicitest.ChildInstalled, Mode: "TUNNEL", Protocol: "ESP",
			SPIIn: uint32(i) + 1<<24, SPIOut: uint32(i) + 1<<25, Suite: vicitest.Suite{Encryption: "AES_GCM_16", EncryptionBits: 256},
			In: carried, Out: carried, Installed: began, RekeyAt: began.Add(time.Hour), ExpireAt: began.Add(2 * time.Hour),
			LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"},
		}},
	}
}
