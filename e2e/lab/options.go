// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"time"
)

// Names of the gateways, for options that can be limited to some of them.
const (
	Moon  = "moon"
	Sun   = "sun"
	Carol = "carol"
)

// An Option changes a laboratory before it is built. Options that take gateways
// apply to all of them if none is named.
type Option func(*options)

type options struct {
	swanctl    map[string]string // gateway → text
	strongswan map[string]string
	delay      map[string]time.Duration
	plugins    map[string]string // gateway → names
	noOdd      bool
}

func newOptions(opts []Option) *options {
	o := &options{
		swanctl:    map[string]string{},
		strongswan: map[string]string{},
		delay:      map[string]time.Duration{},
		plugins:    map[string]string{},
	}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// named tells whether an option for these gateways means this one.
func named(gateways []string, gateway string) bool {
	return len(gateways) == 0 || slices.Contains(gateways, gateway)
}

// WithSwanctl appends text to the gateways' swanctl.conf. strongSwan merges
// sections of the same name, and a later value replaces an earlier one, so the
// text can add connections as well as change what is there:
//
//	lab.WithSwanctl("connections { gw-gw { unique = replace } }", lab.Moon)
//
// ike-defaults and child-defaults hold what all connections and children share.
func WithSwanctl(text string, gateways ...string) Option {
	return func(o *options) { appendText(o.swanctl, text, gateways) }
}

// WithStrongswan appends text to the gateways' strongswan.conf, in the manner of
// [WithSwanctl].
func WithStrongswan(text string, gateways ...string) Option {
	return func(o *options) { appendText(o.strongswan, text, gateways) }
}

func appendText(texts map[string]string, text string, gateways []string) {
	for _, gateway := range []string{Moon, Sun, Carol} {
		if named(gateways, gateway) {
			texts[gateway] += text + "\n"
		}
	}
}

// WithChildRekey lets the gateways rekey all CHILD_SAs at that interval, less up
// to a tenth of it at random. Where only one end is named, the other is always
// the responder; with both, collisions happen by themselves.
func WithChildRekey(interval time.Duration, gateways ...string) Option {
	return WithSwanctl(setting("child-defaults", "rekey_time", interval), gateways...)
}

// WithIKERekey is [WithChildRekey] for IKE_SAs.
func WithIKERekey(interval time.Duration, gateways ...string) Option {
	return WithSwanctl(setting("ike-defaults", "rekey_time", interval), gateways...)
}

// WithReauth lets the gateways authenticate all IKE_SAs anew at that interval.
// Before 6.0 they break the old one first, unless make_before_break is set with
// [WithStrongswan].
func WithReauth(interval time.Duration, gateways ...string) Option {
	return WithSwanctl(setting("ike-defaults", "reauth_time", interval), gateways...)
}

// WithSlowUpdown lets the gateways sleep in the updown script of all children,
// and so keep the child's IKE_SA busy for that long whenever one comes up or goes
// down. [Gateway.Initiate] may return before the script does.
func WithSlowUpdown(pause time.Duration, gateways ...string) Option {
	return WithSwanctl(fmt.Sprintf("child-defaults { updown = sleep %d }", seconds(pause)), gateways...)
}

// WithPlugin lets the gateways' daemons load a further plugin.
func WithPlugin(name string, gateways ...string) Option {
	return func(o *options) { appendText(o.plugins, name, gateways) }
}

// WithoutOddNames leaves out the connection [OddConnection].
func WithoutOddNames() Option {
	return func(o *options) { o.noOdd = true }
}

// WithDelay delays what the gateways send and receive by that time one way.
func WithDelay(oneWay time.Duration, gateways ...string) Option {
	return func(o *options) {
		for _, gateway := range []string{Moon, Sun, Carol} {
			if named(gateways, gateway) {
				o.delay[gateway] = oneWay
			}
		}
	}
}

func setting(section, key string, value time.Duration) string {
	return fmt.Sprintf("%s { %s = %ds }", section, key, seconds(value))
}

// seconds is what strongSwan's settings can express of a duration.
func seconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }
