// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"cmp"
	"fmt"
)

// HalfOpen begins an IKE_SA that is not authenticated yet and returns its unique id. Without a connection it is a
// responder's, which has no name and does not know who the peer is; with one, this end tries to reach it.
func (d *Daemon) HalfOpen(connection, remoteHost string) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa := &IKESA{Name: Unnamed, Local: Endpoint{Host: "192.0.2.1"}, Suite: usualIKE()[0].suite()}
	if connection != "" {
		c := d.connection(connection)
		if c == nil {
			return 0, fmt.Errorf("%w: connection %q", ErrNoSuchConfig, connection)
		}
		sa = d.newIKESA(c, Peer{Host: remoteHost})
		sa.Suite, sa.ResponderSPI = Suite{}, 0 // nothing was agreed
		sa.TasksActive = []string{"IKE_VENDOR", "IKE_INIT", "IKE_NATD", "IKE_CERT_PRE", "IKE_AUTH", "CHILD_CREATE"}
	} else {
		sa.UniqueID, sa.Version = next(&d.ids.ike), 2
		sa.InitiatorSPI, sa.ResponderSPI = d.random.Uint64(), d.random.Uint64()
		sa.TasksPassive = []string{"IKE_CERT_PRE", "IKE_AUTH", "IKE_CERT_POST", "IKE_CONFIG", "CHILD_CREATE"}
		sa.Remote.Host = remoteHost
		d.count("", "ike-init-in-req", "ike-init-out-resp")
	}
	sa.State = IKEConnecting
	sa.Local.Port, sa.Remote.Port = ikePort, ikePort
	sa.Local.ID, sa.Remote.ID = cmp.Or(sa.Local.ID, "%any"), cmp.Or(sa.Remote.ID, "%any")
	d.ikes = append(d.ikes, sa)
	return sa.UniqueID, nil
}

// FailAuth ends an IKE_SA whose peer could not be authenticated: there is a down event although it never was up,
// and, where the generation has it, an alert. With IKEv1 the IKE_SA is told to be deleted then.
func (d *Daemon) FailAuth(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return err
	}
	d.RaiseAlert("peer-auth-failed", sa)
	shown := *sa
	if sa.Version == 1 {
		shown.State = IKEDeleting
	}
	d.RaiseIKEUpDown(&shown, false)
	d.drop(sa)
	return nil
}

// Vanish ends an IKE_SA without a down event, as daemons do with those that never were up, and raises an alert
// of the kind given, unless that is empty: half-open-timeout, retransmit-send-timeout.
func (d *Daemon) Vanish(id uint32, alert string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return err
	}
	if alert != "" {
		d.RaiseAlert(alert, sa)
	}
	d.drop(sa)
	return nil
}

// Move changes an IKE_SA's endpoints, as MOBIKE or a new NAT mapping does. Empty hosts and zero ports stay as they are;
// identities always do.
func (d *Daemon) Move(id uint32, local, remote Endpoint) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	sa, err := d.find(id)
	if err != nil {
		return err
	}
	local, remote = moved(sa.Local, local), moved(sa.Remote, remote)
	d.RaiseIKEUpdate(sa, local, remote)
	sa.Local, sa.Remote = local, remote
	return nil
}

func moved(from, to Endpoint) Endpoint {
	if to.Host != "" {
		from.Host = to.Host
	}
	if to.Port != 0 {
		from.Port = to.Port
	}
	return from
}

// Alert raises an alert about an IKE_SA, or about none if the unique id is 0.
func (d *Daemon) Alert(kind string, ikeID uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ikeID == 0 {
		d.RaiseAlert(kind, nil)
		return nil
	}
	sa, err := d.find(ikeID)
	if err != nil {
		return err
	}
	d.RaiseAlert(kind, sa)
	return nil
}
