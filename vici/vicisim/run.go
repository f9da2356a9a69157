// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// run serves until the context ends, and says on out where.
func run(ctx context.Context, o options, out io.Writer) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for n := range o.copies {
		life, err := serve(ctx, o.of(n), out)
		if err != nil {
			return err
		}
		tasks.Go(life)
	}
	<-ctx.Done()
	return nil
}

// serve begins to serve one daemon. The returned function lets time pass for it, and closes it when the context ends.
func serve(ctx context.Context, o options, out io.Writer) (life func(), err error) {
	d, live, err := build(o)
	if err != nil {
		return nil, err
	}
	if err := d.Listen(o.socket); err != nil {
		d.Close()
		return nil, err
	}
	fmt.Fprintf(out, "vicisim imitates charon %s on %s\n", o.generation, d.Address())
	return func() {
		defer d.Close()
		live(ctx)
	}, nil
}

// build returns the daemon and the function that lets time pass for it.
func build(o options) (d *vicitest.Daemon, life func(context.Context), err error) {
	now := time.Now()
	config := vicitest.Config{Generation: vicitest.Generation(o.generation), Seed: o.seed, NoCounters: !o.counters}
	if o.sas == 0 {
		d = vicitest.NewUnstartedDaemon(config)
		s := newDemo(o, d, now)
		err = s.load()
		life = s.run
	} else {
		p := new(lazyPopulation)
		config.Population = p
		d = vicitest.NewUnstartedDaemon(config)
		p.fleet = newFleet(o, d, now)
		p.load(d)
		p.countEstablished(d)
		life = (&fleetLife{f: p.fleet, d: d}).run
	}
	return d, life, errors.Join(err, loadCertificates(d, now))
}

// load loads the connections that the fleet's IKE_SAs belong to.
func (f *fleet) load(d *vicitest.Daemon) {
	for i := range f.conns {
		d.Load(f.conns[i].connection(f.o))
	}
}

func (c *fleetConn) connection(o options) vicitest.Connection {
	conn := vicitest.Connection{
		Name:       c.name,
		LocalAddrs: []string{"192.0.2.1"},
		Version:    2,
		RekeyTime:  4 * o.rekeyInterval,
		Local:      []vicitest.Auth{{ID: "gateway.example.org", Class: "public key", Certs: []string{gatewaySubject}}},
		Remote:     []vicitest.Auth{{ID: c.id, Class: "public key"}},
		Children: []vicitest.Child{{
			Name: c.childName, RekeyTime: o.rekeyInterval, LocalTS: c.localTS, RemoteTS: c.remoteTS,
		}},
	}
	if c.host != "" {
		conn.RemoteAddrs = []string{c.host}
		return conn
	}
	conn.Remote = []vicitest.Auth{{EAPID: "%any", EAPType: "EAP_MSCHAPV2", Class: "EAP"}}
	return conn
}

// A lazyPopulation is a fleet that is made after the daemon from which it has its ids.
type lazyPopulation struct{ *fleet }
