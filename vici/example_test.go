// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// gateway starts a fake daemon with a site-to-site tunnel that is up, and one that is not.
func gateway() *vicitest.Daemon {
	daemon := vicitest.NewDaemon(vicitest.Config{Generation: vicitest.Generation60})
	daemon.Load(vicitest.Connection{
		Name: "gw-gw", Version: 2, LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{"192.0.2.2"},
		Children: []vicitest.Child{{Name: "net-net", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16"}}},
	})
	daemon.Load(vicitest.Connection{
		Name: "backup", Version: 2, RemoteAddrs: []string{"198.51.100.2"}, Children: []vicitest.Child{{Name: "net-backup"}},
	})
	if _, err := daemon.Establish("gw-gw", vicitest.Peer{}); err != nil {
		panic(err)
	}
	return daemon
}

// What is configured, and which of it is up.
func Example() {
	daemon := gateway()
	defer daemon.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	up := make(map[string]string)
	for sa, err := range session.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		up[sa.Name] = sa.State
	}
	for conn, err := range session.ListConns(ctx, vici.ListConnsRequest{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s to %s: %q\n", conn.Name, conn.RemoteAddrs[0], up[conn.Name])
	}
	// Output:
	// gw-gw to 192.0.2.2: "ESTABLISHED"
	// backup to 198.51.100.2: ""
}

// A Dialer bounds what is accepted and tells what its sessions do.
func ExampleDialer() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()

	dialer := vici.Dialer{
		Address:    daemon.Address(), // such as "unix:///var/run/charon.vici" or "tcp://192.0.2.1:4502"
		MaxSegment: 2 * vici.MaxSegment,
		Trace: &vici.Trace{
			Done: func(command string, _ time.Duration, err error) { fmt.Println(command, "ended with", err) },
		},
	}
	session, err := dialer.Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	version, err := session.Version(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(version.Daemon, version.Version)
	// Output:
	// version ended with <nil>
	// charon 6.0.6
}

// Call sends any command, also one that this package does not know.
func ExampleSession_Call() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	request := new(vici.Message).Add("name", "no-such-connection")
	answer, err := session.Call(ctx, "unload-conn", request)
	if refused, ok := errors.AsType[*vici.CommandError](err); ok {
		fmt.Println("the daemon refuses", refused.Command)
	}
	success, _ := answer.Value("success")
	fmt.Println("success:", success)
	// Output:
	// the daemon refuses unload-conn
	// success: no
}

// The loop body is what limits the speed of a stream. Leaving the loop leaves the session usable.
func ExampleSession_ListSAs() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	var kept *vici.IKESA
	for sa, err := range session.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		kept = sa.Clone() // sa itself is reused by the next step
		break
	}
	child := &kept.Children[0]
	fmt.Println(kept.Name, kept.RemoteHost, child.Name, child.LocalTS, child.RemoteTS)
	if _, ok := child.UseIn.Get(); !ok {
		fmt.Println("no packet was ever received")
	}
	// Output:
	// gw-gw 192.0.2.2 net-net [10.1.0.0/16] [10.2.0.0/16]
	// no packet was ever received
}

// Stream yields the events of a command as messages; Unmarshal reads them into structs.
func ExampleSession_Stream() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	type ikeSA struct {
		Name       string                  `vici:",name"`
		RemoteHost string                  `vici:"remote-host"`
		ReauthTime vici.Opt[time.Duration] `vici:"reauth-time"`
	}
	for m, err := range session.Stream(ctx, "list-sas", "list-sa", new(vici.Message).Add("noblock", "yes")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		var event struct {
			SAs []ikeSA `vici:"*"` // all sections
		}
		if err := vici.Unmarshal(m, &event); err != nil {
			fmt.Println(err)
			return
		}
		for _, sa := range event.SAs {
			fmt.Println(sa.Name, "with", sa.RemoteHost, "is reauthenticated in", sa.ReauthTime)
		}
	}
	// Output:
	// gw-gw with 192.0.2.2 is reauthenticated in -
}

// A subscription delivers what happens from then on, in order, until it is closed.
func ExampleSession_Events() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := session.Events(ctx, "ike-updown", "child-updown", "alert")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer events.Close()
	fmt.Println("not known to this daemon:", events.Unsupported())

	if _, err := daemon.Establish("backup", vicitest.Peer{}); err != nil { // somewhere else
		fmt.Println(err)
		return
	}
	var decoder vici.EventDecoder
	for event, err := range events.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := decoder.Decode(event)
		if err != nil {
			fmt.Println(err)
			return
		}
		switch e := body.(type) {
		case *vici.IKEUpDown:
			fmt.Println(e.IKE.Name, "up:", e.Up)
		case *vici.ChildUpDown:
			fmt.Println(e.IKE.Name, e.Child().Name, "up:", e.Up)
			return
		}
	}
	// Output:
	// not known to this daemon: []
	// backup up: true
	// backup net-backup up: true
}

