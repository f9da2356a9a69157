// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// A session whose context ended during a call is closed, since the answer may still come. A program that runs long dials
// again.
func ExampleSession_Err() {
	daemon := gateway()
	defer daemon.Close()
	heal := daemon.Fault("stats", vicitest.Hang())
	ctx := context.Background()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { session.Close() }() // of the one that is there at the end

	hurried, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = session.Stats(hurried)
	fmt.Println("late:", errors.Is(err, context.DeadlineExceeded))
	_, err = session.Version(ctx)
	fmt.Println("closed:", errors.Is(err, vici.ErrClosed))
	heal()
	if session.Err() != nil {
		if session, err = vici.Dial(ctx, daemon.Address()); err != nil {
			fmt.Println(err)
			return
		}
	}
	stats, err := session.Stats(ctx)
	fmt.Println("IKE_SAs:", stats.IKESAs.Total, err)
	// Output:
	// late: true
	// closed: true
	// IKE_SAs: 1 <nil>
}

// What the daemon is asked for can be bounded: in time by the context, and in what it holds up by the request.
func ExampleListSAsRequest() {
	daemon := gateway()
	defer daemon.Close()
	release, err := daemon.SetBusy(1) // such as by a script that takes long
	if err != nil {
		fmt.Println(err)
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	session, err := vici.Dial(ctx, daemon.Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	listed := uint64(0)
	for _, err := range session.ListSAs(ctx, vici.ListSAsRequest{NoBlock: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		listed++
	}
	stats, err := session.Stats(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("listed", listed, "of", stats.IKESAs.Total, "without waiting for those that are busy")
	// Output:
	// listed 0 of 1 without waiting for those that are busy
}

// Structs say by tags what they take from a message. Errors name the place of what does not fit.
func ExampleUnmarshal() {
	type childSA struct {
		Key     string           `vici:",name"`
		SPI     vici.Opt[uint32] `vici:"spi-in,hex"`
		BytesIn vici.Opt[uint64] `vici:"bytes-in"`
		UseIn   vici.Opt[uint64] `vici:"use-in"`
	}
	type ikeSA struct {
		Name     string        `vici:",name"`
		State    string        `vici:"state"`
		Children []childSA     `vici:"child-sas"`
		Rest     *vici.Message `vici:",rest"`
	}
	message := func(bytes string) *vici.Message {
		child := new(vici.Message).Add("spi-in", "c0ffee00").Add("bytes-in", bytes)
		return new(vici.Message).AddSection("gw-gw", new(vici.Message).
			Add("state", "ESTABLISHED").Add("version", "2").
			AddSection("child-sas", new(vici.Message).AddSection("net-net-1", child)))
	}

	var sas []ikeSA
	if err := vici.Unmarshal(message("1400"), &sas); err != nil {
		fmt.Println(err)
		return
	}
	child := sas[0].Children[0]
	fmt.Println(sas[0].Name, sas[0].State, child.Key, child.BytesIn, child.UseIn)
	fmt.Println("not asked for:", sas[0].Rest)
	fmt.Println(vici.Unmarshal(message("many"), &sas))
	// Output:
	// gw-gw ESTABLISHED net-net-1 1400 -
	// not asked for: {version=2}
	// gw-gw.child-sas.net-net-1.bytes-in: "many": not a number: invalid syntax
}

// Values that do not fit can be left out, and what no field takes can be an error.
func ExampleUnmarshalOptions() {
	m := new(vici.Message).Add("size", "14").Add("online", "some").Add("colour", "blue")
	type pool struct {
		Size   uint32           `vici:"size"`
		Online vici.Opt[uint32] `vici:"online"`
	}

	var lenient pool
	options := vici.UnmarshalOptions{Rejected: func(e *vici.FieldError) { fmt.Println("left out:", e.Path) }}
	fmt.Println(options.Unmarshal(m, &lenient), lenient.Size, lenient.Online.Present())

	var strict struct {
		Size   uint32 `vici:"size"`
		Online string `vici:"online"`
	}
	fmt.Println(vici.UnmarshalOptions{DisallowUnknown: true}.Unmarshal(m, &strict))
	// Output:
	// left out: online
	// <nil> 14 false
	// colour: "blue": unknown key
}

// Zero values are left out of a request, so that the daemon's defaults apply; an Opt sends them.
func ExampleMarshal() {
	request := struct {
		Child   string           `vici:"child"`
		IKE     string           `vici:"ike"`
		ChildID vici.Opt[uint32] `vici:"child-id"`
		Force   bool             `vici:"force"`
		Limits  vici.Opt[bool]   `vici:"init-limits"`
	}{Child: "net-net", ChildID: vici.Some[uint32](0), Limits: vici.Some(false)}
	m, err := vici.Marshal(request)
	fmt.Println(m, err)

	m, err = vici.Marshal(map[string]any{"timeout": -1, "owners": []string{"moon", "sun"}})
	fmt.Println(m, err)
	// Output:
	// {child=net-net child-id=0 init-limits=no} <nil>
	// {owners=[moon sun] timeout=-1} <nil>
}
