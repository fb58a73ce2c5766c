// Package chars tells whether the characters of a text are good.
package chars

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

// Check returns formats.ErrNUL for a text with a NUL and formats.ErrNotUTF8 for one that is not UTF-8.
func Check(text []byte) error {
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return formats.ErrNUL
	case !ASCII(text) && !utf8.Valid(text):
		return formats.ErrNotUTF8
	}
	return nil
}

// ASCII reports whether all bytes are below 0x80. It is faster than utf8.Valid, as it looks at all of the text in any
// case. The last word or half word overlaps the one before it where the length is not a multiple.
func ASCII(text []byte) bool {
	const chunk, high = 64, 0x8080808080808080
	var all uint64
	for ; len(text) >= chunk; text = text[chunk:] {
		c := (*[chunk]byte)(text)
		all |= word(c[0:]) | word(c[8:]) | word(c[16:]) | word(c[24:]) | word(c[32:]) | word(c[40:]) | word(c[48:]) | word(c[56:])
	}
	switch n := len(text); {
	case n >= 8:
		all |= word(text[n-8:])
		for ; len(text) > 8; text = text[8:] {
			all |= word(text)
		}
	case n >= 4:
		all |= uint64(half(text) | half(text[n-4:]))
	default:
		for _, c := range text {
			all |= uint64(c)
		}
	}
	return all&high == 0
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
func half(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
