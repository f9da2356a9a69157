// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A wire joins two network namespaces and delays what passes, by the same time in
// both directions. It runs in this process, over two TAP devices, because not
// every kernel has the netem queueing discipline. It ends with the process.
type wire struct {
	taps   [2]*os.File
	closed chan struct{}
	copies sync.WaitGroup
}

// An end says where one end of a wire goes: the device's name in a namespace.
type end struct{ namespace, device string }

// maxFrame is enough for an Ethernet frame of the default MTU.
const maxFrame = 2048

// A frame is what came out of one end of a wire, and when it has to enter the
// other.
type frame struct {
	data []byte
	due  time.Time
}

// newWire makes a wire with a one-way delay.
func newWire(ctx context.Context, delay time.Duration, a, b end) (*wire, error) {
	w := &wire{closed: make(chan struct{})}
	for i, e := range []end{a, b} {
		tap, err := openTap(ctx, e)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.taps[i] = tap
	}
	w.carry(w.taps[0], w.taps[1], delay)
	w.carry(w.taps[1], w.taps[0], delay)
	return w, nil
}

// Close removes the wire and its devices, and waits until nothing of it runs.
func (w *wire) Close() error {
	close(w.closed)
	var errs []error
	for _, tap := range w.taps {
		if tap != nil {
			errs = append(errs, tap.Close())
		}
	}
	w.copies.Wait()
	return errors.Join(errs...)
}

// carry copies frames from one device to the other until the wire is closed.
func (w *wire) carry(from, to *os.File, delay time.Duration) {
	const inFlight = 16384 // more than 100 Mbit/s need for a second
	frames := make(chan frame, inFlight)
	w.copies.Go(func() {
		defer close(frames)
		receive(from, frames, delay)
	})
	w.copies.Go(func() { w.send(to, frames) })
}

// receive queues frames until the device is gone. What does not fit is lost.
func receive(from *os.File, frames chan<- frame, delay time.Duration) {
	buffer := make([]byte, maxFrame)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case frames <- frame{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}:
		default:
		}
	}
}

// send writes each frame when it is due.
func (w *wire) send(to *os.File, frames <-chan frame) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f := range frames {
		timer.Reset(time.Until(f.due))
		select {
		case <-timer.C:
			_, _ = to.Write(f.data) // a device that is down loses frames, as wires do
		case <-w.closed:
			return
		}
	}
}

// openTap makes a TAP device and moves it to where it belongs. The device lives
// as long as the file is open.
func openTap(ctx context.Context, e end) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq("swlab%d") // the kernel fills in a free number
	if err != nil {
		return nil, errors.Join(fmt.Errorf("naming a TAP device: %w", err), unix.Close(fd))
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, errors.Join(fmt.Errorf("making a TAP device: %w", err), unix.Close(fd))
	}
	tap := os.NewFile(uintptr(fd), request.Name())
	move := command(ctx, "ip", "link", "set", request.Name(), "netns", e.namespace, "name", e.device)
	if _, err := run(ctx, move); err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	return tap, nil
}
