// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// demoTick is how often the demonstration looks at the clock.
const demoTick = 200 * time.Millisecond

// run goes on until the context ends.
func (s *demo) run(ctx context.Context) {
	t := time.NewTicker(demoTick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.step(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// step does what is due at a moment. A client's command may end an SA in between,
// so that an SA is missing is no error here.
func (s *demo) step(now time.Time) {
	sas := s.d.IKESAs()
	s.carry(sas, now)
	for i := range sas {
		s.rekey(&sas[i], now)
	}
	s.d.ExpireRekeyed(formerLinger * time.Millisecond)
	passed := now.Sub(s.began).Seconds()
	for due := int(passed * s.o.churn); s.churned < due; s.churned++ {
		s.replaceOne()
	}
	for due := int(passed * s.o.events); s.happened < due; s.happened++ {
		s.happen(sas)
	}
}

// carry lets each CHILD_SA carry its share: what arrives is twice as much as what leaves,
// and each child has a rate of its own.
func (s *demo) carry(sas []vicitest.IKESA, now time.Time) {
	ms := uint64(now.Sub(s.carriedAt).Milliseconds())
	s.carriedAt = now
	for i := range sas {
		for _, c := range sas[i].Children {
			if c.State != vicitest.ChildInstalled {
				continue
			}
			bytes := s.o.traffic * ms / 1000 * uint64(50+c.ReqID*7919%100) / 100
			_ = s.d.Carry(c.UniqueID, traffic(bytes), traffic(bytes/2)) // see step
		}
	}
}

func traffic(bytes uint64) vicitest.Traffic {
	if bytes == 0 {
		return vicitest.Traffic{}
	}
	return vicitest.Traffic{Bytes: bytes, Packets: bytes/packetSize + 1}
}

// rekey does the rekeyings that are due; who begins them is left to chance.
func (s *demo) rekey(sa *vicitest.IKESA, now time.Time) {
	if sa.State != vicitest.IKEEstablished {
		return
	}
	how := vicitest.Rekeying{Responder: s.random.IntN(2) == 0}
	for _, c := range sa.Children {
		if c.State == vicitest.ChildInstalled && due(c.RekeyAt, now) {
			_, _ = s.d.RekeyChild(c.UniqueID, how) // see step
		}
	}
	if due(sa.RekeyAt, now) {
		_, _ = s.d.RekeyIKE(sa.UniqueID, how) // see step
		if sa.Version == 1 {
			_ = s.d.Down(sa.UniqueID) // see step
		}
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// replaceOne lets a road warrior leave and another one come.
func (s *demo) replaceOne() {
	var online []vicitest.IKESA
	for _, sa := range s.d.IKESAs() {
		if sa.Name == "roadwarriors-staff" {
			online = append(online, sa)
		}
	}
	if len(online) > 0 {
		err := s.d.Down(online[s.random.IntN(len(online))].UniqueID)
		if err != nil && !errors.Is(err, vicitest.ErrNoSuchSA) {
			return
		}
	}
	_ = s.arrive("staff") // a client may have unloaded the connection
}

// happen raises an event that changes nothing.
func (s *demo) happen(sas []vicitest.IKESA) {
	if len(sas) == 0 {
		return
	}
	raiseIdle(s.d, &sas[s.random.IntN(len(sas))])
}
