// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "strconv"

// cities make connection names that one can tell apart on a dashboard.
var cities = [...]string{
	"berlin", "zurich", "vienna", "paris", "london", "madrid", "lisbon", "rome", "milan", "prague",
	"warsaw", "krakow", "oslo", "bergen", "stockholm", "helsinki", "tallinn", "riga", "vilnius", "dublin",
	"amsterdam", "brussels", "lyon", "porto", "athens", "sofia", "bucharest", "budapest", "zagreb", "ljubljana",
	"bern", "geneva", "munich", "hamburg", "cologne", "leipzig", "graz", "salzburg", "turin", "naples",
}

// people are road warriors.
var people = [...]string{
	"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
	"kilian", "laura", "mallory", "nina", "oscar", "peggy", "quentin", "rupert", "sybil", "trent",
}

// place names the n-th place: berlin … naples, berlin-2, and so on.
func place(n int) string {
	name := cities[n%len(cities)]
	if round := n / len(cities); round > 0 {
		name += "-" + strconv.Itoa(round+1)
	}
	return name
}

// person names the n-th road warrior: alice … trent, alice-2, and so on.
func person(n int) string {
	name := people[n%len(people)]
	if round := n / len(people); round > 0 {
		name += "-" + strconv.Itoa(round+1)
	}
	return name
}

// ip4 returns the n-th address of a network with at least n addresses.
func ip4(a, b byte, n int) string {
	buf := make([]byte, 0, len("255.255.255.255"))
	buf = strconv.AppendUint(buf, uint64(a)+uint64(n>>24), 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, uint64(b)+uint64(n>>16&0xff), 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, uint64(n>>8&0xff), 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, uint64(n&0xff), 10)
	return string(buf)
}
