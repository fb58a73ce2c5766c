// Package text reads input line by line, whole or in parts that begin anywhere.
//
// # Format
//
// UTF-8 text, with or without a byte order mark. A line ends with "\n" or "\r\n" or
// at the end of the input; the line end is not part of it. Blank lines count as lines.
//
// A line that is longer than the reader's limit, that has a NUL, or that is not valid UTF-8
// is a *formats.RowError, and reading goes on with the next line. An input
// that begins with a UTF-16 byte order mark is refused.
//
// # Parts of a file
//
// Scan counts the line ends of a part and finds where its first line starts, so parts can be scanned in parallel and
// in any order. Compose joins the results of neighbours. Starts turns the results of all parts into
// the Position of the first line of each, where NewPartReader begins:
//
//	scans[i], err = text.ScanReader(io.NewSectionReader(file, cuts[i], cuts[i+1]-cuts[i])) // cuts[0] is 0
//	starts := text.Starts(text.Position{Line: 1}, scans)
//	at := starts[i].Offset
//	r := text.NewPartReader(io.NewSectionReader(file, at, size-at), name, starts[i], cuts[i+1], 0)
package text

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/chars"
	"github.com/shardmill/shardmill/formats/internal/input"
)

const (
	defaultMax = 1 << 20
	checkBlock = 8 << 10
	maxRaw     = 4096 // bytes of a bad line that its RowError carries
)

// RowError is formats.RowError.
type RowError = formats.RowError

// Line is one line of text.
type Line struct {
	Number int64  // 1-based
	Text   string // without its line end
}

// Position is a place in the input between two lines, or at its end.
type Position struct {
	Offset int64 // in bytes
	Line   int64 // number of the line that begins or goes on here, 1-based
}

// Reader reads lines. It holds 256 KiB of the input, or as much as the longest line so far. It is not safe for
// concurrent use.
type Reader struct {
	window
	name string
	max  int
	hi   int64 // lines start before this offset
	line int64 // number of the line at buf[pos]
	seen int   // of the text before buf[seen] is known whether it is good
	good bool  // and it is
	err  error // sticky
}

// NewReader returns a Reader of all of r. name stands in errors. max bounds the bytes of a
// line without its line end; 0 or less means 1 MiB.
func NewReader(r io.Reader, name string, max int) *Reader {
	return NewPartReader(r, name, Position{Line: 1}, math.MaxInt64, max)
}

// NewPartReader returns a Reader of the lines that start at from or after it and before offset hi. The first byte of r is at
// from.Offset; r is read as far past hi as the last line goes, and a window more. name and max are as for NewReader.
func NewPartReader(r io.Reader, name string, from Position, hi int64, max int) *Reader {
	return newReader(r, name, from, hi, max, windowSize)
}

// newReader begins with a window of room bytes.
func newReader(r io.Reader, name string, from Position, hi int64, max, room int) *Reader {
	if max <= 0 {
		max = defaultMax
	}
	return &Reader{window: newWindow(r, from.Offset, room), name: name, max: max, hi: hi, line: from.Line}
}

// Position returns the place after the last line that was read.
func (r *Reader) Position() Position {
	return Position{Offset: r.offset + int64(r.pos), Line: r.line}
}

// Read sets l to the next line. A *RowError is a bad line: l is not set, and the next
// Read goes on after it. At the end the error is io.EOF. Any other error is one of the
// input and stays.
func (r *Reader) Read(l *Line) error {
	text, number, err := r.ReadBytes()
	if err != nil {
		return err
	}
	*l = Line{Number: number, Text: string(text)}
	return nil
}

// ReadBytes returns the next line without its line end, and its number. The text is valid until the next call. Errors are
// those of Read.
func (r *Reader) ReadBytes() (text []byte, number int64, err error) {
	for r.err == nil {
		if r.offset+int64(r.pos) >= r.hi {
			return nil, 0, io.EOF
		}
		n := bytes.IndexByte(r.buf[r.pos:r.end], '\n')
		switch {
		case n >= 0:
			return r.next(r.pos+n, r.pos+n+1)
		case r.eof && r.pos < r.end:
			return r.next(r.end, r.end)
		case r.eof:
			return nil, 0, io.EOF
		case r.end-r.pos > r.max+len("\r"):
			return nil, 0, r.skip()
		}
		r.more()
	}
	return nil, 0, r.err
}

// next returns the line from pos to end. The line after it is at index behind.
func (r *Reader) next(end, behind int) (text []byte, number int64, err error) {
	text, number = r.buf[r.pos:end], r.line
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	switch {
	case len(text) > r.max:
		err = r.rowError(text, r.long())
	case behind > r.seen || !r.good:
		err = r.check(text, behind)
	}
	r.pos = behind
	if behind > end {
		r.line++
	}
	if err != nil {
		return nil, 0, err
	}
	return text, number, nil
}

// check checks the line at pos, behind which is the next one, and as many more as fit into a block.
func (r *Reader) check(line []byte, behind int) error {
	if behind > r.seen {
		ahead := r.buf[behind:max(behind, min(r.pos+checkBlock, r.end))]
		r.seen = behind + bytes.LastIndexByte(ahead, '\n') + 1
		r.good = chars.Check(r.buf[r.pos:r.seen]) == nil
	}
	if r.good {
		return nil
	}
	if err := chars.Check(line); err != nil {
		return r.rowError(line, err)
	}
	return nil
}

// skip skips the line at pos, which is too long to hold, and reports it.
func (r *Reader) skip() error {
	err := r.rowError(r.buf[r.pos:r.end], r.long())
	for r.err == nil {
		if n := bytes.IndexByte(r.buf[r.pos:r.end], '\n'); n >= 0 {
			r.pos += n + 1
			r.line++
			return err
		}
		if r.pos = r.end; r.eof {
			return err
		}
		r.more()
	}
	return r.err
}

// more reads more of the input.
func (r *Reader) more() {
	first := r.offset == 0 && r.end == 0
	r.seen, r.good = 0, false
	err := r.fill()
	if first && err == nil {
		err = r.skipMark()
	}
	if err != nil {
		r.err = fmt.Errorf("%s: %w", r.name, err)
	}
}

func (r *Reader) skipMark() error {
	n, err := input.MarkLen(r.buf[:r.end])
	if n > 0 {
		r.pos = n
		r.hi = max(r.hi, int64(n)+1) // the first line starts before the mark
	}
	return err
}

func (r *Reader) long() error {
	return fmt.Errorf("line %w of %d bytes", formats.ErrTooLong, r.max)
}

// rowError reports the line at pos.
func (r *Reader) rowError(text []byte, err error) error {
	raw := strings.ToValidUTF8(string(text[:min(len(text), r.max, maxRaw)]), "\uFFFD")
	return &RowError{File: r.name, Line: r.line, Last: r.line, Raw: raw, Err: err}
}
