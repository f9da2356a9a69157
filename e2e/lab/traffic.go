// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Ping sends n packets from an address of the gateway to one of another and
// returns an error unless all were answered.
func (g *Gateway) Ping(ctx context.Context, from, to string, n int) error {
	output, err := run(ctx, g.Command(ctx, "ping", "-n", "-q", "-i", "0.1", "-W", "2",
		"-c", strconv.Itoa(n), "-I", from, to))
	if err != nil {
		return fmt.Errorf("on %s: %w", g.Name, err)
	}
	if !strings.Contains(output, fmt.Sprintf("%d packets transmitted, %d received", n, n)) {
		return fmt.Errorf("on %s: ping %s: not every packet was answered: %s", g.Name, to, output)
	}
	return nil
}

// Traffic is what [Lab.Iperf] sends, in both directions at once.
type Traffic struct {
	From, To             *Gateway
	FromInside, ToInside string        // addresses of theirs, such as From.Inside(0)
	Duration             time.Duration // rounded to seconds
	BitsPerSecond        int           // in each direction; 0 is as fast as it goes
	UDP                  bool          // instead of TCP
}

// Iperf sends traffic between two gateways and returns when it is over, by its
// duration or by the context.
func (l *Lab) Iperf(ctx context.Context, traffic Traffic) error {
	ctx, cancel := context.WithCancel(ctx)
	server, err := startServer(ctx, traffic.To, traffic.ToInside)
	if err != nil {
		cancel()
		return err
	}
	_, err = run(ctx, traffic.From.Command(ctx, "iperf3", traffic.clientArgs()...))
	cancel()
	_ = server.Wait() // killed, or ended by itself after its one test
	if err != nil {
		return fmt.Errorf("on %s: %w", traffic.From.Name, err)
	}
	return nil
}

func (t Traffic) clientArgs() []string {
	args := []string{
		"--client", t.ToInside, "--bind", t.FromInside, "--bidir",
		"--time", strconv.Itoa(seconds(t.Duration)),
		"--bitrate", strconv.Itoa(t.BitsPerSecond),
		"--connect-timeout", "5000",
	}
	if t.UDP {
		args = append(args, "--udp", "--length", "1200") // fits the tunnel
	}
	return args
}

// startServer starts an iperf3 server for one test and returns when it listens.
func startServer(ctx context.Context, g *Gateway, address string) (*exec.Cmd, error) {
	server := g.Command(ctx, "iperf3", "--server", "--one-off", "--forceflush", "--bind", address)
	output, err := server.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting iperf3 on %s: %w", g.Name, err)
	}
	server.Stderr = server.Stdout
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("starting iperf3 on %s: %w", g.Name, err)
	}
	lines := bufio.NewScanner(output)
	var said []string
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening") {
			go func() { _, _ = io.Copy(io.Discard, output) }() // so that it never waits for a reader
			return server, nil
		}
		said = append(said, lines.Text())
	}
	return nil, errors.Join(fmt.Errorf("iperf3 on %s does not listen: %s", g.Name, strings.Join(said, " ")), server.Wait())
}

// Counters are the counters of a network device.
type Counters struct {
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
}

// TunnelBytes returns what went through the daemon's TUN device: packets before
// they are encrypted (sent) and after they were decrypted (received). That is what
// charon counts too, which makes it the truth to measure counters against. The
// device lives as long as the daemon.
func (g *Gateway) TunnelBytes(ctx context.Context) (received, sent Counters, err error) {
	output, err := run(ctx, command(ctx, "ip", "-n", g.namespace, "-json", "-stats", "link", "show", "ipsec0"))
	if err != nil {
		return Counters{}, Counters{}, err
	}
	var links []struct {
		Stats64 struct {
			RX, TX Counters
		}
	}
	if err := json.Unmarshal([]byte(output), &links); err != nil || len(links) != 1 {
		return Counters{}, Counters{}, fmt.Errorf("reading the counters of ipsec0 on %s: %w in %q", g.Name, err, output)
	}
	return links[0].Stats64.RX, links[0].Stats64.TX, nil
}
