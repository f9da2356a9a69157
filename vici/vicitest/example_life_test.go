// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// branch is a connection for examples.
func branch() vicitest.Connection {
	return vicitest.Connection{
		Name: "branch", RemoteAddrs: []string{"198.51.100.7"}, Children: []vicitest.Child{{Name: "lan", RekeyTime: time.Hour}},
	}
}

// Both ends rekey at the same time. How the daemon tells of that depends on its release.
func ExampleDaemon_RekeyChild() {
	for _, generation := range []vicitest.Generation{vicitest.Generation59, vicitest.Generation60} {
		told, err := collision(generation)
		fmt.Println(generation, told, err)
	}
	// Output:
	// 5.9.8 [1 is replaced by 2 1 is replaced by 3] <nil>
	// 6.0.6 [1 is replaced by 2 2 is replaced by 3] <nil>
}

// collision returns what a client is told of a rekeying that both ends begin.
func collision(generation vicitest.Generation) (told []string, err error) {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{Generation: generation})
	defer daemon.Close()
	daemon.Load(branch())
	ike, err := daemon.Establish("branch", vicitest.Peer{})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	session, err := (&vici.Dialer{DialContext: daemon.Dial}).Dial(ctx)
	if err != nil {
		return nil, err
	}
	events, err := session.Events(ctx, "child-rekey", "ike-updown")
	if err != nil {
		return nil, err
	}
	defer func() { _ = events.Close() }()

	// The first CHILD_SA has the unique id 1.
	if _, err := daemon.RekeyChild(1, vicitest.Rekeying{Collision: true}); err != nil {
		return nil, err
	}
	if err := daemon.Down(ike); err != nil {
		return nil, err
	}
	for event, err := range events.All(ctx) {
		if err != nil {
			return nil, err
		}
		body, err := event.Decode()
		if err != nil {
			return nil, err
		}
		rekey, ok := body.(*vici.ChildRekey)
		if !ok {
			break // the IKE_SA went down
		}
		told = append(told, fmt.Sprint(rekey.Old.UniqueID, " is replaced by ", rekey.New.UniqueID))
	}
	return told, nil
}

// A daemon that is killed and comes back has lost what was loaded and all SAs, and begins to count anew.
func ExampleDaemon_Restart() {
	daemon := vicitest.NewDaemon(vicitest.Config{})
	defer daemon.Close()
	daemon.Load(branch())

	ctx := context.Background()
	names := func() ([]string, error) {
		session, err := vici.Dial(ctx, daemon.Address())
		if err != nil {
			return nil, err
		}
		defer func() { _ = session.Close() }()
		return session.ConnNames(ctx)
	}
	fmt.Println(names())
	daemon.Crash()
	_, err := names()
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	fmt.Println(daemon.Restart())
	fmt.Println(names())
	// Output:
	// [branch] <nil>
	// refused: true
	// <nil>
	// [] <nil>
}

// A daemon whose queue of new connections is full for a moment, as charon's is with four of them.
func ExampleServer_RefuseConnections() {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{})
	defer daemon.Close()
	daemon.RefuseConnections(syscall.EAGAIN)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() {
		// When the client has tried three times, there is room.
		_ = daemon.WaitFor(ctx, func(o vicitest.Observation) bool { return o.Accepted >= 3 })
		daemon.RefuseConnections(nil)
	}()
	session, err := (&vici.Dialer{DialContext: daemon.Dial}).Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	fmt.Println("connected after being refused:", daemon.Observe().Accepted > 3)
	// Output: connected after being refused: true
}

// Connections over which every answer comes in small pieces.
func ExampleServer_WrapConnections() {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{Generation: vicitest.Generation59})
	defer daemon.Close()
	daemon.WrapConnections(vicitest.SlowWrites(5, time.Millisecond))

	ctx := context.Background()
	session, err := (&vici.Dialer{DialContext: daemon.Dial}).Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	version, err := session.Version(ctx)
	fmt.Println(version.Version, err)
	// Output: 5.9.8 <nil>
}

// A fault of one's own: every packet comes twice.
func ExampleCall_Filter() {
	daemon := vicitest.NewUnstartedDaemon(vicitest.Config{})
	defer daemon.Close()
	daemon.Load(branch())
	daemon.Fault("version", func(next vicitest.Command) vicitest.Command {
		return func(c *vicitest.Call) (*vici.Message, error) {
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				return errors.Join(send(segment), send(segment))
			}))
		}
	})

	ctx := context.Background()
	session, err := (&vici.Dialer{DialContext: daemon.Dial}).Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	_, err = session.Version(ctx)
	fmt.Println(err)
	fmt.Println(session.ConnNames(ctx)) // gets the second answer to the first question
	// Output:
	// <nil>
	// [] <nil>
}
