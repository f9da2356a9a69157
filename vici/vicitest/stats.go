// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Threads of a quiet daemon with default settings.
const (
	workerThreads   = 16
	criticalThreads = 4
	mediumThreads   = 5
)

func (d *Daemon) version(*Call) (*vici.Message, error) {
	return new(vici.Message).
		Add("daemon", "charon").
		Add("version", string(d.config.Generation)).
		Add("sysname", "Linux").
		Add("release", "6.12.0").
		Add("machine", "x86_64"), nil
}

func (d *Daemon) stats(*Call) (*vici.Message, error) {
	queued := d.Observe().Queued
	d.mu.Lock()
	defer d.mu.Unlock()
	total, halfOpen := d.countIKESAs()
	m := new(vici.Message).
		AddSection("uptime", d.uptime()).
		AddSection("workers", d.workers()).
		AddSection("queues", priorities(0, 0, 0, 0)).
		Add("scheduled", strconv.Itoa(4+4*total)).
		AddSection("ikesas", new(vici.Message).
			Add("total", strconv.Itoa(total)).
			Add("half-open", strconv.Itoa(halfOpen))).
		AddList("plugins", d.pluginNames()...)
	if !d.config.NoMallinfo {
		m.AddSection("mallinfo", heap(total, queued))
	}
	return m, nil
}

func (d *Daemon) countIKESAs() (total, halfOpen int) {
	if d.config.Population != nil {
		total, halfOpen = d.config.Population.Counts()
	}
	for _, sa := range d.ikes {
		total++
		if sa.State == IKEConnecting {
			halfOpen++
		}
	}
	return total, halfOpen
}

func (d *Daemon) uptime() *vici.Message {
	return new(vici.Message).
		Add("running", elapsed(d.now().Sub(d.started))).
		Add("since", d.started.In(d.config.Location).Format("Jan 02 15:04:05 2006"))
}

// elapsed prints a duration in the one unit that charon chooses.
func elapsed(t time.Duration) string {
	unit, name := time.Second, "second"
	switch {
	case t > 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case t > 2*time.Hour:
		unit, name = time.Hour, "hour"
	case t > 2*time.Minute:
		unit, name = time.Minute, "minute"
	}
	n := int(t / unit)
	if n != 1 {
		name += "s"
	}
	return fmt.Sprintf("%d %s", n, name)
}

func (d *Daemon) workers() *vici.Message {
	medium := min(mediumThreads+d.blocked, workerThreads-criticalThreads)
	return new(vici.Message).
		Add("total", strconv.Itoa(workerThreads)).
		Add("idle", strconv.Itoa(workerThreads-criticalThreads-medium)).
		AddSection("active", priorities(criticalThreads, 0, medium, 0))
}

func priorities(critical, high, medium, low int) *vici.Message {
	return new(vici.Message).
		Add("critical", strconv.Itoa(critical)).
		Add("high", strconv.Itoa(high)).
		Add("medium", strconv.Itoa(medium)).
		Add("low", strconv.Itoa(low))
}

// Memory that a daemon needs at rest and for each IKE_SA, roughly.
const (
	heapAtRest = 1_700_000
	heapPerSA  = 12_000
	heapPage   = 135_168
)

func heap(ikeSAs, queued int) *vici.Message {
	used := heapAtRest + heapPerSA*ikeSAs + queued
	sbrk := (used*5/4/heapPage + 1) * heapPage
	return new(vici.Message).
		Add("sbrk", strconv.Itoa(sbrk)).
		Add("mmap", "0").
		Add("used", strconv.Itoa(used)).
		Add("free", strconv.Itoa(sbrk-used))
}

func (d *Daemon) pluginNames() []string {
	names := []string{
		"charon", "random", "nonce", "kdf", "pem", "pkcs1", "pkcs8", "x509", "revocation", "constraints", "pubkey",
		"curve25519", "gmp", "gcm", "openssl", "kernel-netlink", "socket-default", "vici", "updown",
		"attr", "eap-identity", "eap-mschapv2", "xauth-generic",
	}
	if d.since(6, 0, 0) {
		names = append(names, "ml")
	}
	if !d.config.NoCounters && d.since(5, 6, 1) {
		names = append(names, "counters")
	}
	return names
}
