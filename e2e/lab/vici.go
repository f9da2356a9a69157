// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// This is the least of VICI that the laboratory needs where swanctl will not do.
// It does not use the client library, which the laboratory is there to test.

// requestTimeout bounds one request to a daemon.
const requestTimeout = 5 * time.Second

// request runs a command that answers without streaming, and returns the packet
// that was the answer. body is an encoded message.
func request(ctx context.Context, socket, command string, body []byte) ([]byte, error) {
	conn, err := (&net.Dialer{Timeout: requestTimeout}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	packet := append([]byte{0, byte(len(command))}, command...) // 0: CMD_REQUEST
	packet = append(packet, body...)
	segment := binary.BigEndian.AppendUint32(nil, uint32(len(packet)))
	if _, err := conn.Write(append(segment, packet...)); err != nil {
		return nil, err
	}
	var length uint32
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	answer := make([]byte, min(length, 512<<10))
	_, err = io.ReadFull(conn, answer)
	return answer, err
}

// A message is an encoded VICI message.
type message []byte

func (m message) section(name string, content message) message {
	m = append(m, 1, byte(len(name)))
	m = append(append(m, name...), content...)
	return append(m, 2)
}

func (m message) value(key, value string) message {
	m = append(m, 3, byte(len(key)))
	m = append(m, key...)
	return append(binary.BigEndian.AppendUint16(m, uint16(len(value))), value...)
}

func (m message) list(key string, items ...string) message {
	m = append(m, 4, byte(len(key)))
	m = append(m, key...)
	for _, item := range items {
		m = binary.BigEndian.AppendUint16(append(m, 5), uint16(len(item)))
		m = append(m, item...)
	}
	return append(m, 6)
}

// Names that swanctl.conf has no way to write, of a connection and of its child
// between moon and sun, with everything that a label or a log line must survive.
const (
	OddConnection = "gw \"odd\" {name} back\\slash"
	OddChild      = "child \"odd\" {name} back\\slash"
)

// oddNet is the inside network of the child with the odd name.
const oddNet = 6

// loadOdd loads the connection with the odd names.
func (g *Gateway) loadOdd(ctx context.Context) error {
	children := message{}.section(OddChild, message{}.
		list("local_ts", fmt.Sprintf("%s.%d.0/24", g.Net, oddNet)).
		list("remote_ts", fmt.Sprintf("%s.%d.0/24", g.peer.Net, oddNet)).
		list("esp_proposals", "aes256gcm16-x25519"))
	connection := message{}.
		value("version", "2").
		list("local_addrs", g.Outer).
		list("remote_addrs", g.peer.Outer).
		list("proposals", "aes256-sha256-x25519").
		section("local", message{}.value("auth", "psk").value("id", "gw-odd."+g.Name+".example")).
		section("remote", message{}.value("auth", "psk").value("id", "gw-odd."+g.peer.Name+".example")).
		section("children", children)
	answer, err := request(ctx, g.Socket(), "load-conn", message{}.section(OddConnection, connection))
	if err != nil {
		return fmt.Errorf("loading the connection with the odd name on %s: %w", g.Name, err)
	}
	if !bytes.Contains(answer, message{}.value("success", "yes")) {
		return fmt.Errorf("loading the connection with the odd name on %s: the daemon says %q",
			g.Name, strings.ToValidUTF8(string(answer), "."))
	}
	return nil
}
