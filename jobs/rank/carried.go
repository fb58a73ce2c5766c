package rank

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
)

// note is a cell that is carried.
type note struct {
	text []byte
	ok   bool // false where the row has no value
}

// lengthBits is how many bits of a length stand in a byte; the one above them says that more follow. So lengths are
// ASCII, and what is packed is UTF-8.
const lengthBits = 6

const more = 1 << lengthBits

// pack appends the cells of row i of a block, from a column on: each is its length plus one, lowest bits first, and its bytes,
// or a zero if it has no value.
func pack(to []byte, b *tabular.Block, i, from int) []byte {
	for column := from; column < b.Columns(); column++ {
		var digits [32]byte
		text, ok := b.Text(i, column, digits[:0])
		switch n := len(text); {
		case !ok:
			to = append(to, 0)
		case n < wordBytes:
			to = appendWord(append(to, byte(n+1)), text)
		default:
			to = packText(to, text)
		}
	}
	return to
}

// wordBytes is how many bytes make a word.
const wordBytes = 8

// appendWord appends a text of less than a word: what is so short takes less time byte by byte than by a call.
func appendWord(to, text []byte) []byte {
	n := len(text)
	to = append(to, 0, 0, 0, 0, 0, 0, 0)[:len(to)+n]
	b := to[len(to)-n:]
	switch {
	case n >= wordBytes/2:
		binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(text))
		binary.LittleEndian.PutUint32(b[n-wordBytes/2:], binary.LittleEndian.Uint32(text[n-wordBytes/2:]))
	case n > 0:
		b[0], b[n/2], b[n-1] = text[0], text[n/2], text[n-1]
	}
	return to
}

func packText(b, text []byte) []byte {
	n := uint(len(text)) + 1
	for ; n >= more; n >>= lengthBits {
		b = append(b, byte(n%more|more))
	}
	b = append(b, byte(n))
	return append(b, text...)
}

var errPacked = errors.New("carried columns cannot be decoded")

// unpack splits what pack joined, and appends it to notes, whose texts lie in b.
func unpack(notes []note, b []byte) ([]note, error) {
	for len(b) > 0 {
		n, head := length(b)
		if head == 0 || n > uint(len(b)-head)+1 {
			return notes, errPacked
		}
		b = b[head:]
		if n == 0 {
			notes = append(notes, note{})
			continue
		}
		notes, b = append(notes, note{b[: n-1 : n-1], true}), b[n-1:]
	}
	return notes, nil
}

// length reads a length plus one and the bytes that it takes, 0 if it is none.
func length(b []byte) (n uint, head int) {
	for i, c := range b {
		if c >= more<<1 || i*lengthBits >= strconv.IntSize-lengthBits {
			break
		}
		n |= uint(c%more) << (i * lengthBits)
		if c < more {
			return n, i + 1
		}
	}
	return 0, 0
}
