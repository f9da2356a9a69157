// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// An saDecoder reads IKE_SA sections (protocol document, "list-sa"). What it does not know it
// skips; what it cannot read it leaves out and tells the trace. Of a duplicate key the first
// counts.
type saDecoder struct {
	Decoder
	words *words
	trace *Trace

	// children reads the section child-sas that was just opened, where it is not as in a listing.
	children func(*IKESA)
}

func newSADecoder(body []byte, words *words, trace *Trace) saDecoder {
	return saDecoder{Decoder: NewDecoder(body), words: words, trace: trace}
}

// nameText is Name as a string.
func (d *saDecoder) nameText() string { return d.words.text(d.name) }

// valueText is Value as a string.
func (d *saDecoder) valueText() string { return d.words.text(d.value) }

// read reads a list-sa event: one section named after the connection.
func (sa *IKESA) read(d *saDecoder) error {
	found := false
	for d.Next() {
		if d.kind == SectionStart {
			d.sa(sa, &found)
		} else {
			d.Skip()
		}
	}
	return d.end(found, "list-sa without an IKE_SA")
}

// ikeSA reads the section that was just opened.
func (d *saDecoder) ikeSA(sa *IKESA, name string) {
	sa.reset(name)
	for d.Next() {
		switch d.kind {
		case KeyValue:
			d.ikeKey(sa)
		case ListStart:
			d.ikeList(sa)
		case SectionStart:
			switch {
			case string(d.name) != "child-sas":
				d.Skip()
			case d.children != nil:
				d.children(sa)
			default:
				d.childSAs(sa)
			}
		case SectionEnd:
			return
		case ListItem, ListEnd:
		}
	}
}

func (d *saDecoder) ikeKey(sa *IKESA) {
	if d.ikeIdentity(sa) || d.suite(&sa.Suite) {
		return
	}
	switch string(d.name) {
	case "nat-local":
		d.flag(&sa.NATLocal)
	case "nat-remote":
		d.flag(&sa.NATRemote)
	case "nat-fake":
		d.flag(&sa.NATFake)
	case "nat-any":
		d.flag(&sa.NATAny)
	case "if-id-in":
		hexNumber(d, &sa.IfIDIn)
	case "if-id-out":
		hexNumber(d, &sa.IfIDOut)
	case "ppk":
		d.flag(&sa.PPK)
	case "established":
		d.seconds(&sa.Established)
	case "rekey-time":
		d.seconds(&sa.RekeyTime)
	case "reauth-time":
		d.seconds(&sa.ReauthTime)
	}
}

// ikeIdentity reads the keys that say which IKE_SA this is and between whom.
func (d *saDecoder) ikeIdentity(sa *IKESA) bool {
	switch string(d.name) {
	case "uniqueid":
		number(d, &sa.UniqueID)
	case "version":
		d.string(&sa.Version)
	case "state":
		d.string(&sa.State)
	case "local-host":
		d.string(&sa.LocalHost)
	case "local-port":
		number(d, &sa.LocalPort)
	case "local-id":
		d.string(&sa.LocalID)
	case "remote-host":
		d.string(&sa.RemoteHost)
	case "remote-port":
		number(d, &sa.RemotePort)
	case "remote-id":
		d.string(&sa.RemoteID)
	case "remote-xauth-id":
		d.string(&sa.RemoteXAuthID)
	case "remote-eap-id":
		d.string(&sa.RemoteEAPID)
	case "initiator":
		d.flag(&sa.Initiator)
	case "initiator-spi":
		hexNumber(d, &sa.InitiatorSPI)
	case "responder-spi":
		hexNumber(d, &sa.ResponderSPI)
	default:
		return false
	}
	return true
}

// suite reads the keys of the negotiated proposal, which IKE_SAs and CHILD_SAs share.
func (d *saDecoder) suite(s *Suite) bool {
	switch string(d.name) {
	case "encr-alg":
		d.string(&s.Encryption)
	case "encr-keysize":
		number(d, &s.EncryptionBits)
	case "integ-alg":
		d.string(&s.Integrity)
	case "integ-keysize":
		number(d, &s.IntegrityBits)
	case "prf-alg":
		d.string(&s.PRF)
	case "dh-group":
		d.string(&s.KeyExchange)
	case "ake1", "ake2", "ake3", "ake4", "ake5", "ake6", "ake7":
		d.string(&s.AdditionalKE[d.name[3]-'1'])
	default:
		return false
	}
	return true
}

