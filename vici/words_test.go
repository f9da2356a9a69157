// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Strings are those of the bytes, also where many share a slot, and stay when the bytes are overwritten.
func TestWords(t *testing.T) {
	var w words
	kept := make(map[string]string)
	buffer := make([]byte, 2*pieceSize)
	say := func(s string) {
		b := buffer[:copy(buffer, s)]
		kept[s] = w.text(b)
		require.Equal(t, s, kept[s])
		clear(b)
	}
	for i := range 3 << slotBits {
		for _, s := range []string{
			"", "a", "ab", "ESTABLISHED", fmt.Sprintf("10.%d.%d.7", i/256, i%256), fmt.Sprintf("user-%d@example.org", i), "net-" + strconv.Itoa(i),
		} {
			say(s)
		}
	}
	for _, n := range []int{pieceSize/8 - 1, pieceSize / 8, pieceSize/8 + 1, pieceSize, 2 * pieceSize} {
		say(strings.Repeat("x", n))
	}
	for want, got := range kept {
		require.Equal(t, want, got)
	}
}

func TestWordsAllocations(t *testing.T) {
	var w words
	again := []byte("HMAC_SHA2_256_128")
	require.Zero(t, testing.AllocsPerRun(100, func() { w.text(again) }))
	fresh := bytes.Repeat([]byte("peer-"), 5)
	i := 0
	require.Less(t, testing.AllocsPerRun(1000, func() {
		i++
		fresh[5], fresh[6] = byte(i), byte(i>>8)
		w.cut(fresh)
	}), 1.0)
}
