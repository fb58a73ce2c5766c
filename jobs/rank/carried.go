package rank

import (
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

// pack appends cells: each is its length plus one, lowest bits first, and its bytes, or a zero if it has no value.
func pack(b []byte, cells []tabular.Cell) []byte {
	var digits [32]byte
	for i := range cells {
		switch c := &cells[i]; {
		case !c.OK():
			b = append(b, 0)
		case c.Kind == tabular.Text:
			b = packText(b, c.Text)
		default:
			b = packText(b, c.AppendText(digits[:0]))
		}
	}
	return b
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