func (d *saDecoder) ikeList(sa *IKESA) {
	switch string(d.name) {
	case "local-vips":
		d.list(&sa.LocalVIPs)
	case "remote-vips":
		d.list(&sa.RemoteVIPs)
	case "tasks-queued":
		d.list(&sa.TasksQueued)
	case "tasks-active":
		d.list(&sa.TasksActive)
	case "tasks-passive":
		d.list(&sa.TasksPassive)
	default:
		d.Skip()
	}
}

// childSAs reads the section child-sas that was just opened.
func (d *saDecoder) childSAs(sa *IKESA) {
	for d.Next() && d.kind != SectionEnd {
		if d.kind == SectionStart {
			d.childSA(sa.addChild(d.nameText()))
		} else {
			d.Skip()
		}
	}
}

// childSA reads the section that was just opened.
func (d *saDecoder) childSA(c *ChildSA) {
	named := false
	for d.Next() {
		switch d.kind {
		case KeyValue:
			switch {
			case string(d.name) != "name":
				d.childKey(c)
			case named:
				d.reject()
			default:
				c.Name, named = d.valueText(), true
			}
		case ListStart:
			d.childList(c)
		case SectionStart:
			d.Skip()
		case SectionEnd:
			return
		case ListItem, ListEnd:
		}
	}
}

func (d *saDecoder) childKey(c *ChildSA) {
	if d.childTraffic(c) || d.suite(&c.Suite) || d.childMarks(c) {
		return
	}
	switch string(d.name) {
	case "uniqueid":
		number(d, &c.UniqueID)
	case "reqid":
		number(d, &c.ReqID)
	case "state":
		d.string(&c.State)
	case "mode":
		d.string(&c.Mode)
	case "label":
		d.string(&c.Label)
	case "protocol":
		d.string(&c.Protocol)
	case "encap":
		d.flag(&c.Encap)
	case "spi-in":
		hexNumber(d, &c.SPIIn)
	case "spi-out":
		hexNumber(d, &c.SPIOut)
	case "per-cpu-sas":
		d.flag(&c.PerCPUSAs)
	case "cpu":
		number(d, &c.CPU)
	case "esn":
		d.flag(&c.ESN)
	}
}

// childTraffic reads counters and times.
func (d *saDecoder) childTraffic(c *ChildSA) bool {
	switch string(d.name) {
	case "bytes-in":
		number(d, &c.BytesIn)
	case "packets-in":
		number(d, &c.PacketsIn)
	case "use-in":
		d.lastUse(&c.UseIn)
	case "bytes-out":
		number(d, &c.BytesOut)
	case "packets-out":
		number(d, &c.PacketsOut)
	case "use-out":
		d.lastUse(&c.UseOut)
	case "rekey-time":
		d.seconds(&c.RekeyTime)
	case "life-time":
		d.seconds(&c.LifeTime)
	case "install-time":
		d.seconds(&c.InstallTime)
	default:
		return false
	}
	return true
}

// childMarks reads what only special configurations have.
func (d *saDecoder) childMarks(c *ChildSA) bool {
	switch string(d.name) {
	case "cpi-in":
		hexNumber(d, &c.CPIIn)
	case "cpi-out":
		hexNumber(d, &c.CPIOut)
	case "mark-in":
		hexNumber(d, &c.MarkIn)
	case "mark-mask-in":
		hexNumber(d, &c.MarkMaskIn)
	case "mark-out":
		hexNumber(d, &c.MarkOut)
	case "mark-mask-out":
		hexNumber(d, &c.MarkMaskOut)
	case "if-id-in":
		hexNumber(d, &c.IfIDIn)
	case "if-id-out":
		hexNumber(d, &c.IfIDOut)
	default:
		return false
	}
	return true
}

func (d *saDecoder) childList(c *ChildSA) {
	switch string(d.name) {
	case "local-ts":
		d.list(&c.LocalTS)
	case "remote-ts":
		d.list(&c.RemoteTS)
	default:
		d.Skip()
	}
}
