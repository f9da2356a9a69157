// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// flattenSA flattens an IKE_SA with its children, key by key, since it has no tags: its decoder
// is written by hand.
func flattenSA(sa *vici.IKESA) flat {
	f := make(flat)
	f.ikeSA("/"+sa.Name, sa)
	return f
}

func (f flat) ikeSA(path string, sa *vici.IKESA) {
	f.ikeIdentity(path, sa)
	f.yes(path+"/nat-local", sa.NATLocal)
	f.yes(path+"/nat-remote", sa.NATRemote)
	f.yes(path+"/nat-fake", sa.NATFake)
	f.yes(path+"/nat-any", sa.NATAny)
	digits(f, path+"/if-id-in", 8, sa.IfIDIn)
	digits(f, path+"/if-id-out", 8, sa.IfIDOut)
	f.suite(path, &sa.Suite)
	f.yes(path+"/ppk", sa.PPK)
	f.seconds(path+"/established", sa.Established)
	f.seconds(path+"/rekey-time", sa.RekeyTime)
	f.seconds(path+"/reauth-time", sa.ReauthTime)
	f.putList(path+"/local-vips", sa.LocalVIPs)
	f.putList(path+"/remote-vips", sa.RemoteVIPs)
	f.putList(path+"/tasks-queued", sa.TasksQueued)
	f.putList(path+"/tasks-active", sa.TasksActive)
	f.putList(path+"/tasks-passive", sa.TasksPassive)
	for i := range sa.Children {
		f.childSA(path+"/child-sas/"+sa.Children[i].Key, &sa.Children[i])
	}
}

func (f flat) ikeIdentity(path string, sa *vici.IKESA) {
	number(f, path+"/uniqueid", sa.UniqueID)
	f.text(path+"/version", sa.Version)
	f.text(path+"/state", sa.State)
	f.text(path+"/local-host", sa.LocalHost)
	number(f, path+"/local-port", sa.LocalPort)
	f.text(path+"/local-id", sa.LocalID)
	f.text(path+"/remote-host", sa.RemoteHost)
	number(f, path+"/remote-port", sa.RemotePort)
	f.text(path+"/remote-id", sa.RemoteID)
	f.text(path+"/remote-xauth-id", sa.RemoteXAuthID)
	f.text(path+"/remote-eap-id", sa.RemoteEAPID)
	f.yes(path+"/initiator", sa.Initiator)
	digits(f, path+"/initiator-spi", 16, sa.InitiatorSPI)
	digits(f, path+"/responder-spi", 16, sa.ResponderSPI)
}

func (f flat) suite(path string, s *vici.Suite) {
	f.text(path+"/encr-alg", s.Encryption)
	number(f, path+"/encr-keysize", s.EncryptionBits)
	f.text(path+"/integ-alg", s.Integrity)
	number(f, path+"/integ-keysize", s.IntegrityBits)
	f.text(path+"/prf-alg", s.PRF)
	f.text(path+"/dh-group", s.KeyExchange)
	for i, ake := range s.AdditionalKE {
		f.text(path+"/ake"+strconv.Itoa(i+1), ake)
	}
}

func (f flat) childSA(path string, c *vici.ChildSA) {
	f.text(path+"/name", c.Name)
	number(f, path+"/uniqueid", c.UniqueID)
	number(f, path+"/reqid", c.ReqID)
	f.text(path+"/state", c.State)
	f.text(path+"/mode", c.Mode)
	f.text(path+"/label", c.Label)
	f.text(path+"/protocol", c.Protocol)
	f.yes(path+"/encap", c.Encap)
	digits(f, path+"/spi-in", 8, c.SPIIn)
	digits(f, path+"/spi-out", 8, c.SPIOut)
	digits(f, path+"/cpi-in", 4, c.CPIIn)
	digits(f, path+"/cpi-out", 4, c.CPIOut)
	digits(f, path+"/mark-in", 8, c.MarkIn)
	digits(f, path+"/mark-mask-in", 8, c.MarkMaskIn)
	digits(f, path+"/mark-out", 8, c.MarkOut)
	digits(f, path+"/mark-mask-out", 8, c.MarkMaskOut)
	digits(f, path+"/if-id-in", 8, c.IfIDIn)
	digits(f, path+"/if-id-out", 8, c.IfIDOut)
	f.yes(path+"/per-cpu-sas", c.PerCPUSAs)
	number(f, path+"/cpu", c.CPU)
	f.suite(path, &c.Suite)
	if c.ESN {
		f.put(path+"/esn", "1")
	}
	f.childTraffic(path, c)
}

