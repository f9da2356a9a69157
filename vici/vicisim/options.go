// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// options are what the command line says.
type options struct {
	socket        string
	generation    string
	seed          uint64
	sas           int
	children      int
	connections   int
	halfOpen      int
	rekeyInterval time.Duration
	churn         float64
	traffic       uint64
	events        float64
	counters      bool
	copies        int
}

const help = `A charon without IKE: serves the VICI protocol with tunnels that do not exist.

Without --sas it is a small gateway for demonstrations: site-to-site tunnels, a few of them down, road warriors
with virtual IPs, a trap policy, certificates that expire, a pool that is nearly full. With --sas it is a
crowd of IKE_SAs that takes little memory however large it is.

It ends on SIGINT and SIGTERM, removing its socket.`

func newParser(o *options) *kingpin.Application {
	app := kingpin.New("vicisim", help)
	app.HelpFlag.Short('h')
	app.Flag("socket", "Where to listen: a path, unix:///path or tcp://host:port.").
		Default("/tmp/charon.vici").Envar("VICISIM_SOCKET").StringVar(&o.socket)
	app.Flag("generation", "strongSwan release to imitate: 5.2, 5.9, 6.0, 6.1 or a full number such as 5.9.1.").
		Default("6.1").StringVar(&o.generation)
	app.Flag("seed", "Makes SPIs, identities and the choice of what happens reproducible.").
		Default("1").Uint64Var(&o.seed)
	app.Flag("sas", "Number of IKE_SAs, all established. 0 is the demonstration.").
		Default("0").IntVar(&o.sas)
	app.Flag("children", "CHILD_SAs of each IKE_SA. Only with --sas.").
		Default("1").IntVar(&o.children)
	app.Flag("connections", "Connections that the IKE_SAs are spread over: "+
		"site-to-site tunnels if each gets one, else road warriors. 0 is one for each IKE_SA. Only with --sas.").
		Default("0").IntVar(&o.connections)
	app.Flag("half-open", "IKE_SAs that are being set up by unknown peers, in addition.").
		Default("0").IntVar(&o.halfOpen)
	app.Flag("rekey-interval", "How often each CHILD_SA is rekeyed, evenly spread; IKE_SAs are after four times as long. 0 is never.").
		Default("1h").DurationVar(&o.rekeyInterval)
	app.Flag("churn", "IKE_SAs per second that go down and come up again with new ids.").
		Default("0").Float64Var(&o.churn)
	app.Flag("traffic", "Bytes per second that each CHILD_SA carries in each direction.").
		Default("100000").Uint64Var(&o.traffic)
	app.Flag("events", "Additional events per second: alerts where the release has them, else address changes.").
		Default("0").Float64Var(&o.events)
	app.Flag("counters", "Whether the plugin counters is loaded.").
		Default("true").BoolVar(&o.counters)
	app.Flag("copies", "Number of daemons. Of several, the first has the path of --socket with -1 at its end, and so on.").
		Default("1").IntVar(&o.copies)
	return app
}

func parseOptions(args []string) options {
	var o options
	app := newParser(&o)
	kingpin.MustParse(app.Parse(args))
	app.FatalIfError(o.check(), "")
	return o
}

// of returns the options of the n-th daemon, from 0.
func (o *options) of(n int) options {
	one := *o
	if o.copies > 1 {
		one.socket += "-" + strconv.Itoa(n+1)
		one.seed += uint64(n)
	}
	return one
}

// check completes the options and refuses what has no meaning.
func (o *options) check() error {
	g, err := vicitest.ParseGeneration(o.generation)
	if err != nil {
		return err
	}
	o.generation = string(g)
	isTCP := strings.HasPrefix(o.socket, "tcp://")
	if !strings.Contains(o.socket, "://") {
		if o.socket, err = filepath.Abs(o.socket); err != nil {
			return err
		}
	}
	if o.connections == 0 {
		o.connections = o.sas
	}
	switch {
	case o.sas < 0 || o.children < 0 || o.connections < 0 || o.halfOpen < 0:
		return errors.New("numbers must not be negative")
	case o.churn < 0 || o.events < 0 || o.rekeyInterval < 0:
		return errors.New("rates and intervals must not be negative")
	case o.copies < 1:
		return errors.New("--copies must be 1 at least")
	case o.copies > 1 && isTCP:
		return errors.New("several --copies need a --socket that is a path")
	case o.connections > o.sas:
		return errors.New("--connections is more than --sas: each connection needs an IKE_SA")
	}
	return nil
}
