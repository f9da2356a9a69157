// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A server with one command, on a Unix socket.
func ExampleNewServer() {
	server := vicitest.NewServer(&vicitest.Mux{Commands: map[string]vicitest.Command{
		"version": vicitest.Answer(new(vici.Message).Add("daemon", "charon")),
	}})
	defer server.Close()

	ctx := context.Background()
	session, err := vici.Dial(ctx, server.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	fmt.Println(session.Call(ctx, "version", nil))
	// Output: {daemon=charon} <nil>
}

// A command that streams any number of events and keeps none of them.
func ExampleCall_Event() {
	server := vicitest.NewUnstartedServer(&vicitest.Mux{
		Commands: map[string]vicitest.Command{
			"list-sas": func(c *vicitest.Call) (*vici.Message, error) {
				for range 100_000 {
					err := c.Event("list-sa", func(e *vici.Encoder) { e.KeyValue("state", "ESTABLISHED") })
					if err != nil {
						return nil, err // the client is gone
					}
				}
				return nil, nil
			},
		},
		Events: []string{"list-sa"},
	})
	defer server.Close()

	ctx := context.Background()
	session, err := (&vici.Dialer{DialContext: server.Dial}).Dial(ctx) // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	n := 0
	for _, err := range session.StreamRaw(ctx, "list-sas", "list-sa", nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		n++
	}
	fmt.Println(n, "events; at most a few hundred kilobytes queued:", server.Observe().MaxQueued < 300_000)
	// Output: 100000 events; at most a few hundred kilobytes queued: true
}

// A daemon that stops in the middle of its answer, and then is well again.
func ExampleServer_Fault() {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{})
	defer daemon.Close()
	heal := daemon.Fault("stats", vicitest.OnAnswer(vicitest.Truncated(100)))

	ctx := context.Background()
	dialer := vici.Dialer{DialContext: daemon.Dial}
	ask := func() error {
		session, err := dialer.Dial(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = session.Close() }()
		_, err = session.Call(ctx, "stats", nil)
		return err
	}
	fmt.Println(errors.Is(ask(), io.ErrUnexpectedEOF))
	heal()
	fmt.Println(ask())
	// Output:
	// true
	// <nil>
}

// A tunnel's life, as a client that is registered for its events sees it.
func ExampleDaemon() {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{Generation: vicitest.Generation60})
	defer daemon.Close()
	daemon.Load(vicitest.Connection{
		Name:        "branch-berlin",
		RemoteAddrs: []string{"198.51.100.7"},
		Children:    []vicitest.Child{{Name: "lan", RekeyTime: time.Hour, RemoteTS: []string{"10.20.0.0/24"}}},
	})

	ctx := context.Background()
	session, err := (&vici.Dialer{DialContext: daemon.Dial}).Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()

	listing := func() string {
		var b strings.Builder
		for m, err := range session.Stream(ctx, "list-sas", "list-sa", nil) {
			if err != nil {
				return err.Error()
			}
			bytes, _ := m.Section("branch-berlin", "child-sas", "lan-1").Value("bytes-in")
			b.WriteString("branch-berlin: lan carried " + bytes + " bytes")
		}
		return b.String()
	}
	id, err := daemon.Establish("branch-berlin", vicitest.Peer{})
	fmt.Println(id, err)
	packet := vicitest.Traffic{Bytes: 1400, Packets: 1}
	fmt.Println(daemon.Carry(1, packet, packet)) // the first CHILD_SA has the unique id 1
	fmt.Println(listing())
	fmt.Println(daemon.Down(id))
	fmt.Println(listing())
	// Output:
	// 1 <nil>
	// <nil>
	// branch-berlin: lan carried 1400 bytes
	// <nil>
	//
}

// Without sleeping, a test knows that a client has subscribed.
func ExampleServer_WaitFor() {
	daemon := vicitest.NewDaemon(vicitest.Config{})
	defer daemon.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	seen := make(chan string)
	watcher := vici.Watcher{
		Dialer:  &vici.Dialer{Address: daemon.Address()},
		Events:  []string{"alert"},
		OnEvent: func(e vici.Event) { seen <- e.Name },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = watcher.Run(ctx) // it ends with the context
	}()

	err := daemon.WaitFor(ctx, func(o vicitest.Observation) bool { return o.Registrations["alert"] == 1 })
	if err == nil {
		err = daemon.Alert("radius-not-responding", 0)
	}
	fmt.Println(<-seen, err)
	cancel()
	<-done
	// Output: alert <nil>
}
