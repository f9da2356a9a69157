// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command bench measures the exporter as its users have it: the built program as a process, a simulated
// daemon as another, and scrapes over HTTP as Prometheus makes them.
//
//	scripts/bench                                      Go benchmarks, then what follows
//	bench table   --exporter=PROGRAM --vicisim=PROGRAM   CPU and memory of a scrape, against budgets
//	bench slopes  …                                      how CPU grows with SAs and with series
//	bench growth  …                                      whether memory grows over a thousand scrapes
//	bench series  …                                      how many series a tunnel has
//	bench fleet   …                                      what two hundred gateways cost one Prometheus
//
// A scrape counts only if it is complete: one that misses an SA, or a collector that failed, ends the program with
// status 1. What is over its budget is marked and does no harm to the status, since time on a shared machine is no test.
// Therefore everything is also given as a ratio to the floor: the CPU time of a process that does nothing
// but read the daemon's listing of SAs and walk over its elements.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

// options are what the command line says.
type options struct {
	programs
	scrapes int
	into    string
	fleet   fleetOptions
}

// programs are the paths of what is measured.
type programs struct {
	exporter, vicisim string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var o options
	app := kingpin.New("bench", "Measures the exporter as a process.")
	app.Flag("exporter", "The exporter's program.").Default("./strongswan_exporter").StringVar(&o.exporter)
	app.Flag("vicisim", "The simulated daemon's program.").Default("./vicisim").StringVar(&o.vicisim)
	app.Flag("scrapes", "Number of scrapes to measure.").Default("10").IntVar(&o.scrapes)
	app.Flag("into", "A file in which the result replaces what stands between its marks, as well.").StringVar(&o.into)

	table := app.Command("table", "CPU and memory of a scrape, against the budgets.")
	slopes := app.Command("slopes", "How CPU grows with SAs and with series.")
	growth := app.Command("growth", "Whether memory grows over a thousand scrapes.")
	series := app.Command("series", "How many series each collector has for each tunnel.")
	fleet := app.Command("fleet", "What many gateways cost one Prometheus with the shipped rules.")
	fleet.Flag("gateways", "Number of gateways.").Default("200").IntVar(&o.fleet.gateways)
	fleet.Flag("tunnels", "Number of tunnels of each.").Default("20").IntVar(&o.fleet.tunnels)
	fleet.Flag("interval", "How often Prometheus scrapes each, and evaluates the rules.").Default("15s").DurationVar(&o.fleet.interval)
	fleet.Flag("for", "How long to measure.").Default("10m").DurationVar(&o.fleet.duration)
	floor := app.Command("floor", "Lists the SAs and walks over them, once for each line of the standard input.").Hidden()
	socket := floor.Flag("socket", "The daemon's socket.").Required().String()

	command, err := app.Parse(args)
	if err != nil {
		return err
	}
	if o.scrapes < 1 || command == fleet.FullCommand() && (o.fleet.gateways < 2 || o.fleet.tunnels < 1) {
		return errors.New("there must be a scrape at least, and two gateways with a tunnel")
	}
	report := reporter{out: out, into: o.into}
	switch command {
	case floor.FullCommand():
		return runFloor(ctx, *socket, in, out)
	case table.FullCommand():
		return report.table(ctx, o)
	case slopes.FullCommand():
		return report.slopes(ctx, o)
	case growth.FullCommand():
		return report.growth(ctx, o)
	case series.FullCommand():
		return report.series(ctx, o)
	case fleet.FullCommand():
		return report.fleet(ctx, o)
	}
	return nil
}
