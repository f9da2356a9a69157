// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package vici talks to charon, the IKE daemon of strongSwan, over its Versatile IKE Control Interface: it lists what
// is configured and what is up, initiates, rekeys and terminates SAs, loads connections and credentials, and reports
// events as they happen. It knows all commands and events of strongSwan 5.2 to 6.1 and what changed between these
// releases; it is tested with daemons from 5.9.1 on. It uses nothing but the standard library.
//
//	session, err := vici.Dial(ctx, "unix:///var/run/charon.vici")
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	for sa, err := range session.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(sa.Name, sa.State, sa.RemoteHost)
//	}
//
// # The protocol in brief
//
// A connection carries packets in both directions, each with its length before it. The client sends commands with a
// message; the daemon answers each with a message, in the order of the requests. A message is a tree: sections hold
// keys with a value, lists of values, and further sections. All values are text, certificates excepted.
//
// Besides answers there are events, for which a client registers. Some report what happens, at any time. Others carry
// the answer to a command piece by piece: list-sas, for one, sends a list-sa event for each IKE_SA before its answer,
// which is empty. There are no sequence numbers: an answer that is lost cannot be told from one that is late.
//
// The package has three levels, and each can be used alone. A [Decoder] walks over the bytes of a message and an
// [Encoder] writes them, without a tree in between. A [Message] is the tree; [Marshal] and [Unmarshal] convert it
// from and to Go structs by their tags; [Session.Call] and [Session.Stream] exchange messages. The typed methods, one
// for each command, and [Event.Decode] turn them into Go types.
//
// # Connecting
//
// [Dial] connects to the daemon's Unix socket, which belongs to the user and group that the daemon runs as, mostly
// root; clients must belong to them. A [Dialer] has more choices: TCP, a connection of another kind, a [Trace]. The
// daemon keeps only four connections waiting and refuses others at once; Dial tries again until its context ends.
//
// # Calling
//
// Each command has a method of [Session] that takes a context, and a request struct where there is something to
// choose. In requests, zero values are left out, so that the daemon's own defaults apply. In answers, absent is not
// zero: numbers and times are an [Opt], which knows whether the daemon sent the value; texts are empty where it did
// not. Times are whole seconds. Newer daemons send more than older ones; fields say since when they are there.
//
// The daemon takes a text that is not printable ASCII for missing, and the unique id 0 as well. A command with such a
// filter would apply to more than was meant, so a request with one is not sent: the error is a [*FieldError]. Secrets,
// keys and certificates are bytes, and may be any. [Session.Call] and [Session.Stream] send what they are given.
//
// A value that is not of the form that its field needs is left out and told to [Trace.Rejected]: one odd value must
// not hide an SA. What this package has no field for is ignored; [Session.Call] and [Session.Stream] show all.
//
// # Streaming
//
// Methods whose name begins with List return an iterator, and so does [Session.CountersOf], which asks for the counters
// of many connections one by one. The command runs while the loop does, so the loop body is what limits its speed.
// Leaving the loop early reads the rest and forgets it, so that the session can be used again; a context that ends
// instead closes the session. [Session.Initiate] and [Session.Terminate] hand the log of what they do to a function.
//
// # Events
//
// [Session.Events] turns a session into a subscription, and [Events.All] yields its events. A [Watcher] keeps a
// subscription for ever, over restarts of the daemon. [Event.Decode] gives an event its type; an [EventDecoder] does
// so ten thousand times a second with little work for the garbage collector.
//
// Events are what makes polling exact, and cannot replace it: they do not repeat what happened before the
// subscription, and some SAs end without one. Subscribe first, look second, and apply the events that come to what
// you saw. SAs are told apart by their unique ids; many of them can share a name.
//
// # Errors
//
// Every error of a function or method that talks to the daemon is an [*OpError] that tells the operation and the
// daemon's address. Inside it is one of
//
//   - a [*CommandError], the daemon's own refusal with its text, or a [*FieldError], a value of the request that cannot
//     be sent: [errors.As] finds these;
//   - [ErrUnknownCommand] or [ErrUnknownEvent], from a daemon that is too old or lacks a plugin: [errors.Is] finds
//     these and the following ones, and there is no other way to ask what a daemon can;
//   - [ErrMalformed] or [ErrTooLarge], where the daemon sent what the protocol does not allow;
//   - [ErrClosed], since the session was closed before;
//   - the context's error, or one of package net.
//
// The first two leave the session as it was, and so do a request that is too large, a message that is malformed inside a
// packet that is whole, and a context that ends before the call has its turn. Everything else leaves it in doubt to which
// request the next answer would belong, so the session closes itself ([Session.Err] tells); dial again. A command that
// was interrupted may have been carried out, and one that takes long goes on in the daemon.
//
// What only decodes or encodes has errors without an OpError: [ParseMessage] and [Decoder.Err] a [*SyntaxError] or one
// that matches [ErrTooLarge], [Event.Message], [Event.Decode] and [EventDecoder.Decode] the same with the event's name,
// [Marshal] and [Unmarshal] a [*FieldError] or a mistake in the program's types. [Watcher.Run] returns the error of its
// context, and hands those of its connections to OnDisconnect, among them what OnConnect returned.
//
// # Concurrency and lifetime
//
// A [Session] may be used by several goroutines: their calls take turns, each waiting under its own context. Reading
// and writing happen in the caller's goroutine, and a session starts none, so there is nothing to leak and nothing to
// stop but [Session.Close]. While a loop over a stream runs, it has the turn; a call of the same session inside the
// loop would wait for itself.
//
// What methods return belongs to the caller and refers to nothing of the session, except where there may be hundreds of
// thousands: what [Session.ListSAs], [Session.CountersOf], [Session.StreamRaw] and [Events.All] yield, and what
// [EventDecoder.Decode] and [PacketReader.Next] return, is valid until the next one only. The comment of each says so.
//
// # Safety of the daemon
//
// A client can harm a gateway. What it must know:
//
//   - The daemon queues what a client does not read, without limit, and cannot even shut down before the client has
//     read it or gone. Read what you asked for, or close the session.
//   - [ListSAsRequest.NoBlock] should be set. Without it the daemon waits for each IKE_SA that is busy, for minutes
//     at worst, with one of its sixteen worker threads that goes on waiting when the client has gone.
//   - [InitiateRequest.Timeout] should be set, for the same reason, and more of these must not run at once than the
//     daemon has idle workers.
//   - While the daemon lists SAs it can process few packets: about 25 µs for each IKE_SA. Do not list more often than
//     you need.
//   - An answer that does not fit into a packet of 512 KiB is never sent; nothing but a deadline ends the wait. Use
//     contexts with deadlines, and mind [PoolsRequest.Leases] and [CountersRequest.All].
//   - Daemons before 5.9.8 crash on an event that cannot be encoded, such as the listing of a revocation list of more
//     than 64 KiB. Give [ListCertsRequest.Type].
//
// VICI has no access control: who may connect may do everything.
//
// # Commands and events
//
// The version is the first strongSwan release that has the command or event.
//
//	command            method                     since
//	version            Session.Version            5.2.0
//	stats              Session.Stats              5.2.0
//	reload-settings    Session.ReloadSettings     5.2.1
//	initiate           Session.Initiate           5.2.0
//	terminate          Session.Terminate          5.2.0
//	rekey              Session.Rekey              5.5.2
//	redirect           Session.Redirect           5.4.0
//	install            Session.Install            5.2.0
//	uninstall          Session.Uninstall          5.2.0
//	list-sas           Session.ListSAs            5.2.0
//	list-policies      Session.ListPolicies       5.2.0
//	list-conns         Session.ListConns          5.2.0
//	get-conns          Session.ConnNames          5.2.0
//	list-certs         Session.ListCerts          5.2.0
//	list-authorities   Session.ListAuthorities    5.3.3
//	get-authorities    Session.AuthorityNames     5.3.3
//	load-conn          Session.LoadConn           5.2.0
//	unload-conn        Session.UnloadConn         5.2.0
//	load-cert          Session.LoadCert           5.2.0
//	load-key           Session.LoadKey            5.2.0
//	unload-key         Session.UnloadKey          5.5.2
//	get-keys           Session.KeyIDs             5.5.2
//	load-token         Session.LoadToken          5.5.2
//	load-shared        Session.LoadShared         5.2.0
//	unload-shared      Session.UnloadShared       5.5.2
//	get-shared         Session.SharedIDs          5.5.2
//	flush-certs        Session.FlushCerts         5.5.1
//	clear-creds        Session.ClearCreds         5.2.0
//	load-authority     Session.LoadAuthority      5.3.3
//	unload-authority   Session.UnloadAuthority    5.3.3
//	load-pool          Session.LoadPool           5.2.0
//	unload-pool        Session.UnloadPool         5.2.0
//	get-pools          Session.Pools              5.2.0
//	get-algorithms     Session.Algorithms         5.4.0
//	get-counters       Session.Counters           5.6.1
//	reset-counters     Session.ResetCounters      5.6.1
//
//	event              type                       since
//	log                Log                        5.2.0
//	control-log        ControlLog                 5.2.0
//	list-sa            IKESA                      5.2.0
//	list-policy        Policy                     5.2.0
//	list-conn          Conn                       5.2.0
//	list-cert          Cert                       5.2.0
//	list-authority     Authority                  5.3.3
//	ike-updown         IKEUpDown                  5.3.1
//	ike-rekey          IKERekey                   5.3.3
//	ike-update         IKEUpdate                  5.9.2
//	child-updown       ChildUpDown                5.3.1
//	child-rekey        ChildRekey                 5.3.3
//	alert              Alert                      6.0.3
package vici
