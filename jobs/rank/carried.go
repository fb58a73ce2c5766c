package rank

import (
	"errors"
	"strconv"
	"strings"
)

// cell is the text of one column of a row. It is not ok where the row has none, or a null.
type cell struct {
	text []byte // valid until the next row
	ok   bool
}

// note is a cell that is kept.
type note struct {
	text string
	ok   bool
}

// pack joins cells into one text: each is its length in decimal, a colon and its bytes, or "-" if it has no text.
func pack(cells []cell) string {
	var b strings.Builder
	const head = len("1048576:")
	size := 0
	for _, c := range cells {
		size += head + len(c.text)
	}
	b.Grow(size)
	var digits [20]byte
	for _, c := range cells {
		if !c.ok {
			b.WriteByte('-')
			continue
		}
		b.Write(strconv.AppendInt(digits[:0], int64(len(c.text)), 10))
		b.WriteByte(':')
		b.Write(c.text)
	}
	return b.String()
}

var errPacked = errors.New("carried columns cannot be decoded")

// unpack splits what pack joined, and appends it to notes.
func unpack(notes []note, packed string) ([]note, error) {
	for packed != "" {
		if packed[0] == '-' {
			notes, packed = append(notes, note{}), packed[1:]
			continue
		}
		head, rest, found := strings.Cut(packed, ":")
		n, err := strconv.ParseUint(head, 10, 63)
		if !found || err != nil || n > uint64(len(rest)) {
			return notes, errPacked
		}
		notes, packed = append(notes, note{rest[:n], true}), rest[n:]
	}
	return notes, nil
}
