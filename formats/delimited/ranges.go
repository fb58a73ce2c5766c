package delimited

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/formats"
)

// scanBlock is what ScanRange reads at a time, in bytes.
const scanBlock = 1 << 20

// Compose returns what Scan returns for the part of a and, behind it, the part of b.
func Compose(a, b Scanned) Scanned {
	ab := Scanned{Size: a.Size + b.Size, Lines: a.Lines + b.Lines}
	for s, o := range a.From {
		next := b.From[o.End]
		o.End = next.End
		o.Records += next.Records
		if !o.Found && next.Found {
			o.Found, o.First, o.Before = true, a.Size+next.First, a.Lines+next.Before
		}
		ab.From[s] = o
	}
	return ab
}

// ScanRange scans the bytes of r from lo to hi, a block of 1 MiB at a time; comma 0 means ','.
// name stands in errors, which are those of r, io.ErrUnexpectedEOF if it ends before hi,
// formats.ErrUTF16 and ErrComma.
func ScanRange(r io.ReaderAt, name string, lo, hi int64, comma byte) (Scanned, error) {
	comma, err := separator(comma)
	if err != nil {
		return Scanned{}, err
	}
	all := Scan(nil, comma)
	if lo < int64(len(mark)) {
		n, err := markAt(r)
		if err != nil {
			return Scanned{}, fmt.Errorf("%s: %w", name, err)
		}
		all.Size = max(0, min(n, hi)-lo)
		all.From[AtRecord].First = max(0, n-lo)
	}
	block := make([]byte, max(0, min(scanBlock, hi-lo)))
	for at := lo + all.Size; at < hi; at = lo + all.Size {
		part := block[:min(int64(len(block)), hi-at)]
		if n, err := r.ReadAt(part, at); n < len(part) {
			return Scanned{}, fmt.Errorf("%s: byte %d: %w", name, at+int64(n), noEOF(err))
		}
		all = Compose(all, Scan(part, comma))
	}
	return all, nil
}

// markAt returns the length of the byte order mark at the start of r.
func markAt(r io.ReaderAt) (int64, error) {
	head := make([]byte, len(mark))
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	n, err = markLen(head[:n])
	return int64(n), err
}

// markLen returns the length of the byte order mark at the start of an input.
func markLen(head []byte) (int, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return 0, formats.ErrUTF16
	case bytes.HasPrefix(head, []byte(mark)):
		return len(mark), nil
	default:
		return 0, nil
	}
}

// noEOF is for an input that ends too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Starts returns for each of the parts, which follow each other from base on, the first place between
// two records in it or, if it has none, behind it. One more Position is behind
// all parts; its Row is the number of all records. A Reader of part i is done at Position i+1.
func Starts(base Position, parts []Scanned) []Position {
	at, state := base, AtRecord
	starts := make([]Position, len(parts)+1)
	open := 0 // parts before it have their place
	for i, p := range parts {
		o := p.From[state]
		if o.Found {
			first := Position{Offset: at.Offset + o.First, Line: at.Line + o.Before, Row: at.Row}
			for ; open <= i; open++ {
				starts[open] = first
			}
		}
		at = Position{Offset: at.Offset + p.Size, Line: at.Line + p.Lines, Row: at.Row + o.Records}
		state = o.End
	}
	if state == Return {
		at.Offset--
	}
	for ; open <= len(parts); open++ {
		starts[open] = at
	}
	return starts
}
