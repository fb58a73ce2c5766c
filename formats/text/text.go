// Package text reads input line by line.
//
// # Format
//
// UTF-8 text, with or without a byte order mark. A line ends with "\n" or "\r\n" or
// at the end of the input; the line end is not part of it. Blank lines count as lines.
//
// A line that is longer than the reader's limit, that is not valid UTF-8, or that has
// a NUL is a *formats.RowError, and reading goes on with the next line. An input
// that begins with a UTF-16 byte order mark is refused.
package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/lines"
)

const (
	defaultMax = 1 << 20
	maxRaw     = 4096 // bytes of a bad line that its RowError carries
)

// RowError is formats.RowError.
type RowError = formats.RowError

// Line is one line of text.
type Line struct {
	Number int64  // 1-based
	Text   string // without its line end
}

// Reader reads lines. It holds one. It is not safe for concurrent use.
type Reader struct {
	name   string
	lines  *lines.Reader
	max    int
	number int64
	text   []byte
	err    error // sticky
}

// NewReader returns a Reader of r. name stands in errors. max bounds the bytes of a
// line without its line end; 0 or less means 1 MiB.
func NewReader(r io.Reader, name string, max int) *Reader {
	if max <= 0 {
		max = defaultMax
	}
	return &Reader{name: name, lines: lines.NewReader(r), max: max}
}

// Read sets l to the next line. A *RowError is a bad line: l is not set, and the next
// Read goes on after it. At the end the error is io.EOF. Any other error is one of the
// input and stays.
func (r *Reader) Read(l *Line) error {
	if r.err != nil {
		return r.err
	}
	long, err := r.next()
	if err != nil {
		r.err = err
		if !errors.Is(err, io.EOF) {
			r.err = fmt.Errorf("%s: %w", r.name, err)
		}
		return r.err
	}
	switch {
	case long:
		return r.rowError(fmt.Errorf("line %w of %d bytes", formats.ErrTooLong, r.max))
	case bytes.IndexByte(r.text, 0) >= 0:
		return r.rowError(formats.ErrNUL)
	case !utf8.Valid(r.text):
		return r.rowError(formats.ErrNotUTF8)
	}
	*l = Line{Number: r.number, Text: string(r.text)}
	return nil
}

// next reads one line into r.text, and reports whether it was longer than that may be.
func (r *Reader) next() (long bool, err error) {
	r.text = r.text[:0]
	for {
		piece, end, err := r.lines.Next()
		if err != nil {
			return false, err
		}
		if room := r.max - len(r.text); len(piece) > room {
			piece, long = piece[:room], true
		}
		r.text = append(r.text, piece...)
		if end {
			r.number++
			return long, nil
		}
	}
}

func (r *Reader) rowError(err error) error {
	raw := strings.ToValidUTF8(string(r.text[:min(len(r.text), maxRaw)]), "\uFFFD")
	return &RowError{File: r.name, Line: r.number, Last: r.number, Raw: raw, Err: err}
}