func (f flat) childTraffic(path string, c *vici.ChildSA) {
	number(f, path+"/bytes-in", c.BytesIn)
	number(f, path+"/packets-in", c.PacketsIn)
	f.seconds(path+"/use-in", c.UseIn)
	number(f, path+"/bytes-out", c.BytesOut)
	number(f, path+"/packets-out", c.PacketsOut)
	f.seconds(path+"/use-out", c.UseOut)
	f.seconds(path+"/rekey-time", c.RekeyTime)
	f.seconds(path+"/life-time", c.LifeTime)
	f.seconds(path+"/install-time", c.InstallTime)
	f.putList(path+"/local-ts", c.LocalTS)
	f.putList(path+"/remote-ts", c.RemoteTS)
}

func (f flat) text(path, text string) {
	if text != "" {
		f.put(path, text)
	}
}

func (f flat) yes(path string, flag bool) {
	if flag {
		f.put(path, "yes")
	}
}

func (f flat) seconds(path string, o vici.Opt[time.Duration]) {
	if d, ok := o.Get(); ok {
		f.put(path, strconv.FormatInt(int64(d/time.Second), 10))
	}
}

func number[T ~uint16 | ~uint32 | ~uint64](f flat, path string, o vici.Opt[T]) {
	if n, ok := o.Get(); ok {
		f.put(path, strconv.FormatUint(uint64(n), 10))
	}
}

func digits[T ~uint16 | ~uint32 | ~uint64](f flat, path string, width int, o vici.Opt[T]) {
	if n, ok := o.Get(); ok {
		f.put(path, fmt.Sprintf("%0*x", width, uint64(n)))
	}
}

// flattenEvent flattens what an event says.
func flattenEvent(body vici.EventBody) flat {
	f := make(flat)
	switch e := body.(type) {
	case *vici.Log:
		f.logEntry(&e.LogEntry)
		number(f, "/thread", e.Thread)
	case *vici.ControlLog:
		f.logEntry(&e.LogEntry)
	case *vici.IKEUpDown:
		f.yes("/up", e.Up)
		f.ikeSA("/"+e.IKE.Name, &e.IKE)
	case *vici.ChildUpDown:
		f.yes("/up", e.Up)
		f.ikeSA("/"+e.IKE.Name, &e.IKE)
	case *vici.IKERekey:
		f.ikeSA("/"+e.Old.Name+"/old", &e.Old)
		f.ikeSA("/"+e.New.Name+"/new", &e.New)
	case *vici.IKEUpdate:
		f.text("/local-host", e.LocalHost)
		number(f, "/local-port", e.LocalPort)
		f.text("/remote-host", e.RemoteHost)
		number(f, "/remote-port", e.RemotePort)
		f.ikeSA("/"+e.IKE.Name, &e.IKE)
	case *vici.ChildRekey:
		f.ikeSA("/"+e.IKE.Name, &e.IKE)
		f.childSA("/"+e.IKE.Name+"/child-sas/"+e.Old.Key+"/old", &e.Old)
		f.childSA("/"+e.IKE.Name+"/child-sas/"+e.New.Key+"/new", &e.New)
	case *vici.Alert:
		f.text("/type", e.Type)
		if e.IKE != nil {
			f.ikeSA("/ike-sa/"+e.IKE.Name, e.IKE)
		}
	case *vici.IKESA:
		f.ikeSA("/"+e.Name, e)
	case *vici.Policy:
		return flattenNamed(*e)
	case *vici.Conn:
		return flattenNamed(*e)
	case *vici.Authority:
		return flattenNamed(*e)
	case *vici.Cert:
		return flatten(e)
	default:
		f.put("/", fmt.Sprintf("%T", body))
	}
	return f
}

func (f flat) logEntry(l *vici.LogEntry) {
	f.text("/group", l.Group)
	number(f, "/level", l.Level)
	f.text("/ikesa-name", l.IKEName)
	number(f, "/ikesa-uniqueid", l.IKEID)
	f.text("/msg", l.Message)
}
