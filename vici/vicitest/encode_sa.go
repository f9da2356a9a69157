// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"strconv"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// A saWriter writes SAs in the daemon's order of keys. Numbers are formatted into arrays on
// the stack, so that writing an SA allocates nothing: listings of 100,000 are meant to be cheap.
type saWriter struct {
	dialect

	e   *vici.Encoder
	now int64 // seconds
}

func newSAWriter(e *vici.Encoder, d dialect, now time.Time) saWriter {
	return saWriter{dialect: d, e: e, now: now.Unix()}
}

// ikeSection writes an IKE_SA as the section named after its configuration,
// without its children.
func (w saWriter) ikeSection(name string, sa *IKESA) {
	w.e.Section(name)
	w.ike(sa)
	w.e.EndSection()
}

func (w saWriter) ike(sa *IKESA) {
	w.uint("uniqueid", uint64(sa.UniqueID))
	w.uint("version", uint64(sa.Version))
	w.e.KeyValue("state", sa.State)
	w.endpoint("local-host", "local-port", "local-id", sa.Local)
	w.endpoint("remote-host", "remote-port", "remote-id", sa.Remote)
	if sa.RemoteEAPID != "" && sa.RemoteEAPID != sa.Remote.ID {
		if sa.Version == 1 {
			w.e.KeyValue("remote-xauth-id", sa.RemoteEAPID)
		} else {
			w.e.KeyValue("remote-eap-id", sa.RemoteEAPID)
		}
	}
	w.flag("initiator", sa.Initiator)
	w.ikeSPI("initiator-spi", sa.InitiatorSPI)
	w.ikeSPI("responder-spi", sa.ResponderSPI)
	if w.since(5, 3, 4) {
		w.flag("nat-local", sa.NATLocal)
		w.flag("nat-remote", sa.NATRemote)
		w.flag("nat-fake", sa.NATFake)
		w.flag("nat-any", sa.NATAny)
	}
	w.ifIDs(sa.IfIDIn, sa.IfIDOut)
	w.suite(&sa.Suite)
	w.flag("ppk", sa.PPK && w.since(5, 7, 0))
	w.ikeTimes(sa)
	if w.since(5, 3, 4) {
		w.listUnlessEmpty("local-vips", sa.LocalVIPs)
		w.listUnlessEmpty("remote-vips", sa.RemoteVIPs)
	}
	w.listUnlessEmpty("tasks-queued", sa.TasksQueued)
	w.listUnlessEmpty("tasks-active", sa.TasksActive)
	w.listUnlessEmpty("tasks-passive", sa.TasksPassive)
}

func (w saWriter) ikeTimes(sa *IKESA) {
	if sa.State != IKEEstablished {
		return
	}
	w.int("established", w.now-sa.Established.Unix())
	w.until("rekey-time", sa.RekeyAt)
	w.until("reauth-time", sa.ReauthAt)
}

func (w saWriter) endpoint(host, port, id string, end Endpoint) {
	w.e.KeyValue(host, end.Host)
	if w.since(5, 4, 0) {
		w.uint(port, uint64(end.Port))
	}
	w.e.KeyValue(id, end.ID)
}

func (w saWriter) ikeSPI(key string, spi uint64) {
	if !w.since(5, 4, 0) {
		spi = bits.ReverseBytes64(spi) // as little-endian hosts showed it then
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], spi)
	var digits [16]byte
	hex.Encode(digits[:], b[:])
	w.e.KeyValue(key, string(digits[:]))
}

func (w saWriter) suite(s *Suite) {
	if s.Encryption != "" {
		w.e.KeyValue("encr-alg", s.Encryption)
	}
	w.bits("encr-keysize", s.EncryptionBits)
	if s.Integrity != "" {
		w.e.KeyValue("integ-alg", s.Integrity)
	}
	w.bits("integ-keysize", s.IntegrityBits)
	if s.PRF != "" {
		w.e.KeyValue("prf-alg", s.PRF)
	}
	if s.KE != "" {
		w.e.KeyValue("dh-group", s.KE)
	}
	if !w.since(6, 0, 0) {
		return
	}
	for i, name := range s.AKE[:min(len(s.AKE), len(akeKeys))] {
		if name != "" {
			w.e.KeyValue(akeKeys[i], name)
		}
	}
}

var akeKeys = [...]string{"ake1", "ake2", "ake3", "ake4", "ake5", "ake6", "ake7"}

func (w saWriter) bits(key string, n int) {
	if n != 0 {
		w.int(key, int64(n))
	}
}

