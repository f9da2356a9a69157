// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import "context"

// maxPipelined is how many requests of a pipeline the daemon has at a time. It executes them one after another all the
// same; with more than one it does not wait for the client in between, nor the client for it.
const maxPipelined = 32

// A pipeline runs one command many times.
type pipeline struct {
	session *Session
	command string
	next    func(request *Encoder) bool // writes one more request, or reports that there are no more
	answer  func(body []byte) error     // takes an answer, which it must not keep

	sent, answered int
	encoder        Encoder
	body           []byte
	err            error // the first that came with a whole answer
}

// run sends all requests and reads all answers. After an answer that is an error it sends no more and reads those that
// are due, so that the session stays usable.
func (p *pipeline) run(ctx context.Context) error {
	for {
		if p.sent-p.answered <= maxPipelined/2 {
			if err := p.fill(); err != nil {
				return err
			}
		}
		if p.sent == p.answered {
			return p.err
		}
		err := p.read(ctx)
		if err != nil && !harmless(err) {
			return err
		}
		if p.err == nil {
			p.err = err
		}
	}
}

// fill sends as many requests as the daemon may have, in one piece.
func (p *pipeline) fill() error {
	out := p.session.out[:0]
	for p.err == nil && p.sent-p.answered < maxPipelined {
		p.encoder.Reset(p.body[:0])
		if !p.next(&p.encoder) {
			break
		}
		body, err := p.encoder.Bytes()
		if err == nil {
			p.body = body
			out, err = AppendPacket(out, CmdRequest, p.command, body)
		}
		if err != nil {
			p.err = content(err)
			break
		}
		p.sent++
		if p.sent > 1 { // the exchange itself stands for one
			p.session.trace.request(p.command)
		}
	}
	p.session.out = out
	if len(out) == 0 {
		return nil
	}
	_, err := p.session.conn.Write(out)
	return err
}

// read reads one answer.
func (p *pipeline) read(ctx context.Context) error {
	body, err := p.session.response(ctx, p.session.unexpected)
	if err == nil {
		err = content(p.answer(body))
	}
	p.answered++
	return err
}
