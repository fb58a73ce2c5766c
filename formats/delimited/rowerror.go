package delimited

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

// maxRaw bounds the text of a bad record that its RowError carries, in bytes.
const maxRaw = 4096

// check says what is wrong with the record from pos to its line end at, if anything. Without
// it, the first good record sets the number of fields.
func (r *Reader) check(at int, bad error) error {
	text := r.buf[r.pos:at]
	switch {
	case errors.Is(bad, errOpen):
		return r.rowError(text, "", openError(r.line+countLines(r.buf[r.pos:r.opened])))
	case len(trimReturn(text)) > r.max:
		return r.rowError(text, "", r.longError())
	case bad != nil:
		return r.rowError(text, "", bad)
	case r.width >= 0 && r.count != r.width:
		return r.rowError(text, "", fmt.Errorf("%w: %d, not %d", csv.ErrFieldCount, r.count, r.width))
	}
	if err := r.checkText(text); err != nil {
		return r.rowError(text, r.oddColumn(), err)
	}
	r.width = r.count
	return nil
}

func openError(line int64) error {
	return fmt.Errorf("%w: the quote of line %d is never closed", csv.ErrQuote, line)
}

func (r *Reader) longError() error {
	return fmt.Errorf("record %w of %d bytes", formats.ErrTooLong, r.max)
}

func (r *Reader) checkText(text []byte) error {
	if bytes.IndexByte(text, 0) >= 0 {
		return formats.ErrNUL
	}
	if !r.any && !utf8.Valid(text) {
		return formats.ErrNotUTF8
	}
	return nil
}

// oddColumn names the first column whose text is refused, if columns have names.
func (r *Reader) oddColumn() string {
	for i, name := range r.columns {
		if f := r.fields[i]; r.checkText(r.buf[f.from:f.to]) != nil {
			return name
		}
	}
	return ""
}

func (r *Reader) rowError(text []byte, column string, err error) error {
	last := r.line + countLines(text)
	if bytes.HasSuffix(text, []byte{'\n'}) { // inside quotes, at the end of the input
		last--
	}
	return &RowError{File: r.name, Line: r.line, Last: last, Column: column, Raw: r.rawText(text), Err: err}
}

// rawText returns what a RowError keeps of a record, which does not depend on the window.
func (r *Reader) rawText(text []byte) string {
	text = trimReturn(text)
	return strings.ToValidUTF8(string(text[:min(len(text), r.max, maxRaw)]), "\uFFFD")
}

func countLines(b []byte) int64 { return int64(bytes.Count(b, []byte{'\n'})) }

// skip reads to the end of the record at pos, which is too long to hold, and reports it.
func (r *Reader) skip() error {
	bad := &RowError{File: r.name, Line: r.line, Raw: r.rawText(r.buf[r.pos:r.end]), Err: r.longError()}
	state, open := AtRecord, int64(0)
	for {
		end, n, opened := walk(state, r.buf[r.pos:r.end], r.comma)
		if opened >= 0 {
			open = r.line + countLines(r.buf[r.pos:r.pos+opened])
		}
		if piece := r.buf[r.pos : r.pos+n]; n > 0 {
			r.line += countLines(piece)
			bad.Last = r.line
			if piece[n-1] == '\n' {
				bad.Last--
			}
		}
		r.pos += n
		if state = end; state == AtRecord || r.eof {
			break
		}
		if err := r.more(); err != nil {
			return err
		}
	}
	r.seek(r.pos)
	r.row++
	if state == Quoted {
		bad.Err = openError(open)
	}
	return bad
}
