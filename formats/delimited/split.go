package delimited

import (
	"bytes"
	"encoding/csv"
	"errors"
)

// errOpen stands for a quote that is not closed in the window; rowError says more.
var errOpen = errors.New("quote is never closed")

// splitter cuts a record into fields.
type splitter struct {
	comma  byte
	fields [][]byte // of the record; len is room, only the first count are set
	count  int
	text   []byte // values that are not in the input as they are
	opened int    // index of the last quote that opened a field
	odd    uint64 // has a lane with its high bit set if a byte may be NUL or not ASCII
}

// add sets the next field.
func (s *splitter) add(value []byte) {
	if s.count == len(s.fields) {
		s.fields = append(s.fields, make([][]byte, 8+len(s.fields))...)
	}
	s.fields[s.count] = value
	s.count++
}

// plain adds fields from index i of b to the first line end or quote, at index at. A line
// end ends the last field; at a quote, the field that begins at start is not added. b
// needs a line end with at least eight bytes after it.
func (s *splitter) plain(b []byte, i int) (start, at int) {
	comma := spread(s.comma)
	start = i
	n, fields, odd := s.count, s.fields, s.odd
	for ; ; i += word {
		w := load(b[i:])
		odd |= w - lanes | w // a borrow comes from a lane with NUL only
		m := ^(differ(w, comma) & differ(w, '\n'*lanes) & differ(w, '"'*lanes)) & high
		for ; m != 0; m &= m - 1 {
			at = i + lane(m)
			if n == len(fields) {
				fields = append(fields, make([][]byte, 8+n)...)
				s.fields = fields
			}
			c := b[at]
			if c == s.comma {
				fields[n] = b[start:at:at]
				n++
				start = at + 1
				continue
			}
			if c == '\n' {
				fields[n] = trimReturn(b[start:at:at])
				n++
			}
			s.count, s.odd = n, odd
			return start, at
		}
	}
}

func trimReturn(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		return b[:len(b)-1]
	}
	return b
}

// quoted goes on where plain met a quote, to the line end of the record at index at. The
// error is csv.ErrBareQuote, csv.ErrQuote, or errOpen if the record goes on after end.
func (s *splitter) quoted(b []byte, start, at, end int) (int, error) {
	s.text = s.text[:0]
	for start == at {
		s.opened = at
		if at = s.unquote(b, at+1, end); at < 0 {
			return end, errOpen
		}
		switch {
		case b[at] == '\n':
			return at, nil
		case b[at] == '\r' && b[at+1] == '\n':
			return at + 1, nil
		case b[at] != s.comma:
			return lineEnd(b, at), csv.ErrQuote
		}
		if start, at = at+1, at+1; b[at] == '"' {
			continue
		}
		if start, at = s.plain(b, at); b[at] == '\n' {
			return at, nil
		}
	}
	return lineEnd(b, at), csv.ErrBareQuote
}

// unquote adds the field whose text begins at i, after its quote, and returns the
// index after its last quote, or -1 if there is none before end. Only a field whose
// value is not in b as it is has to be copied.
func (s *splitter) unquote(b []byte, i, end int) int {
	kept := len(s.text) // the value is s.text[kept:] and then b[from:]
	for from := i; ; {
		at := s.inside(b, i, end)
		i = at + 1
		switch {
		case at == end:
			return -1
		case b[at] == '\r' && b[i] == '\n':
			s.text = append(s.text, b[from:at]...)
			from = i
		case b[at] == '\r':
		case b[i] == '"':
			s.text = append(s.text, b[from:i]...)
			i++
			from = i
		case len(s.text) == kept:
			s.add(b[from:at:at])
			return i
		default:
			s.text = append(s.text, b[from:at]...)
			s.add(s.text[kept:len(s.text):len(s.text)])
			return i
		}
	}
}

// inside returns the index of the first quote or '\r' from i on, or end. What follows end may be looked at.
func (s *splitter) inside(b []byte, i, end int) int {
	for ; i < end; i += word {
		w := load(b[i:])
		s.odd |= w - lanes | w
		if m := ^(differ(w, '"'*lanes) & differ(w, '\r'*lanes)) & high; m != 0 {
			return min(i+lane(m), end)
		}
	}
	return end
}

// lineEnd returns the index of the first line end from i on.
func lineEnd(b []byte, i int) int { return i + bytes.IndexByte(b[i:], '\n') }
