// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package vicitest is a fake charon for tests. It speaks the daemon's side of the VICI protocol on a real socket or over
// in-memory connections, as net/http/httptest speaks a web server's side of HTTP, so that what is tested is the client
// with all its reading, writing and waiting, and not an imitation of the client's own interface.
//
//	daemon := vicitest.NewDaemon(vicitest.Config{Generation: vicitest.Generation59})
//	defer daemon.Close()
//	daemon.Load(vicitest.Connection{Name: "gw-gw", Children: []vicitest.Child{{Name: "net-net"}}})
//	id, err := daemon.Establish("gw-gw", vicitest.Peer{}) // events go to who is registered for them
//
// There are two layers.
//
// # Server
//
// A [Server] knows the protocol and nothing else. Commands are functions by name, in a [Mux] or any other [Handler]; a
// command may stream any number of events, which take no memory since a slow client holds the command up. On the
// connection a Server does what real daemons were seen to do: it answers requests of a connection strictly in order,
// passes over segments that are no packets, closes the connection on a length above the bound, answers a half-closed one,
// never sends an answer that is too long for a segment, delivers an event once per registration, and sends a command's
// stream only to the connection that asked.
//
// What the clients did is told by [Server.Observe] and [Server.Requests]; [Server.WaitFor] waits for it without sleeping.
//
// # Faults
//
// Any command, and any registration for an event, can be made to go wrong with a [Fault], for as long as a test wants it:
//
//	heal := daemon.Fault("stats", vicitest.OnAnswer(vicitest.Truncated(100)))
//	defer heal()
//
// Faults wrap the right behaviour and each other: [Hang], [HangAfter], [Delay], [DropAfter], [Unknown], [Refuse],
// [EventFirst], and with a [Damage] of the bytes [OnPacket] and [OnAnswer]. Others are easily written with [Call.Filter].
// [Server.WrapConnections] makes whole connections go wrong ([SlowWrites], [DropAfterBytes], [Mute]), and
// [Server.RefuseConnections] refuses them.
//
// # Daemon
//
// A [Daemon] is a charon with a state on top of a Server: connections, IKE_SAs and CHILD_SAs, policies, pools,
// certificates, authorities, secrets and counters. All commands of the protocol work, and those that change the daemon do
// change it; load-conn takes the keys and values that daemons of the release take, and no others. Methods let SAs live:
// [Daemon.Establish], [Daemon.RekeyChild], [Daemon.Carry], [Daemon.Down] and so on. Each raises the events that real daemons
// raise, with the same keys in the same order; [Config.Generation] chooses the release, for order, keys, commands and events
// differ between them. The package's tests compare with recordings of real daemons, and the tests of package vici pass with
// it as with real ones.
//
// What it does not do by itself is live: nothing is rekeyed, expires or carries traffic unless it is told, so that a test
// is in control of each step. Time comes from [Config.Now]. The command vicisim makes a Daemon live.
//
// # Sockets and bubbles
//
// [NewServer] and [NewDaemon] listen on a Unix socket in a temporary directory; [Server.Address] is what [vici.Dial]
// takes. [NewUnstartedServer] and [NewUnstartedDaemon] have no socket: with [Server.Dial] as [vici.Dialer]'s DialContext a
// client talks to them over pipes, which works inside a bubble of testing/synctest, where timeouts and reconnects take no
// time and [testing/synctest.Test] itself finds goroutines that a client leaves behind.
package vicitest
