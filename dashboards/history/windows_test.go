// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"encoding/binary"
	"strconv"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
	"github.com/strongswan-exporter/strongswan_exporter/vici/vicitest"
)

// amended lets a command answer something else than the fake daemon, which is always one on Linux, would.
func amended(amend func(*vici.Message) *vici.Message) vicitest.Fault {
	const head = 5 // length and kind of the packet
	return func(next vicitest.Command) vicitest.Command {
		return func(c *vicitest.Call) (*vici.Message, error) {
			return next(c.Filter(func(segment []byte, send func([]byte) error) error {
				var answer vici.Message
				if err := answer.UnmarshalBinary(segment[head:]); err != nil {
					return err
				}
				body, err := amend(&answer).MarshalBinary()
				if err != nil {
					return err
				}
				packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
				return send(append(append(packet, segment[head-1]), body...))
			}))
		}
	}
}

func windowsVersion(m *vici.Message) *vici.Message {
	version, _ := m.Value("version")
	return new(vici.Message).Add("daemon", "charon-svc").Add("version", version).
		Add("sysname", "Windows Server").Add("release", "10.0.20348").Add("machine", "x86_64")
}

// windowsMemory adds what a daemon says that counts its allocations itself.
func windowsMemory(m *vici.Message) *vici.Message {
	const blocksAtRest, blocksOfSA, bytesOfBlock = 21_000, 140, 82
	sas, _ := m.Section("ikesas").Value("total")
	n, _ := strconv.Atoi(sas) // the fake daemon wrote it
	blocks := blocksAtRest + n*blocksOfSA
	return m.AddSection("mem", new(vici.Message).
		Add("total", strconv.Itoa(blocks*bytesOfBlock)).Add("allocs", strconv.Itoa(blocks)))
}