// A Watcher stays subscribed over restarts of the daemon.
func ExampleWatcher() {
	daemon := gateway()
	defer daemon.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	connections := 0
	watcher := vici.Watcher{
		Dialer:     &vici.Dialer{Address: daemon.Address()},
		Events:     []string{"ike-updown"},
		MinBackoff: time.Millisecond,
		OnConnect: func(context.Context, []string) error {
			// The place to look at what is up: nothing can happen unseen in between.
			if connections++; connections == 1 {
				daemon.DropConnections()
				return nil
			}
			return daemon.Down(1)
		},
		OnEvent: func(e vici.Event) {
			body, err := e.Decode()
			if err != nil {
				fmt.Println(err)
				return
			}
			if down, ok := body.(*vici.IKEUpDown); ok && !down.Up {
				fmt.Println(down.IKE.Name, "went down")
			}
			cancel()
		},
	}
	fmt.Println(watcher.Run(ctx))
	// Output:
	// gw-gw went down
	// context canceled
}

// Errors are told apart by errors.Is and errors.As.
func ExampleOpError() {
	daemon := vicitest.NewDaemon(vicitest.Config{Generation: vicitest.Generation52})
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	_, err = session.Counters(ctx, vici.CountersRequest{})
	if errors.Is(err, vici.ErrUnknownCommand) {
		fmt.Println("this daemon is too old")
	}
	if op, ok := errors.AsType[*vici.OpError](err); ok {
		fmt.Println(op.Op, op.Name, "failed")
	}
	fmt.Println("the session is still fine:", session.Err() == nil)
	// Output:
	// this daemon is too old
	// call get-counters failed
	// the session is still fine: true
}

// Goroutines share a session; each call waits for its turn under its own context.
func ExampleSession() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	var tasks sync.WaitGroup
	for range 8 {
		tasks.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			names, err := session.ConnNames(ctx)
			if err != nil || len(names) != 2 {
				fmt.Println(names, err)
			}
		})
	}
	tasks.Wait()
	fmt.Println(daemon.Observe().Commands["get-conns"], "calls over", daemon.Observe().Accepted, "connection")
	// Output:
	// 8 calls over 1 connection
}

// Configurations are Go structs; what the daemon knows and this package does not goes into Extra.
func ExampleSession_LoadConn() {
	daemon := gateway()
	defer daemon.Close()
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	err = session.LoadConn(ctx, vici.ConnConfig{
		Name:        "branch",
		RemoteAddrs: []string{"203.0.113.7"},
		RekeyTime:   vici.Some(4 * time.Hour),
		MOBIKE:      vici.Some(false), // a plain false would mean the daemon's default
		Local:       []vici.AuthConfig{{Auth: "psk", ID: "moon.example.org"}},
		Remote:      []vici.AuthConfig{{Auth: "psk", ID: "branch.example.org"}},
		Children:    []vici.ChildConfig{{Name: "branch-net", RemoteTS: []string{"10.7.0.0/16"}, StartAction: "trap"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for policy, err := range session.ListPolicies(ctx, vici.ListPoliciesRequest{Trap: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(policy.IKE, policy.Child, policy.RemoteTS)
	}
	// Output:
	// branch branch-net [10.7.0.0/16]
}

// Initiate waits for the SA, with a bound, and hands over what the daemon logs meanwhile.
func ExampleSession_Initiate() {
	daemon := gateway()
	defer daemon.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	lines := 0
	err = session.Initiate(ctx, vici.InitiateRequest{
		Child:   "net-backup",
		Timeout: 5 * time.Second, // shorter than the context's, so that the daemon ends it
	}, func(*vici.ControlLog) { lines++ })
	fmt.Println("logged:", lines > 0, "error:", err)

	result, err := session.Terminate(ctx, vici.TerminateRequest{IKE: "backup", Timeout: 5 * time.Second}, nil)
	fmt.Println("terminated:", result.Terminated, "error:", err)
	// Output:
	// logged: true error: <nil>
	// terminated: 1 error: <nil>
}

// A Decoder walks over a message without allocating; what does not interest is skipped.
func ExampleDecoder() {
	body, err := new(vici.Message).
		AddSection("gw-gw", new(vici.Message).
			Add("uniqueid", "7").
			AddSection("child-sas", new(vici.Message).Add("many", "keys"))).
		MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}
	d := vici.NewDecoder(body)
	for d.Next() {
		switch {
		case d.Kind() == vici.SectionStart && d.Depth() == 1:
			fmt.Printf("IKE_SA %s\n", d.Name())
		case d.Kind() == vici.SectionStart:
			d.Skip()
		case d.Kind() == vici.KeyValue:
			fmt.Printf("%s is %s\n", d.Name(), d.Value())
		}
	}
	if d.Err() != nil {
		fmt.Println(d.Err())
		return
	}
	// Output:
	// IKE_SA gw-gw
	// uniqueid is 7
}