// childKey is the name of a CHILD_SA's section in a listing.
func (w saWriter) childSection(c *ChildSA) {
	if !w.since(5, 5, 2) {
		w.e.Section(c.Name)
		return
	}
	var b [64]byte
	name := append(append(b[:0], c.Name...), '-')
	w.e.Section(string(strconv.AppendUint(name, uint64(c.UniqueID), 10)))
}

func (w saWriter) child(c *ChildSA) {
	if w.since(5, 5, 2) {
		w.e.KeyValue("name", c.Name)
	}
	if w.since(5, 3, 0) {
		w.uint("uniqueid", uint64(c.UniqueID))
	}
	w.uint("reqid", uint64(c.ReqID))
	w.e.KeyValue("state", c.State)
	w.e.KeyValue("mode", c.Mode)
	if c.Label != "" && w.since(5, 9, 6) {
		w.e.KeyValue("label", c.Label)
	}
	if w.hasKernelState(c.State) {
		w.installed(c)
	}
	w.e.List("local-ts", c.LocalTS...)
	w.e.List("remote-ts", c.RemoteTS...)
}

// hasKernelState tells the states in which the daemon shows SPIs, algorithms and counters.
func (w saWriter) hasKernelState(state string) bool {
	switch state {
	case ChildInstalled, ChildRekeying, ChildRekeyed:
		return true
	case ChildDeleting, ChildDeleted:
		return w.since(5, 8, 2)
	}
	return false
}

func (w saWriter) installed(c *ChildSA) {
	w.e.KeyValue("protocol", c.Protocol)
	w.flag("encap", c.Encap)
	w.hex32("spi-in", c.SPIIn)
	w.hex32("spi-out", c.SPIOut)
	if c.CPIIn != 0 {
		w.hex16("cpi-in", c.CPIIn)
	}
	if c.CPIOut != 0 {
		w.hex16("cpi-out", c.CPIOut)
	}
	if w.since(5, 5, 2) {
		w.mark("mark-in", "mark-mask-in", c.MarkIn)
		w.mark("mark-out", "mark-mask-out", c.MarkOut)
	}
	w.ifIDs(c.IfIDIn, c.IfIDOut)
	if c.PerCPU && w.since(6, 0, 2) {
		w.e.KeyValue("per-cpu-sas", "yes")
		if c.CPU >= 0 {
			w.int("cpu", int64(c.CPU))
		}
	}
	w.suite(&c.Suite)
	if c.Suite.ESN {
		w.e.KeyValue("esn", "1")
	}
	w.traffic("bytes-in", "packets-in", "use-in", c.In)
	w.traffic("bytes-out", "packets-out", "use-out", c.Out)
	w.until("rekey-time", c.RekeyAt)
	w.until("life-time", c.ExpireAt)
	w.int("install-time", w.now-c.Installed.Unix())
}

func (w saWriter) traffic(bytes, packets, use string, t Traffic) {
	w.uint(bytes, t.Bytes)
	w.uint(packets, t.Packets)
	if !t.Last.IsZero() {
		w.uint(use, uint64(w.now-t.Last.Unix())) // the daemon underflows in the same way
	}
}

func (w saWriter) mark(value, mask string, m Mark) {
	if m.Value == 0 && m.Mask == 0 {
		return
	}
	w.hex32(value, m.Value)
	if m.Mask != ^uint32(0) {
		w.hex32(mask, m.Mask)
	}
}

func (w saWriter) ifIDs(in, out uint32) {
	if !w.since(5, 8, 0) {
		return
	}
	if in != 0 {
		w.hex32("if-id-in", in)
	}
	if out != 0 {
		w.hex32("if-id-out", out)
	}
}

func (w saWriter) flag(key string, set bool) {
	if set {
		w.e.KeyValue(key, "yes")
	}
}

func (w saWriter) uint(key string, v uint64) {
	var b [20]byte
	w.e.KeyValue(key, string(strconv.AppendUint(b[:0], v, 10)))
}

func (w saWriter) int(key string, v int64) {
	var b [20]byte
	w.e.KeyValue(key, string(strconv.AppendInt(b[:0], v, 10)))
}

func (w saWriter) hex32(key string, v uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	var digits [8]byte
	hex.Encode(digits[:], b[:])
	w.e.KeyValue(key, string(digits[:]))
}

func (w saWriter) hex16(key string, v uint16) {
	var digits [4]byte
	hex.Encode(digits[:], []byte{byte(v >> 8), byte(v)})
	w.e.KeyValue(key, string(digits[:]))
}

// until writes the seconds up to a moment, negative if it has passed.
func (w saWriter) until(key string, t time.Time) {
	if !t.IsZero() {
		w.int(key, t.Unix()-w.now)
	}
}

func (w saWriter) listUnlessEmpty(key string, items []string) {
	if len(items) > 0 {
		w.e.List(key, items...)
	}
}
