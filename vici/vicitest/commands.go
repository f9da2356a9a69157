// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vicitest

import (
	"errors"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// allCommands are the commands of all releases.
func (d *Daemon) allCommands() map[string]feature {
	v52 := release(5, 2, 0)
	return map[string]feature{
		"version":          {v52, d.version},
		"stats":            {v52, d.stats},
		"reload-settings":  {release(5, 2, 1), Answer(success())},
		"initiate":         {v52, d.initiate},
		"terminate":        {v52, d.terminate},
		"rekey":            {release(5, 5, 2), d.rekey},
		"redirect":         {release(5, 4, 0), d.redirect},
		"install":          {v52, d.locked(d.installCommand)},
		"uninstall":        {v52, d.locked(d.uninstallCommand)},
		"list-sas":         {v52, d.listSAs},
		"list-policies":    {v52, d.listPolicies},
		"list-conns":       {v52, d.listConns},
		"get-conns":        {v52, d.locked(d.getConns)},
		"list-certs":       {v52, d.listCerts},
		"list-authorities": {release(5, 3, 3), d.listAuthorities},
		"get-authorities":  {release(5, 3, 3), d.locked(d.getAuthorities)},
		"load-conn":        {v52, d.loading(d.loadConn)},
		"unload-conn":      {v52, d.locked(d.unloadConn)},
		"load-cert":        {v52, d.locked(d.loadCert)},
		"load-key":         {v52, d.locked(d.loadKey)},
		"unload-key":       {release(5, 5, 2), d.locked(d.unloadKey)},
		"get-keys":         {release(5, 5, 2), d.locked(d.getKeys)},
		"load-token":       {release(5, 5, 2), d.locked(d.loadToken)},
		"load-shared":      {v52, d.locked(d.loadShared)},
		"unload-shared":    {release(5, 5, 2), d.locked(d.unloadShared)},
		"get-shared":       {release(5, 5, 2), d.locked(d.getShared)},
		"flush-certs":      {release(5, 5, 1), d.locked(d.flushCerts)},
		"clear-creds":      {v52, d.locked(d.clearCreds)},
		"load-authority":   {release(5, 3, 3), d.loading(d.loadAuthority)},
		"unload-authority": {release(5, 3, 3), d.locked(d.unloadAuthority)},
		"load-pool":        {v52, d.loading(d.loadPool)},
		"unload-pool":      {v52, d.locked(d.unloadPool)},
		"get-pools":        {v52, d.locked(d.getPools)},
		"get-algorithms":   {release(5, 4, 0), d.getAlgorithms},
		"get-counters":     {release(5, 6, 1), d.locked(d.getCounters)},
		"reset-counters":   {release(5, 6, 1), d.locked(d.resetCounters)},
	}
}

func (d *Daemon) unloadConn(request *vici.Message) (*vici.Message, error) {
	name, ok := text(request, "name")
	if !ok {
		return nil, errors.New("unload: missing connection name")
	}
	if !d.unload(name) {
		return nil, errors.New("unload: connection '" + name + "' not found")
	}
	return success(), nil
}
