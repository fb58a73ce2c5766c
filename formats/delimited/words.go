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

// countStarts counts the lines of b that begin and are not blank, each at its first byte or,
// if that is '\r', at its second. prev and prev2 are the byte before b and the one before that.
func countStarts(b []byte, prev2, prev byte) int64 {
	var count int
	var afterLine, afterReturn uint64 // what lane 0 comes after
	if prev == '\n' {
		afterLine = 0x80
	}
	if prev == '\r' && prev2 == '\n' {
		afterReturn = 0x80
	}
	for len(b) > 0 {
		var w uint64
		if len(b) >= word {
			w, b = load(b), b[word:]
		} else {
			w, b = loadTail(b), nil
		}
		line, ret := equal(w, '\n'*lanes), equal(w, '\r'*lanes)
		first := line<<word | afterLine // lanes at the start of a line
		second := (first&ret)<<word | afterReturn
		count += bits.OnesCount64((first&^ret | second) &^ line)
		afterLine, afterReturn = line>>(7*word), (first&ret)>>(7*word)
	}
	return int64(count)
}

// loadTail returns fewer than eight bytes, filled up with line ends, where nothing starts.
func loadTail(b []byte) uint64 {
	tail := [word]byte{'\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n'}
	copy(tail[:], b)
	return load(tail[:])
}
