package delimited

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at as one word, in which a byte is a lane. The lanes of a mask are
// 0x80 or 0. See Warren, Hacker's Delight, section 6-1; these forms are exact in all lanes.
const (
	lanes = 0x0101010101010101
	low7  = 0x7f7f7f7f7f7f7f7f
	high  = 0x8080808080808080
	word  = 8 // bytes
)

// load returns the first eight bytes of b, the first one in the lowest lane.
func load(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// spread returns a word with c in all lanes.
func spread(c byte) uint64 { return uint64(c) * lanes }

// differ sets the high bit of the lanes in which w and pattern differ; the other bits are arbitrary.
func differ(w, pattern uint64) uint64 {
	v := w ^ pattern
	return (v&low7 + low7) | v
}

// equal returns the mask of the lanes in which w and pattern are equal.
func equal(w, pattern uint64) uint64 { return ^differ(w, pattern) & high }

// lane returns the number of the lowest lane that is set in mask.
func lane(mask uint64) int { return bits.TrailingZeros64(mask) / word }
