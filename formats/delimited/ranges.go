package delimited

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const (
	// scanBlock is what a scan reads at a time, in bytes.
	scanBlock = 1 << 20
	// scanFirst is what it reads at first, and four times as much each time after that: there may be 100,000 small files.
	scanFirst = 16 << 10
)

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

// ScanRange scans the bytes of r from lo to hi as ScanReader does. name stands in errors, which are those of r,
// io.ErrUnexpectedEOF if it ends before hi, formats.ErrUTF16 and ErrComma.
func ScanRange(r io.ReaderAt, name string, lo, hi int64, comma byte) (Scanned, error) {
	scanned, err := scanRange(r, lo, hi, comma)
	if err != nil {
		return Scanned{}, fmt.Errorf("%s: %w", name, err)
	}
	return scanned, nil
}

func scanRange(r io.ReaderAt, lo, hi int64, comma byte) (Scanned, error) {
	var skip int64
	if lo < int64(len(input.Mark)) {
		n, err := markAt(r)
		if err != nil {
			return Scanned{}, err
		}
		skip = max(0, n-lo)
	}
	size := max(0, hi-lo)
	scanned, err := scanAll(io.NewSectionReader(r, lo, size), skip, min(size, scanBlock), comma)
	if err == nil && scanned.Size < size {
		err = fmt.Errorf("byte %d: %w", lo+scanned.Size, io.ErrUnexpectedEOF)
	}
	return scanned, err
}

// ScanReader scans r to its end, blocks of up to 1 MiB at a time; comma 0 means ','. The first byte of r is at offset at
// of the input; at its start, a byte order mark is no part of a record. Errors are those of r, formats.ErrUTF16 and ErrComma.
func ScanReader(r io.Reader, at int64, comma byte) (Scanned, error) {
	if at > 0 {
		return scanAll(r, 0, scanBlock, comma)
	}
	head := make([]byte, len(input.Mark))
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Scanned{}, err
	}
	skip, err := input.MarkLen(head[:n])
	if err != nil {
		return Scanned{}, err
	}
	return scanAll(io.MultiReader(bytes.NewReader(head[:n]), r), int64(skip), scanBlock, comma)
}

// scanAll scans r, whose first skip bytes are no part of a record, size bytes at a time.
func scanAll(r io.Reader, skip, size int64, comma byte) (Scanned, error) {
	comma, err := separator(comma)
	if err != nil {
		return Scanned{}, err
	}
	all := Scan(nil, comma)
	skipped, err := io.CopyN(io.Discard, r, skip)
	all.Size, all.From[AtRecord].First = skipped, skip
	size = max(size, 1)
	block := make([]byte, min(size, scanFirst))
	for err == nil {
		var n int
		n, err = io.ReadFull(r, block)
		all = Compose(all, Scan(block[:n], comma))
		if grown := min(size, 4*int64(len(block))); err == nil && grown > int64(len(block)) {
			block = make([]byte, grown)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return all, err
}

// markAt returns the length of the byte order mark at the start of r.
func markAt(r io.ReaderAt) (int64, error) {
	head := make([]byte, len(input.Mark))
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	n, err = input.MarkLen(head[:n])
	return int64(n), err
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
