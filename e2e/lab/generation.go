// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Generations returns the names of the generations of strongSwan that the
// laboratory can run, oldest first. A generation is named by the version that it
// had when the laboratory was made; see [Lab.Version] for the exact one.
func Generations() []string {
	return []string{"5.9.1", "5.9.8", "6.0.1", "6.1.0"}
}

// hostPrograms are what the laboratory runs from the machine itself rather than
// from a generation's tree.
func hostPrograms() []string {
	return []string{"ip", "ping", "iperf3", "openssl", "unshare"}
}

// A tree is the root directory of a minimal Debian that has the strongSwan of one
// generation. It is never written to: gateways share it, each with mounts of its
// own (see enterScript).
type tree struct {
	generation string
	root       string
	version    string // of strongSwan, as installed: 5.9.8
}

// findTree returns the tree that scripts/lab-setup made for a generation.
func findTree(generation string) (tree, error) {
	if !slices.Contains(Generations(), generation) {
		return tree{}, fmt.Errorf("there is no strongSwan generation %q, only %s",
			generation, strings.Join(Generations(), ", "))
	}
	cache, err := cacheDir()
	if err != nil {
		return tree{}, err
	}
	root := filepath.Join(cache, generation)
	version, err := os.ReadFile(filepath.Join(root, "lab-version"))
	if err != nil {
		return tree{}, fmt.Errorf("no tree of strongSwan %s in %s: run scripts/lab-setup %s as root",
			generation, cache, generation)
	}
	return tree{generation: generation, root: root, version: strings.TrimSpace(string(version))}, nil
}

// cacheDir is where scripts/lab-setup puts the trees.
func cacheDir() (string, error) {
	if dir := os.Getenv("STRONGSWAN_LAB_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the laboratory's trees: %w; set STRONGSWAN_LAB_CACHE", err)
	}
	return filepath.Join(dir, "strongswan_exporter", "lab"), nil
}

// check says what the machine lacks for running the given generations.
func check(generations []string) error {
	var errs []error
	if os.Geteuid() != 0 {
		errs = append(errs, errors.New("the laboratory needs root, for network namespaces and mounts"))
	}
	for _, program := range hostPrograms() {
		if _, err := exec.LookPath(program); err != nil {
			errs = append(errs, fmt.Errorf("no program %s on this machine: run scripts/lab-setup as root", program))
		}
	}
	for _, generation := range generations {
		if _, err := findTree(generation); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// atLeast tells whether the tree's strongSwan is of that version or a newer one.
func (t tree) atLeast(major, minor int) bool {
	var have [2]int
	for i, part := range strings.SplitN(t.version, ".", 3)[:2] {
		have[i], _ = strconv.Atoi(part) // what is no number is 0: older than anything
	}
	return slices.Compare(have[:], []int{major, minor}) >= 0
}

// plugins returns what charon loads, in order. It differs between generations
// only by what a generation does not have.
func (t tree) plugins() string {
	wanted := strings.Fields(`random nonce aes sha1 sha2 hmac kdf pem pkcs1 pkcs8 x509 revocation
		constraints pubkey curve25519 gmp gcm openssl curl kernel-libipsec kernel-netlink
		socket-default vici updown counters attr eap-identity eap-mschapv2 xauth-generic`)
	missing := func(plugin string) bool {
		_, err := os.Stat(filepath.Join(t.root, "usr/lib/ipsec/plugins", "libstrongswan-"+plugin+".so"))
		return err != nil
	}
	return strings.Join(slices.DeleteFunc(wanted, missing), " ")
}
